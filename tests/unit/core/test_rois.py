"""ROI bytes: what they carry, what ImageJ limits, and how long they take."""

from __future__ import annotations

import io
import time
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import roifile

from deepflash_service.core.outlines import trace_outlines
from deepflash_service.core.roi_shapes import read_roi
from deepflash_service.core.rois import (
    labels_to_geojson,
    labels_to_rois,
    rois_to_labels,
    rois_to_mask,
)
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from deepflash_service.records import LabelImage

RING = np.array([[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 0, 1, 0], [0, 1, 1, 1, 0]], np.int32)


def read_one(data: bytes) -> Any:
    """Read ROI bytes with the roifile package."""
    return roifile.ImagejRoi.frombytes(data)


def test_square_has_four_corners() -> None:
    """Straight edges are one segment, clockwise from the upper left corner."""
    labels = np.zeros((6, 7), dtype=np.int32)
    labels[2:4, 3:6] = 1
    roi = read_one(labels_to_rois(labels)[0])
    assert roi.roitype == roifile.ROI_TYPE.TRACED
    np.testing.assert_array_equal(roi.coordinates(), [[3, 2], [6, 2], [6, 4], [3, 4]])


def test_hole_makes_a_composite() -> None:
    """A ring has two loops in one composite ROI."""
    roi = read_one(labels_to_rois(RING)[0])
    assert roi.composite
    assert len(roi.coordinates(multi=True)) == 2


def test_corner_contact_is_one_loop() -> None:
    """Pixels that touch at a corner stay one traced ROI, as the wand of ImageJ draws them."""
    roi = read_one(labels_to_rois(np.eye(3, dtype=np.int32))[0])
    assert roi.roitype == roifile.ROI_TYPE.TRACED
    assert not roi.composite


def test_scattered_parts_are_one_composite(cells: LabelImage) -> None:
    """One ROI per label, however many parts it has."""
    assert len(labels_to_rois(cells)) == len(np.unique(cells)) - 1
    np.testing.assert_array_equal(rois_to_labels(labels_to_rois(cells), cells.shape), cells)


def test_rois_carry_name_score_position_and_properties() -> None:
    """What was given comes back, through our reader and through roifile."""
    labels = np.array([[1, 0, 5]], dtype=np.int32)
    rois = labels_to_rois(
        labels,
        scores=[0.25, 1.0],
        names=["cFOS-0001", "µ-0005"],
        positions=[(1, 2, 3), 7],
        properties={"dfl.model": "cFOS_Wue@3"},
    )
    first, second = (read_one(data) for data in rois)
    assert (first.name, second.name) == ("cFOS-0001", "µ-0005")
    assert (first.c_position, first.z_position, first.t_position) == (1, 2, 3)
    assert (first.position, second.position) == (0, 7)
    shape = read_roi(rois[1])
    assert (shape.name, shape.plane, shape.label) == ("µ-0005", 7, 5)
    assert shape.properties == {
        "dfl.label": "5",
        "dfl.prob": "1.0000",
        "dfl.model": "cFOS_Wue@3",
    }
    assert read_roi(rois[0]).position == (1, 2, 3)


def test_one_position_serves_all() -> None:
    """A single triple or number holds for every ROI; each ROI can have properties of its own."""
    labels = np.array([[1, 0, 2]], dtype=np.int32)
    for position, expected in (((0, 4, 1), ((0, 4, 1), 0)), (9, ((0, 0, 0), 9))):
        shapes = [read_roi(data) for data in labels_to_rois(labels, positions=position)]
        assert {(shape.position, shape.plane) for shape in shapes} == {expected}
    shapes = [read_roi(data) for data in labels_to_rois(labels, properties=[{"a": 1}, {"b": 2}])]
    assert [shape.properties.get("b") for shape in shapes] == [None, "2"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"names": ["a", "a"]},
        {"names": ["a"]},
        {"scores": [0.5]},
        {"positions": [1, 2, 3]},
        {"positions": (1, 2)},
        {"positions": -1},
        {"properties": [{}]},
        {"properties": {"a b": 1}},
        {"properties": {"": 1}},
    ],
)
def test_lists_that_do_not_fit_are_refused(wrong: dict[str, Any]) -> None:
    """A wrong number of names, scores, positions, or a key ImageJ cannot read: a sentence."""
    with pytest.raises(InputError):
        labels_to_rois(np.array([[1, 0, 2]], dtype=np.int32), **wrong)


@pytest.mark.parametrize(
    "labels", [np.zeros(3, np.int32), np.zeros((2, 2)), np.array([[2**40]]), np.array([[-1]])]
)
def test_only_label_images_are_traced(labels: np.ndarray) -> None:
    """Floats, negative and giant numbers, and lines of pixels are refused."""
    with pytest.raises(InputError):
        labels_to_rois(labels)


def test_no_rois_give_no_bytes() -> None:
    """An empty label image has no ROI, whatever is asked."""
    empty = np.zeros((4, 5), dtype=np.int32)
    assert labels_to_rois(empty) == []
    np.testing.assert_array_equal(rois_to_labels([], (4, 5)), empty)
    assert trace_outlines(empty).find_areas().size == 0
    assert trace_outlines(empty).find_lengths().size == 0
    assert labels_to_geojson(empty)["features"] == []


def test_far_corners_use_floats() -> None:
    """Beyond the 16 bits of ImageJ's integers a composite ROI keeps the place exactly."""
    labels = np.zeros((3, 70_000), dtype=np.int32)
    labels[1, 60_533:60_535] = 1
    labels[1, 60_535:60_537] = 2
    labels[2, 69_998:] = 3
    rois = labels_to_rois(labels)
    assert [read_roi(data).kind for data in rois] == ["traced", "composite", "composite"]
    np.testing.assert_array_equal(rois_to_labels(rois, labels.shape), labels)


def test_outlines_of_many_corners_use_floats() -> None:
    """A comb with more corners than 16 bits can count becomes a composite ROI."""
    comb = np.ones((2, 40_000), dtype=np.int32)
    comb[0, ::2] = 0
    rois = labels_to_rois(comb)
    assert read_roi(rois[0]).kind == "composite"
    np.testing.assert_array_equal(rois_to_labels(rois, comb.shape), comb)


def test_later_rois_cover_earlier_ones_and_order_numbers_them() -> None:
    """ROIs of other programs are numbered in their order, like duplicates of ours."""
    big, small = np.zeros((5, 5), np.int32), np.zeros((5, 5), np.int32)
    big[1:4, 1:4], small[2, 2] = 1, 1
    drawn = rois_to_labels(labels_to_rois(big) + labels_to_rois(small), (5, 5))
    np.testing.assert_array_equal(drawn, big + small)


def test_labels_are_kept_when_all_rois_know_theirs() -> None:
    """Removing an ROI in Fiji does not renumber the others."""
    labels = np.array([[3, 0, 8, 9]], dtype=np.int32)
    rois = labels_to_rois(labels)
    np.testing.assert_array_equal(rois_to_labels(rois[1:], (1, 4)), [[0, 0, 8, 9]])
    np.testing.assert_array_equal(rois_to_mask(rois[:1], (1, 4)), [[True, False, False, False]])


def test_geojson_holds_holes_parts_and_scores() -> None:
    """A ring with a speck inside is a MultiPolygon whose hole belongs to the ring."""
    labels = np.zeros((7, 8), dtype=np.int32)
    labels[1:6, 1:6] = 1
    labels[2:5, 2:5] = 0
    labels[3, 3] = 1
    labels[6, 7] = 2
    features = labels_to_geojson(labels, scores=[0.5, 0.75])["features"]
    geometry = features[0]["geometry"]
    assert geometry["type"] == "MultiPolygon"
    assert [len(polygon) for polygon in geometry["coordinates"]] == [2, 1]
    assert features[1]["geometry"]["coordinates"] == [[(7, 6), (8, 6), (8, 7), (7, 7), (7, 6)]]
    assert features[1]["properties"]["measurements"] == {"Label": 2, "Probability": 0.75}
    with pytest.raises(InputError, match="1 scores"):
        labels_to_geojson(labels, scores=[0.5])


def test_geojson_splits_rings_that_meet_themselves() -> None:
    """A C whose ends touch at a corner is a polygon with a hole."""
    labels = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=np.int32)
    geometry = labels_to_geojson(labels)["features"][0]["geometry"]
    assert geometry["type"] == "Polygon"
    assert len(geometry["coordinates"]) == 2


def test_three_thousand_rois_take_no_time(many_cells: LabelImage) -> None:
    """Tracing and writing about 3,000 ROIs on 2048 x 2048 takes at most 0.3 s of processor time."""
    seconds, rois = [], labels_to_rois(many_cells)
    for _ in range(5):
        begin = time.process_time()
        rois = labels_to_rois(many_cells)
        with zipfile.ZipFile(io.BytesIO(), "w") as archive:
            for index, data in enumerate(rois):
                archive.writestr(f"roi-{index + 1:04d}.roi", data)
        seconds.append(time.process_time() - begin)
    assert min(seconds) <= 0.3
    np.testing.assert_array_equal(rois_to_labels(rois, many_cells.shape), many_cells)
