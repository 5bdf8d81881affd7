"""Reading ROIs that ImageJ and other programs wrote."""

from __future__ import annotations

import struct
import tracemalloc
from contextlib import nullcontext, suppress
from typing import Any

import numpy as np
import pytest
import roifile

from deepflash_service.core.roi_areas import draw_shapes
from deepflash_service.core.roi_shapes import RoiShape, read_roi
from deepflash_service.core.rois import labels_to_rois, rois_to_labels, rois_to_mask
from deepflash_service.errors import InputError

SQUARE = labels_to_rois(np.pad(np.ones((2, 3), np.int32), 1))[0]


def make_roi(kind: str, *, box: tuple[int, int, int, int] = (0, 0, 0, 0), **facts: Any) -> Any:
    """Make an ROI with roifile; ``box`` is top, left, bottom, right."""
    roi = roifile.ImagejRoi()
    roi.roitype = roifile.ROI_TYPE[kind]
    roi.top, roi.left, roi.bottom, roi.right = box
    for name, value in facts.items():
        setattr(roi, name, value)
    return roi


def test_rectangle_fills_its_bounds() -> None:
    """Rows from top to bottom, columns from left to right."""
    mask = rois_to_mask([make_roi("RECT", box=(1, 2, 3, 6)).tobytes()], (5, 8))
    expected = np.zeros((5, 8), dtype=bool)
    expected[1:3, 2:6] = True
    np.testing.assert_array_equal(mask, expected)


def test_oval_is_drawn_as_imagej_does() -> None:
    """Pixels whose centre lies in the ellipse; a circle of diameter 5 loses its four corners."""
    mask = rois_to_mask([make_roi("OVAL", box=(1, 1, 6, 6)).tobytes()], (7, 7))
    expected = np.zeros((7, 7), dtype=bool)
    expected[1:6, 1:6] = True
    expected[[1, 1, 5, 5], [1, 5, 1, 5]] = False
    np.testing.assert_array_equal(mask, expected)


def test_polygon_follows_the_rule_of_pixel_centres() -> None:
    """Centres on the slanted edge to the lower right belong to the area, to the left not."""
    points = np.array([[0, 0], [4, 0], [0, 4]], dtype=np.float32)
    mask = rois_to_mask([roifile.ImagejRoi.frompoints(points).tobytes()], (5, 5))
    assert mask.sum() == 10
    np.testing.assert_array_equal(mask[0], [True, True, True, True, False])


def test_sub_pixel_corners_are_used() -> None:
    """Floating point corners decide, not their rounded twins."""
    points = np.array([[0.6, 0.6], [3.4, 0.6], [3.4, 2.4], [0.6, 2.4]], dtype=np.float32)
    mask = rois_to_mask([roifile.ImagejRoi.frompoints(points).tobytes()], (4, 5))
    expected = np.zeros((4, 5), dtype=bool)
    expected[1, 1:3] = True
    np.testing.assert_array_equal(mask, expected)


def test_curves_of_composites_are_followed() -> None:
    """A circle of four Bezier curves has its area; a quadratic curve bends the edge."""
    k = 0.5523 * 10
    path = [
        *(0, 30, 20),
        *(3, 30, 20 + k, 20 + k, 30, 20, 30),
        *(3, 20 - k, 30, 10, 20 + k, 10, 20),
        *(3, 10, 20 - k, 20 - k, 10, 20, 10),
        *(3, 20 + k, 10, 30, 20 - k, 30, 20),
        4,
    ]
    circle = make_roi("RECT", box=(10, 10, 30, 30))
    circle.multi_coordinates = np.array(path, dtype=np.float32)
    circle.shape_roi_size = len(path)
    assert abs(rois_to_mask([circle.tobytes()], (40, 40)).sum() - np.pi * 100) < 4
    bend = make_roi("RECT", box=(0, 0, 10, 10))
    bend.multi_coordinates = np.array([0, 0, 0, 2, 10, 0, 10, 10, 1, 0, 10, 4], dtype=np.float32)
    bend.shape_roi_size = 12
    assert 70 < rois_to_mask([bend.tobytes()], (12, 12)).sum() < 90


def test_splines_bulge_beyond_their_corners() -> None:
    """A spline through the corners of a square covers more than the square."""
    points = np.array([[10, 10], [30, 10], [30, 30], [10, 30]], dtype=np.int32)
    roi = make_roi("POLYGON", box=(10, 10, 30, 30), options=roifile.ROI_OPTIONS.SPLINE_FIT)
    roi.integer_coordinates, roi.n_coordinates = points - 10, 4
    assert 500 < rois_to_mask([roi.tobytes()], (40, 40)).sum() < 640


def test_negative_bounds_are_clipped() -> None:
    """An ROI that sticks out of the image keeps its inner part."""
    mask = rois_to_mask([make_roi("RECT", box=(-2, -3, 2, 1)).tobytes()], (3, 3))
    assert mask.sum() == 2


@pytest.mark.parametrize("kind", ["LINE", "POINT", "POLYLINE", "FREELINE", "ANGLE", "NOROI"])
def test_rois_without_area_are_refused_by_name(kind: str) -> None:
    """The sentence names the ROI and the tools to use."""
    roi = make_roi(kind, box=(1, 1, 5, 5), name="my mark")
    with pytest.raises(InputError, match=r"'my mark'.*freehand") as caught:
        read_roi(roi.tobytes())
    assert caught.value.code == "invalid_roi"


def test_text_and_unknown_kinds_are_refused() -> None:
    """Text has no outline; a kind of the future is unknown."""
    text = bytearray(make_roi("RECT", box=(0, 0, 5, 5)).tobytes())
    text[48:50] = struct.pack(">h", 1)
    with pytest.raises(InputError, match="is a text"):
        read_roi(bytes(text))
    text[48:50], text[6] = bytes(2), 77
    with pytest.raises(InputError, match="unknown"):
        read_roi(bytes(text))


def damage(data: bytes, offset: int, value: bytes) -> bytes:
    """Overwrite some bytes."""
    return data[:offset] + value + data[offset + len(value) :]


COMPOSITE = labels_to_rois(np.array([[1, 0, 1]], dtype=np.int32))[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04" + bytes(80),
        SQUARE[:40],
        damage(SQUARE[:66], 60, bytes(4)),
        damage(SQUARE, 16, struct.pack(">H", 60_000)),
        damage(SQUARE, 16, struct.pack(">Hi", 0, -5)),
        damage(SQUARE, 16, struct.pack(">Hi", 0, 0)),
        damage(COMPOSITE, 36, struct.pack(">i", 1_000_000)),
        damage(COMPOSITE, 64, struct.pack(">f", 9.0)),
        damage(COMPOSITE, 64, struct.pack(">f", 1.0)),
        damage(COMPOSITE, 68, struct.pack(">f", np.nan)),
        damage(COMPOSITE, 36, struct.pack(">i", 2)),
        make_roi("OVAL", box=(3, 3, 3, 3)).tobytes(),
    ],
)
def test_damaged_bytes_are_refused(data: bytes) -> None:
    """Whatever is wrong inside, the answer is one sentence and a code."""
    with pytest.raises(InputError) as caught:
        rois_to_labels([data], (10, 10))
    assert caught.value.code == "invalid_roi"


@pytest.mark.parametrize("offset", range(0, len(SQUARE), 3))
def test_changed_bytes_never_raise_anything_else(offset: int) -> None:
    """Random damage gives ROIs or an InputError, nothing else."""
    for value in (0x00, 0x7F, 0xFF):
        with suppress(InputError):
            rois_to_labels([damage(SQUARE, offset, bytes([value] * 3))], (10, 10))


def test_second_header_may_be_missing() -> None:
    """Old ROIs have neither name nor properties."""
    shape = read_roi(damage(SQUARE, 60, bytes(4)))
    assert (shape.name, shape.properties, shape.label) == ("", {}, None)


def test_label_property_must_be_a_positive_number() -> None:
    """Other texts are no label."""
    ring = (np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0]]),)
    labels = {
        text: RoiShape("a", "traced", ring, properties={"dfl.label": text}).label
        for text in ("12", "0", "x", "-3", "", "2147483648", "9" * 5000)
    }
    assert labels.pop("12") == 12
    assert set(labels.values()) == {None}


def test_roi_of_another_image_is_refused() -> None:
    """An ROI entirely outside the image belongs to another one."""
    with pytest.raises(InputError, match="no pixel inside") as caught:
        rois_to_labels([SQUARE, make_roi("RECT", box=(20, 20, 30, 30)).tobytes()], (10, 10))
    assert caught.value.code == "shape_mismatch"


def test_outlines_that_cannot_be_drawn_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file made to fill the memory is stopped before it does."""
    monkeypatch.setattr("deepflash_service.core.roi_areas._MOST_CROSSINGS", 3)
    with pytest.raises(InputError, match="too many corners"):
        draw_shapes([read_roi(SQUARE)], [1], shape=(10, 10))


def test_many_outlines_are_drawn_in_batches_to_the_same_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of many ROIs at once or a few at a time the later one covers the earlier one."""
    corners = np.random.default_rng(4).integers(-3, 40, (30, 7, 2)).astype(np.float64)
    shapes = [RoiShape(f"r{number}", "traced", (ring,)) for number, ring in enumerate(corners)]
    numbers = list(range(1, 31))
    at_once = draw_shapes(shapes, numbers, shape=(37, 36))
    monkeypatch.setattr("deepflash_service.core.roi_areas._BATCH", 50)  # also cuts single ROIs
    np.testing.assert_array_equal(draw_shapes(shapes, numbers, shape=(37, 36)), at_once)
    one_by_one = np.zeros((37, 36), dtype=np.int32)
    for shape, number in zip(shapes, numbers, strict=True):
        one_by_one[draw_shapes([shape], [1], shape=(37, 36)) > 0] = number
    np.testing.assert_array_equal(at_once, one_by_one)


def test_the_same_large_area_again_and_again_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file of thousands of boxes around the image does not keep a service busy."""
    monkeypatch.setattr("deepflash_service.core.roi_areas._ALWAYS_DRAWN", 1000)
    box = RoiShape("box", "traced", (np.array([[0.0, 0], [1e8, 0], [1e8, 1e8], [0, 1e8]]),))
    assert draw_shapes([box] * 64, [1] * 64, shape=(40, 50)).all()
    with pytest.raises(InputError, match="again and again"):
        draw_shapes([box] * 65, [1] * 65, shape=(40, 50))


@pytest.mark.parametrize(("corners", "most"), [(400, 150), (7_500, 300), (40_000, 50)])
def test_a_zigzag_takes_bounded_memory(corners: int, most: int) -> None:
    """An outline of a few hundred kB that crosses every row is drawn within MB or refused."""
    x = np.linspace(0, 2000, corners)
    ring = np.stack([x, np.where(np.arange(corners) % 2, 0.0, 2000.0)], axis=1)
    zigzag = RoiShape("zigzag", "traced", (ring,))
    tracemalloc.start()
    refused = pytest.raises(InputError, match="too many corners")
    with refused if corners == 40_000 else nullcontext():
        draw_shapes([zigzag], [1], shape=(2000, 2000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most * 1e6
