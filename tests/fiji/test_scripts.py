"""The scripts for Fiji's Script Editor, run with Groovy and Jython without a display."""

from __future__ import annotations

import csv
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from deepflash_service.bridge.rois import read_roi_zip, rois_to_labels
from deepflash_service.store.images import read_image
from tests.fiji.conftest import MODEL, draw_spots

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.jvm, pytest.mark.keras, pytest.mark.slow]


@pytest.fixture
def run_script(
    require_jvm: Path,
    plugin_jar: Path,
    script_languages: Path,
    service_home: Path,
    project_root: Path,
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a script with the inputs of its ``#@`` lines."""
    classes = plugin_jar.parent / "test-classes"
    jars = [require_jvm / "*", plugin_jar, script_languages / "*", classes]
    command = [
        "java",
        "-Djava.awt.headless=true",
        "--add-opens=java.base/java.lang=ALL-UNNAMED",
        f"-Ddeepflash.home={service_home}",
        "-cp",
        os.pathsep.join(map(str, jars)),
        "org.deepflash.driver.ScriptDriver",
    ]

    def run(language: str, script: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        path = project_root / "docs" / "how-to" / "scripts" / script
        given = [f"{name}={value}" for name, value in inputs.items()]
        return subprocess.run(
            [*command, language, str(path), *given],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return run


def test_groovy_segments_the_open_image(
    run_script: Callable[..., subprocess.CompletedProcess[str]], pictures: Path, tmp_path: Path
) -> None:
    """ROIs and table have the spots of the image, in its unit."""
    inputs = {"image": f"image:{pictures / 'cells.tif'}", "folder": f"file:{tmp_path}"}
    done = run_script("groovy", "Segment_Image.groovy", model=f"text:{MODEL}", **inputs)
    assert done.returncode == 0, done.stderr
    assert "6 ROIs in cells.tif" in done.stdout
    rois = [roi for path in sorted(tmp_path.glob("*.roi")) for roi in read_roi_zip(path)]
    spots = draw_spots()
    labels = rois_to_labels(rois, (spots.shape[0], spots.shape[1]))
    np.testing.assert_array_equal(labels > 0, spots > 300)
    with (tmp_path / "rois.csv").open() as file:
        rows = list(csv.DictReader(file))
    areas = [float(row["Area"]) for row in rows]
    np.testing.assert_allclose(areas, np.bincount(labels.ravel())[1:] * 0.25, atol=0.001)
    assert sorted(float(row["Mean"]) for row in rows) == [3000 + 100 * spot for spot in range(6)]


def test_jython_segments_a_folder(
    run_script: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Each image is saved with its ROIs as overlay, and counted."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for count in (2, 5):
        tifffile.imwrite(tmp_path / "in" / f"Mäuse, {count}.tif", draw_spots(count=count))
    (tmp_path / "in" / "notes.txt").write_text("not an image")
    inputs = {"images": f"file:{tmp_path / 'in'}", "folder": f"file:{tmp_path / 'out'}"}
    done = run_script("jython", "Segment_Folder.py", model=f"text:{MODEL}", **inputs)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out" / "counts.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.reader(table))
    assert rows == [["image", "rois"], ["Mäuse, 2.tif", "2"], ["Mäuse, 5.tif", "5"]]
    with tifffile.TiffFile(tmp_path / "out" / "Mäuse, 5_overlay.tif") as saved:
        assert saved.imagej_metadata is not None
        assert len(saved.imagej_metadata["Overlays"]) == 5
    assert read_image(tmp_path / "out" / "Mäuse, 5_overlay.tif").shape == (96, 128)


@pytest.mark.parametrize(
    ("language", "script"), [("groovy", "Segment_Image.groovy"), ("jython", "Segment_Folder.py")]
)
def test_a_failure_ends_the_script_with_its_sentence(
    run_script: Callable[..., subprocess.CompletedProcess[str]],
    pictures: Path,
    tmp_path: Path,
    language: str,
    script: str,
) -> None:
    """A model that is not there is named, with those that are."""
    picture = pictures / "cells.tif"
    inputs = {"image": f"image:{picture}", "images": f"file:{pictures}", "model": "text:None"}
    done = run_script(language, script, folder=f"file:{tmp_path}", **inputs)
    assert done.returncode == 1
    assert "There is no model None. Known models: Bright." in done.stderr
    assert list(tmp_path.iterdir()) == []
