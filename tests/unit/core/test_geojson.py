"""GeoJSON as QuPath writes and reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import roifile

from deepflash_service.core.geojson import labels_to_geojson
from deepflash_service.core.geojson_shapes import geojson_to_labels, geojson_to_rois
from deepflash_service.core.roi_shapes import read_roi
from deepflash_service.core.rois import rois_to_labels
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

SQUARE = [[1, 1], [4, 1], [4, 4], [1, 4], [1, 1]]
HOLE = [[2, 2], [2, 3], [3, 3], [3, 2], [2, 2]]
FAR = [[6, 6], [8, 6], [8, 8], [6, 8], [6, 6]]


def feature(*rings: Sequence[Sequence[float]], **properties: object) -> dict[str, Any]:
    """Return a polygon feature."""
    geometry = {"type": "Polygon", "coordinates": list(rings)}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def on_plane(found: dict[str, Any], **plane: int) -> dict[str, Any]:
    """Put a feature on a plane of a stack, as QuPath counts: from 0."""
    return {**found, "geometry": {**found["geometry"], "plane": plane}}


def test_qupath_finds_type_class_measurements_and_plane() -> None:
    """Each fact lies where QuPath's reader looks for it; the first plane is its default."""
    labels = np.array([[5, 5, 0, 2]], np.int32)
    facts: dict[str, Any] = {"scores": [0.25, 0.75], "names": ["a", "b"], "target": "cFOS"}
    features = labels_to_geojson(labels, **facts, plane=(3, 2))["features"]
    assert features[1] == {
        "type": "Feature",
        "id": "b",
        "geometry": {
            "type": "Polygon",
            "coordinates": [[(0, 0), (2, 0), (2, 1), (0, 1), (0, 0)]],
            "plane": {"c": -1, "z": 2, "t": 1},
        },
        "properties": {
            "objectType": "annotation",
            "name": "b",
            "measurements": {"Label": 5, "Probability": 0.75},
            "classification": {"name": "cFOS", "color": [255, 200, 0]},
            "z": 3,
            "t": 2,
        },
    }
    first = labels_to_geojson(labels, plane=(1, 1))["features"][0]
    assert "plane" not in first["geometry"]
    assert "classification" not in first["properties"]
    with pytest.raises(InputError, match="1 names"):
        labels_to_geojson(labels, names=["a"])


def test_qupath_files_of_all_kinds_are_read() -> None:
    """A collection, a bare list, one feature, a geometry; rings open or closed; a third axis."""
    ring = feature(SQUARE, HOLE)
    expected = np.zeros((5, 6), np.int32)
    expected[1:4, 1:4] = 1
    expected[2, 2] = 0
    raised = feature([[x, y, 7] for x, y in SQUARE[:-1]], HOLE)
    for document in (
        {"type": "FeatureCollection", "features": [ring]},
        [ring],
        ring,
        ring["geometry"],
        raised,
    ):
        np.testing.assert_array_equal(geojson_to_labels(document, (5, 6)), expected)
    assert geojson_to_labels({"type": "FeatureCollection", "features": []}, (5, 6)).max() == 0


def test_parts_belong_to_one_roi() -> None:
    """The polygons of a MultiPolygon get one label."""
    both = {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [FAR]]}
    labels = geojson_to_labels(both, (9, 9))
    assert np.bincount(labels.ravel()).tolist() == [81 - 12, 12]


def test_labels_are_kept_when_every_roi_has_its_own() -> None:
    """Measurements of either form are read; a repeated or missing label numbers by order."""
    old = feature(FAR, measurements=[{"name": "Label", "value": 9}, {"name": "Area"}, 3])
    new = feature(SQUARE, measurements={"Label": 4.0})
    assert set(np.unique(geojson_to_labels([new, old], (9, 9)))) == {0, 4, 9}
    for other in (4, 2.5, -1, "4", None, float("nan")):
        pair = [new, feature(FAR, measurements={"Label": other})]
        assert set(np.unique(geojson_to_labels(pair, (9, 9)))) == {0, 1, 2}


def test_rois_for_imagej_carry_what_the_file_tells() -> None:
    """Name, class, probability and plane arrive; equal names are told apart."""
    named = feature(SQUARE, HOLE, name="cell", classification={"name": "Tumor"})
    scored = on_plane(feature(FAR, name="cell", measurements={"Probability": 0.5}), z=2, t=0)
    rois = geojson_to_rois([named, scored, feature(SQUARE), feature(FAR, name="cell-2")])
    shapes = [read_roi(roi) for roi in rois]
    assert len({shape.name for shape in shapes}) == len(shapes)
    assert [shape.name for shape in shapes][::2] == ["cell", "roi-0003"]
    assert shapes[0].properties == {"dfl.label": "1", "dfl.class": "Tumor"}
    assert shapes[1].properties == {"dfl.label": "2", "dfl.prob": "0.5000"}
    assert [shape.position for shape in shapes[:2]] == [(0, 0, 0), (0, 3, 1)]
    assert [shape.kind for shape in shapes[:2]] == ["composite", "traced"]


def test_fractions_of_pixels_are_kept() -> None:
    """An outline between the pixels becomes a composite ROI with the very corners."""
    corners = [[0.25, 0.5], [4.75, 0.5], [4.75, 3.25], [0.25, 3.25]]
    (roi,) = geojson_to_rois(feature(corners))
    np.testing.assert_array_equal(roifile.ImagejRoi.frombytes(roi).coordinates()[:4], corners)
    drawn = rois_to_labels([roi], (5, 6))
    np.testing.assert_array_equal(drawn, geojson_to_labels(feature(corners), (5, 6)))
    assert np.bincount(drawn.ravel())[1] == 5 * 3


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"a": 1}, "is no GeoJSON"),
        (7, "is no GeoJSON"),
        ({"type": "FeatureCollection"}, "is no GeoJSON"),
        ([{"type": "Polygon"}], "no feature"),
        ({"type": "Point", "coordinates": [1, 2]}, "ROI 1 .* is a Point and encloses no area"),
        ({"type": "GeometryCollection", "geometries": []}, "is a GeometryCollection"),
        ({"type": "Feature", "geometry": None}, "is no polygon"),
        ({"type": ["Polygon"], "coordinates": [SQUARE]}, "is no polygon"),
        ({"type": {}, "coordinates": [SQUARE]}, "is no polygon"),
        ({"type": "Polygon", "coordinates": [[[10**400, 1.5]] * 4]}, "no usable corners"),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}, "no usable corners"),
        ({"type": "Polygon", "coordinates": [[["1", "2"]] * 4]}, "no usable corners"),
        ({"type": "Polygon", "coordinates": [[[1, float("nan")]] * 4]}, "no usable corners"),
        (feature(SQUARE, name="region", childObjects=[{}]), "ROI 'region' .* holds other objects"),
        (on_plane(feature(SQUARE), z=-1), "unknown plane"),
        ([feature(SQUARE), on_plane(feature(FAR), z=1)], "several slices or frames"),
    ],
)
def test_what_is_no_set_of_areas_is_refused(document: object, words: str) -> None:
    """Cause and remedy are told, and which ROI it is."""
    with pytest.raises(InputError, match=words) as caught:
        geojson_to_labels(document, (20, 20))
    assert caught.value.code == "invalid_roi"


def test_rois_of_another_image_are_refused() -> None:
    """A ROI without a pixel in the image does not vanish silently."""
    with pytest.raises(InputError, match="'lost' has no pixel inside") as caught:
        geojson_to_labels([feature(SQUARE), feature(FAR, name="lost")], (5, 5))
    assert caught.value.code == "shape_mismatch"


def test_a_probability_without_measure_is_left_out() -> None:
    """A number of 400 digits or infinity beside a ROI does not cost the ROI."""
    for score in (10**400, float("inf"), float("nan")):
        (roi,) = geojson_to_rois(feature(SQUARE, measurements={"Probability": score}))
        assert "dfl.prob" not in read_roi(roi).properties
