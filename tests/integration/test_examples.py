"""The examples of docs/how-to do what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import psutil
import pytest
import shapely
import tifffile
from nbclient import NotebookClient
from shapely.geometry import shape as read_shape

from deepflash_service.bridge import Service, connect
from deepflash_service.bridge.rois import read_roi_zip, rois_to_labels
from deepflash_service.store.images import read_annotation

pytestmark = [pytest.mark.keras, pytest.mark.jvm, pytest.mark.slow]

NOTEBOOK = "headless.ipynb"


@pytest.fixture(scope="module")
def how_to(project_root: Path) -> Path:
    """Return the folder of the examples."""
    return project_root / "docs" / "how-to"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return the environment of a user with a home folder; the service of it is ended."""
    home = tmp_path_factory.mktemp("examples-home")
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    yield {**os.environ, "PATH": paths, "DEEPFLASH_HOME": str(home)}
    facts = home / "service.json"
    if facts.is_file():
        process = psutil.Process(json.loads(facts.read_text())["pid"])
        process.terminate()
        process.wait(timeout=60)


def run(*command: object, folder: Path, environment: dict[str, str]) -> str:
    """Run a command in a folder, and return what it printed."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    return done.stdout


@pytest.fixture(scope="module")
def trained(
    how_to: Path,
    plugin_jar: Path,
    environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, str]:
    """Run headless.py on small samples; return its folder and what it printed."""
    folder = tmp_path_factory.mktemp("headless")
    samples = ["deepflash", "samples", "cells", "--images", 3, "--experts", 2]
    run(*samples, folder=folder, environment=environment)
    script = [sys.executable, how_to / "headless.py", "cells", 2]
    return folder, run(*script, folder=folder, environment=environment)


@pytest.fixture
def service(trained: tuple[Path, str], environment: dict[str, str]) -> Iterator[Service]:
    """Return the service that headless.py has left."""
    with connect(home=environment["DEEPFLASH_HOME"], start=False) as service:
        yield service


def find_labels(service: Service, picture: Path) -> np.ndarray:
    """Segment a picture with the model of headless.py by the service alone."""
    job = service.wait(service.segment({picture.name: picture}, "example_cells"))
    return read_annotation(service.result(job, "labels.tif"))


def test_headless_script_goes_all_the_way(trained: tuple[Path, str], service: Service) -> None:
    """Agreement, training, scores, and each unseen image with its ROIs and table."""
    folder, printed = trained
    for words in (
        "two experts agree on average at F1 0.",
        "epoch 2 of 2 - F1 0.",
        "on images held out of the training: F1 0.",
        "on 4 unseen images: F1 0.",
    ):
        assert words in printed
    for path in sorted((folder / "cells" / "test" / "images").glob("*.tif")):
        labels = find_labels(service, path)
        count = int(np.unique(labels[labels > 0]).size)
        assert f"{path.name}: {count} ROIs" in printed
        with tifffile.TiffFile(folder / f"{path.stem}_overlay.tif") as saved:
            assert saved.imagej_metadata is not None
            overlays = saved.imagej_metadata.get("Overlays", [])
            overlays = [overlays] if isinstance(overlays, bytes) else overlays
        np.testing.assert_array_equal(rois_to_labels(overlays, labels.shape), labels)
        table = folder / f"{path.stem}_rois.csv"
        assert len(pd.read_csv(table)) == count


def test_notebook_runs_from_top_to_bottom(
    how_to: Path, trained: tuple[Path, str], environment: dict[str, str], service: Service
) -> None:
    """Its files hold the labels of the service: as TIFF, as ROI set, and as valid GeoJSON."""
    folder, _ = trained
    notebook = nbformat.read(how_to / NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    client.execute(env=environment)
    picture = sorted((folder / "cells" / "test" / "images").glob("*.tif"))[0]
    labels = find_labels(service, picture)
    assert labels.max() > 0
    stem = folder / picture.stem
    np.testing.assert_array_equal(read_annotation(Path(f"{stem}_labels.tif")), labels)
    rois = read_roi_zip(f"{stem}_RoiSet.zip")
    np.testing.assert_array_equal(rois_to_labels(rois, labels.shape), labels)
    outlines = Path(f"{stem}.geojson")
    np.testing.assert_array_equal(read_annotation(outlines, shape=labels.shape), labels)
    for feature in json.loads(outlines.read_text())["features"]:
        assert shapely.is_valid(read_shape(feature["geometry"]))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert any(output.get("data", {}).get("text/plain") == "True" for output in outputs)


def test_notebook_is_committed_without_outputs(how_to: Path) -> None:
    """No result, no count and no path of the computer where it was written."""
    notebook = nbformat.read(how_to / NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in notebook.cells:
        assert cell.metadata == {}
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_shell_pipeline_says_that_a_folder_holds_no_image(how_to: Path, tmp_path: Path) -> None:
    """Not that the image '*.tif' is missing; wrong use is told as such."""
    (tmp_path / "notes.txt").touch()
    for arguments, code, words in (
        (["m", tmp_path, tmp_path / "out"], 1, "There is no image in"),
        (["m"], 2, "Usage: segment_folder.sh MODEL IMAGES OUTPUT"),
    ):
        done = subprocess.run(
            [how_to / "scripts" / "segment_folder.sh", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (code, "")
        assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_shell_pipeline_goes_on_where_it_was_stopped(
    how_to: Path, trained: tuple[Path, str], environment: dict[str, str], tmp_path: Path
) -> None:
    """Only images without a result are segmented; the table always has all of them."""
    images = sorted((trained[0] / "cells" / "test" / "images").glob("*.tif"))[:2]
    (tmp_path / "in").mkdir()
    for path in images:
        name = path.name.replace("-", " ").replace(".tif", ".TIF" if path == images[0] else ".tiff")
        (tmp_path / "in" / name).write_bytes(path.read_bytes())
    script = [how_to / "scripts" / "segment_folder.sh", "example_cells", "in", "out"]
    run(*script, folder=tmp_path, environment=environment)
    names = [path.stem.replace("-", " ") for path in images]
    labels = {name: read_annotation(tmp_path / "out" / f"{name}_labels.tif") for name in names}
    table = pd.read_csv(tmp_path / "out" / "measurements.csv")
    assert len(table) == sum(np.unique(one[one > 0]).size for one in labels.values())
    (tmp_path / "out" / f"{names[1]}_RoiSet.zip").unlink()
    run(*script, folder=tmp_path, environment=environment)
    report = json.loads((tmp_path / "out" / "last_run.json").read_text())
    assert [Path(one["image"]).stem for one in report["images"]] == [names[1]]
    assert (tmp_path / "out" / f"{names[1]}_RoiSet.zip").is_file()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / "measurements.csv"), table)
    summaries = [pd.read_csv(tmp_path / "out" / f"summary-{number}.csv") for number in (1, 2)]
    assert [[Path(one).stem for one in table["Image"]] for table in summaries] == [names, names[1:]]
    assert len(pd.read_csv(tmp_path / "out" / "rois-1.csv")) == len(table)
