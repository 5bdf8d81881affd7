"""Outlines and ROI bytes hold for any label image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import roifile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deepflash_service.core.labels import label_rois
from deepflash_service.core.outlines import trace_outlines
from deepflash_service.core.roi_format import format_properties, parse_properties
from deepflash_service.core.rois import labels_to_geojson, labels_to_rois, rois_to_labels

if TYPE_CHECKING:
    from deepflash_service.records import LabelImage

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)
LABELS = hnp.arrays(np.int32, SHAPES, elements=st.integers(0, 4), fill=st.just(0))
MASKS = hnp.arrays(np.bool_, SHAPES)


@given(LABELS)
def test_labels_survive_the_way_to_imagej_and_back(labels: LabelImage) -> None:
    """ROI bytes drawn again give the same label image, holes and scattered parts included."""
    np.testing.assert_array_equal(rois_to_labels(labels_to_rois(labels), labels.shape), labels)


@given(MASKS)
def test_components_survive_the_way_to_imagej_and_back(mask: np.ndarray) -> None:
    """The ROIs of any mask, drawn again, cover the mask exactly."""
    labels = label_rois(mask)
    drawn = rois_to_labels(labels_to_rois(labels), mask.shape)
    np.testing.assert_array_equal(drawn, labels)
    np.testing.assert_array_equal(drawn > 0, mask)


@given(LABELS, st.booleans())
def test_outlines_enclose_the_area_of_each_label(labels: LabelImage, joins: bool) -> None:
    """Outer loops minus holes give the number of pixels of each label."""
    outlines = trace_outlines(labels, joins_diagonals=joins)
    areas = np.bincount(outlines.labels, weights=outlines.find_areas(), minlength=5)
    np.testing.assert_array_equal(areas[1:], np.bincount(labels.ravel(), minlength=5)[1:])


@given(LABELS)
def test_outlines_have_corners_only(labels: LabelImage) -> None:
    """Each loop turns at every point and starts each ROI with an outer loop."""
    outlines = trace_outlines(labels)
    for begin, end in zip(outlines.starts[:-1], outlines.starts[1:], strict=True):
        rows, columns = outlines.rows[begin:end], outlines.columns[begin:end]
        is_level = rows == np.roll(rows, -1)
        assert (is_level != (columns == np.roll(columns, -1))).all()
        assert (is_level != np.roll(is_level, 1)).all()
    firsts = np.flatnonzero(np.diff(outlines.labels, prepend=0))
    assert (outlines.find_areas()[firsts] > 0).all()
    assert (np.diff(outlines.labels) >= 0).all()


@given(LABELS)
def test_other_readers_understand_the_bytes(labels: LabelImage) -> None:
    """The roifile package reads name, bounds and kind of every ROI."""
    numbers = [number for number in np.unique(labels).tolist() if number]
    for number, data in zip(numbers, labels_to_rois(labels), strict=True):
        roi = roifile.ImagejRoi.frombytes(data)
        rows, columns = np.nonzero(labels == number)
        assert roi.name == f"roi-{number:04d}"
        assert (roi.top, roi.left) == (rows.min(), columns.min())
        assert (roi.bottom, roi.right) == (rows.max() + 1, columns.max() + 1)
        assert roi.composite or roi.roitype == roifile.ROI_TYPE.TRACED


@given(LABELS)
def test_geojson_rings_are_simple_and_cover_the_label(labels: LabelImage) -> None:
    """No ring meets itself, holes lie behind their outer ring, and areas add up."""
    collection = labels_to_geojson(labels)
    numbers = [number for number in np.unique(labels).tolist() if number]
    for number, feature in zip(numbers, collection["features"], strict=True):
        geometry = feature["geometry"]
        polygons = geometry["coordinates"]
        if geometry["type"] == "Polygon":
            polygons = [polygons]
        total = 0.0
        for polygon in polygons:
            areas = []
            for ring in polygon:
                assert ring[0] == ring[-1]
                assert len(set(ring)) == len(ring) - 1
                x, y = np.array(ring).T
                areas.append(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)
            assert areas[0] > 0
            assert all(area < 0 for area in areas[1:])
            assert areas[0] > -sum(areas[1:])
            total += sum(areas)
        assert total == np.count_nonzero(labels == number)


@given(st.dictionaries(st.from_regex(r"[A-Za-z][A-Za-z0-9.]*", fullmatch=True), st.text()))
def test_properties_survive(properties: dict[str, str]) -> None:
    """Any text can be the value of an ROI property, and the lines stay plain ASCII."""
    text = format_properties(properties)
    assert text.isascii()
    assert parse_properties(text) == properties
