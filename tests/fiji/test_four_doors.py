"""The same image by menu, macro, Python and command line: one result."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import roifile
import tifffile

from tests.fiji.conftest import MODEL, draw_spots

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras, pytest.mark.slow]

NAME = "slice 7"
BY_BRIDGE = """
import sys
from pathlib import Path
from deepflash_service.bridge import connect, init
from deepflash_service.bridge.rois import read_roi_name, rois_to_labels

home, picture, model, target = sys.argv[1:]
with connect(home=home, start=False) as service, init() as fiji:
    image = fiji.open(picture)
    fiji.segment(image, model, service=service)
    shape = fiji.from_imageplus(image).shape
    rois = fiji.rois_from(image)
    labels = rois_to_labels(rois, shape)
    Path(target).with_suffix(".txt").write_text("\\n".join(map(read_roi_name, rois)))
    fiji.save_tiff(fiji.to_imageplus(labels), target)
"""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return an image with soft edges, a hole, a corner that touches, and specks too small."""
    image = draw_spots(count=5).astype(np.float64)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    image += 2800 * np.exp(-((rows - 48) ** 2 + (columns - 60) ** 2) / 60)
    image[14:18, 14:18] = 300
    image[70:80, 90:100] = image[80:90, 100:110] = 3100
    image[60, 5:14] = 3000
    image += np.random.default_rng(3).normal(0, 40, image.shape)
    path = tmp_path / f"{NAME}.tif"
    calibration: dict[str, Any] = {"resolution": (2, 2), "metadata": {"unit": "um"}}
    tifffile.imwrite(path, image.astype(np.uint16), imagej=True, **calibration)
    return path


def run_python(*arguments: object) -> None:
    """Run Python and show what it said when it fails."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def save_labels(imagej: Desktop, path: Path) -> NDArray[np.generic]:
    """Save the label image that ImageJ shows, close all images, and return it."""
    macro = f'selectImage("{NAME}-labels"); saveAs("Tiff", "{path.as_posix()}");'
    assert imagej.do("macro", macro).startswith("done")
    imagej.do("closeall")
    return np.asarray(tifffile.imread(path))


def segment_in_fiji(imagej: Desktop, picture: Path) -> dict[str, NDArray[np.generic]]:
    """Segment once with the mouse, once with a macro; return both label images.

    The lines about the ROIs are left in ``macro.txt``.
    """
    imagej.do("open", str(picture))
    imagej.do("menu", "DFL Segment...")
    imagej.do("dialog")
    imagej.do("tick", "Labels")
    imagej.do("press", "OK")
    imagej.do("idle")
    by_menu = save_labels(imagej, picture.with_name("menu.tif"))
    macro = f'open("{picture.as_posix()}"); run("DFL Segment...", "model={MODEL} labels");'
    assert imagej.do("macro", macro).startswith("done")
    picture.with_name("macro.txt").write_text(imagej.do("rois", picture.name))
    return {"menu": by_menu, "macro": save_labels(imagej, picture.with_name("macro.tif"))}


def test_four_doors_lead_to_the_same_labels(
    open_imagej: Callable[..., Any], service_home: Path, picture: Path, tmp_path: Path
) -> None:
    """Fiji menu, ImageJ macro, Python bridge and command line agree in pixels and names."""
    with open_imagej("four-doors", home=service_home) as imagej:
        found = segment_in_fiji(imagej, picture)
    run_python("-c", BY_BRIDGE, service_home, picture, MODEL, tmp_path / "bridge.tif")
    found["bridge"] = np.asarray(tifffile.imread(tmp_path / "bridge.tif"))
    output = tmp_path / "by-command"
    command = ["-m", "deepflash_service.cli", "segment", picture, "--model", MODEL]
    run_python(*command, "--output", output, "--home", service_home)
    expected = tifffile.imread(output / f"{NAME}_labels.tif")
    areas = np.bincount(expected.ravel())[1:]
    assert areas.size == 7
    assert areas.min() >= 10
    assert 200 in areas
    names = [roi.name for roi in roifile.roiread(output / f"{NAME}_RoiSet.zip")]
    assert names[0].endswith("-t001-z001-0001")
    assert (tmp_path / "bridge.txt").read_text().splitlines() == names
    lines = (tmp_path / "macro.txt").read_text().splitlines()
    assert [line.split(" ")[0] for line in lines] == names
    for labels in found.values():
        assert labels.dtype == expected.dtype
        np.testing.assert_array_equal(labels, expected)
