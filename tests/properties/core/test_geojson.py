"""GeoJSON holds for any label image, by the judgement of another library."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from shapely.geometry import shape as read_shape

from deepflash_service.core.geojson import labels_to_geojson
from deepflash_service.core.geojson_shapes import geojson_to_labels, geojson_to_rois
from deepflash_service.core.rois import rois_to_labels
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from deepflash_service.records import LabelImage

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)
LABELS = hnp.arrays(np.int32, SHAPES, elements=st.integers(0, 3))
CORNERS = st.tuples(st.floats(-3, 17, width=32), st.floats(-3, 17, width=32))
HUGE = st.sampled_from([10**400, -(10**400), 2**63])
LEAVES = HUGE | st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["", "7"])
LISTS = st.lists(LEAVES, max_size=3)
JSON = LEAVES | LISTS | st.lists(LISTS, max_size=3) | st.dictionaries(st.just("type"), LEAVES)


@given(LABELS)
def test_no_pixel_changes_on_the_way_to_geojson_and_back(labels: LabelImage) -> None:
    """Written as text and read again, also as ImageJ ROIs, the label image is the same."""
    document = json.loads(json.dumps(labels_to_geojson(labels)))
    np.testing.assert_array_equal(geojson_to_labels(document, labels.shape), labels)
    rois = geojson_to_rois(document)
    np.testing.assert_array_equal(rois_to_labels(rois, labels.shape), labels)


@given(LABELS)
def test_geometries_are_valid_and_wind_as_rfc_7946_wants(labels: LabelImage) -> None:
    """Shapely finds every polygon valid, outer rings counterclockwise, holes clockwise."""
    numbers = [number for number in np.unique(labels).tolist() if number]
    features = labels_to_geojson(labels)["features"]
    for number, feature in zip(numbers, features, strict=True):
        geometry = read_shape(feature["geometry"])
        assert shapely.is_valid(geometry), shapely.is_valid_reason(geometry)
        assert geometry.area == np.count_nonzero(labels == number)
        for polygon in getattr(geometry, "geoms", [geometry]):
            assert polygon.exterior.is_ccw
            assert not any(hole.is_ccw for hole in polygon.interiors)


@given(st.lists(CORNERS, min_size=3, max_size=8))
def test_any_polygon_covers_the_pixels_whose_centre_it_holds(
    corners: list[tuple[float, float]],
) -> None:
    """A drawn outline gives the pixels that shapely finds inside, as labels and as ImageJ ROI."""
    polygon = shapely.Polygon(corners)
    rows, columns = np.mgrid[:14, :14] + 0.5
    points = shapely.points(columns, rows)
    clear = shapely.distance(polygon.exterior, points) > 1e-3
    inside = shapely.contains(polygon, points)
    assume(polygon.is_valid and (inside & clear).any())
    document = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    labels = geojson_to_labels(document, (14, 14))
    np.testing.assert_array_equal((labels > 0)[clear], inside[clear])
    drawn = rois_to_labels(geojson_to_rois(document), (14, 14))
    np.testing.assert_array_equal((drawn > 0)[clear], inside[clear])


@given(
    JSON.filter(lambda value: value != [])
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["Polygon", "MultiPolygon", "Point"]), "coordinates": JSON}
    )
    | st.fixed_dictionaries({"type": JSON, "coordinates": JSON, "geometry": JSON})
    | st.fixed_dictionaries(
        {
            "type": st.just("Feature"),
            "geometry": JSON | st.fixed_dictionaries({"type": JSON, "coordinates": JSON}),
            "properties": JSON,
        }
    )
)
def test_anything_else_is_refused_in_a_sentence(document: object) -> None:
    """No JSON value makes the reader fail in another way."""
    with pytest.raises(InputError) as caught:
        geojson_to_labels(document, (5, 5))
    assert caught.value.code in {"invalid_roi", "shape_mismatch"}
    assert caught.value.message.endswith(".")


SQUARE = {"type": "Polygon", "coordinates": [[[1, 1], [4, 1], [4, 4], [1, 4]]]}
FACTS = st.dictionaries(
    st.sampled_from(["name", "measurements", "classification", "children"]),
    JSON | st.dictionaries(st.sampled_from(["Label", "Probability", "name"]), JSON),
)


@given(FACTS, st.none() | st.dictionaries(st.sampled_from(["z", "t"]), JSON))
def test_whatever_is_told_of_a_square_it_is_drawn_or_refused(facts: object, plane: object) -> None:
    """Names, measurements, classes and planes of any type and size end in pixels or a sentence."""
    geometry = SQUARE if plane is None else {**SQUARE, "plane": plane}
    document = {"type": "Feature", "geometry": geometry, "properties": facts}
    with suppress(InputError):
        labels = geojson_to_labels(document, (5, 5))
        (roi,) = geojson_to_rois(document)
        assert np.count_nonzero(labels) == 9
        assert np.count_nonzero(rois_to_labels([roi], (5, 5))) == 9
