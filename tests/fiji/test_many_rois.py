"""Very many ROIs reach the ROI Manager quickly, and what they carry survives saving and opening."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import roifile
import tifffile

from deepflash_service.core.rois import labels_to_rois
from tests.fiji.desktop import start_imagej
from tests.fiji.stub_service import MODEL, STAGES, StubService, serve_stub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm]

COUNT = 2000
COLUMNS = 50
STEP = 12
LIMIT_MS = 500.0
SHAPE = (COUNT // COLUMNS * STEP, COLUMNS * STEP)
OPEN = (
    f'newImage("hyper", "16-bit grayscale-mode", {SHAPE[1]}, {SHAPE[0]}, 4, 10, 5);'
    'run("Properties...", "unit=um pixel_width=0.25 pixel_height=0.25 voxel_depth=1");'
    "Stack.setPosition(2, 3, 4);"
)
SEGMENT = 'run("DFL Segment...", "model=Stub channel=2 add_to_manager");'


@pytest.fixture
def stub() -> Iterator[StubService]:
    """Return a service that answers with 2,000 round ROIs and their table."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    is_inside = np.hypot(rows % STEP - 5, columns % STEP - 5) < 5
    numbers = 1 + rows // STEP * COLUMNS + columns // STEP
    labels = np.where(is_inside, numbers, 0).astype(np.int32)
    with serve_stub(labels_to_rois(labels, scores=[0.9] * COUNT)) as service:
        lines = [f"roi-{number:04d},79,0.9" for number in range(1, COUNT + 1)]
        service.answers[STAGES["table"]] = "\n".join(["ROI,Area px,Probability", *lines]).encode()
        yield service


@pytest.fixture
def imagej(
    display: str, require_jvm: Path, plugin_jar: Path, tmp_path: Path, stub: StubService
) -> Iterator[Desktop]:
    """Return an ImageJ that has colours for groups, as Fiji has, and a hyperstack open."""
    (tmp_path / "imagej" / "luts").mkdir(parents=True)
    (tmp_path / "imagej" / "luts" / "Glasbey.lut").write_bytes(bytes(range(256)) * 3)
    places = {"jars": require_jvm, "plugin_jar": plugin_jar, "home": tmp_path / "home"}
    with start_imagej(tmp_path / "imagej", display=display, **places) as desktop:
        desktop.do("macro", f'run("DFL Set Up...", "service_url={stub.url} token=none");')
        desktop.do("manager", "mine")
        desktop.do("macro", OPEN)
        yield desktop


@pytest.mark.alone
def test_two_thousand_rois_arrive_in_half_a_second(imagej: Desktop, stub: StubService) -> None:
    """From the last byte of the answer to the counted list; a second answer replaces the first."""
    times = []
    for _ in range(3):
        answer = imagej.do(
            "macro", f'{SEGMENT} return "" + roiManager("count") + "," + d2s(getTime(), 0);'
        )
        count, moment = answer.removeprefix("done ").split(",")
        assert int(count) == COUNT + 1
        times.append(float(moment) - 1000 * stub.answered)
    # The first run loads classes and opens the windows.
    assert max(times[1:]) <= LIMIT_MS, times
    names = imagej.do("manager").splitlines()
    assert names[0] == "my own"
    assert len(set(names)) == len(names) == COUNT + 1


def describe(roi: roifile.ImagejRoi) -> tuple[object, ...]:
    """Return what must survive: name, position, group, properties, bounds."""
    place = (roi.c_position, roi.z_position, roi.t_position)
    bounds = (roi.left, roi.top, roi.right, roi.bottom)
    facts = dict(line.split(": ", 1) for line in (roi.props or "").splitlines() if ": " in line)
    return (roi.name, place, roi.group, tuple(sorted(facts.items())), bounds)


def test_what_rois_carry_survives_saving_and_opening(imagej: Desktop, tmp_path: Path) -> None:
    """Names, positions, groups, properties in ROI set and TIFF; pixel size and user's ROI too."""
    first, again = tmp_path / "first.zip", tmp_path / "again.zip"
    one, two = tmp_path / "one.tif", tmp_path / "two.tif"
    answer = imagej.do(
        "macro",
        f'{SEGMENT} roiManager("deselect"); roiManager("save", "{first}"); saveAs("Tiff", "{one}");'
        f'close(); roiManager("reset"); roiManager("open", "{first}"); open("{one}");'
        f'roiManager("deselect"); roiManager("save", "{again}"); saveAs("Tiff", "{two}");',
    )
    assert answer.startswith("done")
    saved = sorted(describe(roi) for roi in roifile.roiread(first))
    facts = {"dfl.image": "hyper", "dfl.label": "1", "dfl.model": "Stub@1", "dfl.prob": "0.9000"}
    expected = ("cFOS-t004-z003-0001", (2, 3, 4), 1, tuple(sorted(facts.items())), (1, 1, 10, 10))
    assert saved[0] == expected
    assert saved[-1][0] == "my own"
    assert len(saved) == COUNT + 1
    assert sorted(describe(roi) for roi in roifile.roiread(again)) == saved
    for path in (one, two):
        with tifffile.TiffFile(path) as tiff:
            metadata = tiff.imagej_metadata
            assert metadata is not None
            assert metadata["unit"] in {"um", "micron", "µm", "\\u00B5m"}
            overlay = [roifile.ImagejRoi.frombytes(data) for data in metadata["Overlays"]]
            resolution = tiff.pages[0].tags["XResolution"].value  # type: ignore[union-attr]
        assert math.isclose(resolution[1] / resolution[0], 0.25, rel_tol=1e-6)
        assert sorted(describe(roi) for roi in overlay) == saved[:-1]


def test_each_class_has_its_group(imagej: Desktop, stub: StubService, tmp_path: Path) -> None:
    """The colour tells which model found a ROI; a class keeps its group in later runs."""
    of_parv = {**MODEL, "name": "Other", "target": "Parv"}
    stub.answers[STAGES["models"]] = json.dumps({"models": [MODEL, of_parv]}).encode()
    other = SEGMENT.replace("Stub", "Other").replace("add_to", "append add_to")
    path = tmp_path / "both.zip"
    answer = imagej.do(
        "macro", f'{SEGMENT} {other} roiManager("deselect"); roiManager("save", "{path}");'
    )
    assert answer.startswith("done")
    rois = [roi for roi in roifile.roiread(path) if roi.name != "my own"]
    assert len(rois) == 2 * COUNT
    assert {(roi.name.partition("-")[0], roi.group) for roi in rois} == {("cFOS", 1), ("Parv", 2)}
