"""ROI files of other programs have the coordinates that these programs expect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.bridge.rois import read_outlines, read_roi_zip, rois_to_labels
from deepflash_service.errors import InputError

pytestmark = pytest.mark.data

POLYGONS = ("polygon", "polygon-left", "polygon-top", "freehand")
BOXES = ("rectangle", "oval", "oval-left", "oval-top")
ELLIPSES = ("ellipse", "ellipse-left", "ellipse-top")
COMPOSITES = (
    *("composite-brush-donut", "composite-brush-yin-yang", "composite-oval-in-rect"),
    *("composite-rect-in-rect", "composite-two-ellipses", "composite-two-ovals"),
)
WITHOUT_AREA = {
    "read_roi/point": "point",
    "read_roi/multipoint": "point",
    "read_roi/polyline": "polyline",
    "read_roi/freeline": "freehand line",
    "read_roi/line1": "line",
    "read_roi/line2": "line",
    "ijroi/int_point": "point",
    "ijroi/float_point": "point",
}
RECTANGLES = {
    "unit_rectangle": [(0, 0), (0, 1), (1, 1), (1, 0)],
    "integer_rectangle": None,
    "subpixel_rectangle": None,
}


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    """Return the folder of the ROI files."""
    return shared_data / "roi"


def read_pair(folder: Path, name: str) -> tuple[list[Any], dict[str, Any]]:
    """Return our corners as (x, y) loops, and what the reader of the fixture expects."""
    expected = json.loads((folder / "read_roi" / f"{name}.json").read_text())[name]
    (roi,) = read_roi_zip(folder / "read_roi" / f"{name}.roi")
    return [loop[:, ::-1] for loop in read_outlines(roi)], expected


@pytest.mark.parametrize("name", POLYGONS)
def test_polygons_have_the_expected_corners(folder: Path, name: str) -> None:
    """Corner by corner, in the same order; what ImageJ cut off at the border stays so."""
    (loop,), expected = read_pair(folder, name)
    assert loop.tolist() == np.transpose([expected["x"], expected["y"]]).tolist()


@pytest.mark.parametrize("name", BOXES)
def test_rectangles_and_ovals_fill_the_expected_box(folder: Path, name: str) -> None:
    """An oval reaches all four sides of its box."""
    (loop,), expected = read_pair(folder, name)
    left, top = expected["left"], expected["top"]
    assert loop.min(axis=0).tolist() == [left, top]
    assert loop.max(axis=0).tolist() == [left + expected["width"], top + expected["height"]]


@pytest.mark.parametrize("name", ELLIPSES)
def test_ellipses_follow_their_axes(folder: Path, name: str) -> None:
    """Every corner lies on the ellipse of the two end points and the aspect ratio."""
    (loop,), expected = read_pair(folder, name)
    first, last = (np.array([expected[f"ex{n}"], expected[f"ey{n}"]]) for n in (1, 2))
    half = np.linalg.norm(last - first) / 2
    along = (last - first) / (2 * half)
    offset = loop - (first + last) / 2
    major, minor = offset @ along, offset @ np.array([-along[1], along[0]])
    radius = np.hypot(major, minor / expected["aspect_ratio"])
    inside = (loop > 0).all(axis=1)
    assert np.abs(radius - half)[inside].max() < 0.75
    assert inside.sum() > len(loop) / 3


@pytest.mark.parametrize("name", COMPOSITES)
def test_composites_have_the_expected_loops(folder: Path, name: str) -> None:
    """Each part and each hole; where the reader of the fixture keeps curve points, its corners."""
    loops, expected = read_pair(folder, name)
    paths = expected["paths"]
    assert len(loops) == len(paths)
    for loop, path in zip(loops, paths, strict=True):
        corners = {tuple(corner) for corner in np.round(loop, 4).tolist()}
        assert tuple(np.round(path[0], 4).tolist()) in corners
        if len(path) == len(loop):
            assert np.allclose(loop, path)


@pytest.mark.parametrize(("name", "kind"), WITHOUT_AREA.items())
def test_points_and_lines_are_refused_with_a_sentence(folder: Path, name: str, kind: str) -> None:
    """The sentence names the ROI, says what it is, and with which tool to draw an area."""
    (roi,) = read_roi_zip(folder / f"{name}.roi")
    for read in (read_outlines, lambda data: rois_to_labels([data], (300, 300))):
        with pytest.raises(InputError, match=f"is a {kind} and encloses no area") as caught:
            read(roi)
        assert caught.value.code == "invalid_roi"
        assert "freehand, polygon, oval or wand tool" in caught.value.message
