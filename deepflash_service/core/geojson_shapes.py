"""Reading ROIs from GeoJSON, as QuPath, other programs and this one write it.

Coordinates are pixels, (0, 0) is the upper left corner of the image. The area of a ROI is what an
odd number of its rings encloses; a pixel belongs to it by the rules of ImageJ
(:mod:`deepflash_service.core.roi_areas`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from deepflash_service.core.outlines import Outlines
from deepflash_service.core.roi_areas import draw_shapes
from deepflash_service.core.roi_format import RoiText, encode_outlines
from deepflash_service.core.roi_shapes import RoiShape
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deepflash_service.core.roi_shapes import Points
    from deepflash_service.records import LabelImage

_MOST_FEATURES = 200_000
_FEWEST_CORNERS = 3
_FARTHEST = 1e9
_HIGHEST_LABEL = np.iinfo(np.int32).max
_ADVICE = "Outline it in QuPath with the brush, wand, polygon or ellipse tool."
_LINES = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString"})


@dataclass(frozen=True, slots=True)
class _Outline(RoiShape):
    """A ROI of GeoJSON; ``place`` is slice and frame from 1, or None."""

    number: int | None = None
    place: tuple[int, int] | None = None
    facts: dict[str, object] = field(default_factory=dict)


def geojson_to_labels(document: object, shape: tuple[int, int]) -> LabelImage:
    """Draw the ROIs of a GeoJSON document into a label image.

    Parameters
    ----------
    document : object
        What ``json.load`` returns: a FeatureCollection, a Feature, a geometry, or a list of
        features as QuPath may write. Polygons and MultiPolygons only.
    shape : (M, N)
        Rows and columns of the image that the ROIs belong to.

    Returns
    -------
    ndarray of shape (M, N), int32
        The ROIs keep their labels if each has its own measurement ``Label``; otherwise the
        k-th ROI has label k. Where ROIs overlap the later one wins.

    Raises
    ------
    InputError
        Code ``invalid_roi``: no GeoJSON, damaged, a point or line, objects inside objects, or
        ROIs of several planes; code ``shape_mismatch``: a ROI without a pixel in the image.
    """
    outlines = _read_outlines(document)
    if len({outline.place or (1, 1) for outline in outlines}) > 1:
        raise InputError(
            "The GeoJSON file holds ROIs of several slices or frames, but an annotation is one "
            "plane. Save the ROIs of each plane as a file of its own.",
            code="invalid_roi",
        )
    return draw_shapes(outlines, _number(outlines), shape=shape)


def geojson_to_rois(document: object) -> list[bytes]:
    """Return the ROIs of a GeoJSON document as ImageJ ROIs.

    Parameters
    ----------
    document : object
        As for :func:`geojson_to_labels`; several planes are allowed.

    Returns
    -------
    list of bytes
        One ``.roi`` file for each feature, in their order, with its name (made unique), label,
        probability, class (property ``dfl.class``) and plane. Drawn by ImageJ they give the
        pixels of :func:`geojson_to_labels`.

    Raises
    ------
    InputError
        Code ``invalid_roi``, as for :func:`geojson_to_labels`.
    """
    outlines = _read_outlines(document)
    numbers = _number(outlines)
    names = _make_unique([o.name or f"roi-{k:04d}" for o, k in zip(outlines, numbers, strict=True)])
    rois = []
    for outline, number, name in zip(outlines, numbers, names, strict=True):
        text = RoiText(
            name,
            {"dfl.label": number, **outline.facts},
            (0, *outline.place) if outline.place else 0,
        )
        rois += encode_outlines(_join_rings(outline.rings), [text])
    return rois


def _join_rings(rings: Sequence[Points]) -> Outlines:
    corners = np.concatenate(rings)
    whole = corners.astype(np.int64)
    is_whole = np.array_equal(whole, corners) and whole.min() >= 0
    columns, rows = (whole if is_whole else corners).T
    return Outlines(
        labels=np.ones(len(rings), dtype=np.int64),
        starts=np.cumsum([0, *(ring.shape[0] for ring in rings)]),
        rows=rows,
        columns=columns,
    )


def _number(outlines: Sequence[_Outline]) -> list[int]:
    known = [outline.number for outline in outlines if outline.number is not None]
    if len(set(known)) < len(outlines):
        return list(range(1, len(outlines) + 1))
    return known


def _make_unique(names: Sequence[str]) -> list[str]:
    taken = Counter[str]()
    given = set(names)
    unique = []
    for name in names:
        taken[name] += 1
        own = name
        while taken[name] > 1 and own in given:
            own = f"{name}-{taken[name]}"
            taken[name] += own in given
        given.add(own)
        unique.append(own)
    return unique


def _read_outlines(document: object) -> list[_Outline]:
    features = list(_list_features(document))
    if len(features) > _MOST_FEATURES:
        _refuse(f"The GeoJSON file holds {len(features):,} ROIs. Split it.")
    return [_read_feature(feature, index) for index, feature in enumerate(features, 1)]


def _list_features(document: object) -> Iterator[Mapping[str, Any]]:
    found: object
    if isinstance(document, list):
        found = document
    elif isinstance(document, dict) and document.get("type") == "FeatureCollection":
        found = document.get("features")
    elif isinstance(document, dict) and document.get("type") == "Feature":
        found = [document]
    elif isinstance(document, dict) and "type" in document:
        found = [{"type": "Feature", "geometry": document}]
    else:
        found = None
    if not isinstance(found, list):
        _refuse("This JSON file is no GeoJSON: it has no features. Export the ROIs as GeoJSON.")
    for feature in found:
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            _refuse("The GeoJSON file holds something that is no feature. Export the ROIs again.")
        yield feature


def _read_feature(feature: Mapping[str, Any], index: int) -> _Outline:
    properties = feature.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    given = properties.get("name")
    name = given if isinstance(given, str) else ""
    title = f"ROI {name!r}" if name else f"ROI {index}"
    if properties.get("childObjects") or properties.get("children"):
        _refuse(
            f"{title} of the GeoJSON file holds other objects. Select the outlines of the cells "
            "only, and export them without their hierarchy."
        )
    kind, rings, place = _read_geometry(feature.get("geometry"), title)
    measurements = _read_measurements(properties.get("measurements"))
    return _Outline(
        name=name,
        kind=kind,
        rings=rings,
        number=_read_label(measurements.get("Label")),
        place=place,
        facts=_collect_facts(properties, measurements),
    )


def _read_label(number: object) -> int | None:
    if not isinstance(number, int | float) or not 1 <= number <= _HIGHEST_LABEL:
        return None
    return int(number) if number == int(number) else None


def _collect_facts(
    properties: Mapping[str, Any], measurements: Mapping[str, Any]
) -> dict[str, object]:
    facts: dict[str, object] = {}
    score = measurements.get("Probability")
    if isinstance(score, int | float) and abs(score) < _FARTHEST:
        facts["dfl.prob"] = f"{float(score):.4f}"
    target = properties.get("classification")
    if isinstance(target, dict):
        target = target.get("name")
    if isinstance(target, str) and target:
        facts["dfl.class"] = target
    return facts


def _read_measurements(found: object) -> dict[str, Any]:
    """Return measurements by name; QuPath wrote a list of name and value before version 0.4."""
    if isinstance(found, dict):
        return found
    pairs = found if isinstance(found, list) else []
    return {
        one["name"]: one.get("value")
        for one in pairs
        if isinstance(one, dict) and isinstance(one.get("name"), str)
    }


def _read_plane(plane: object, title: str) -> tuple[int, int] | None:
    if plane is None:
        return None
    numbers = [plane.get(axis, 0) for axis in ("z", "t")] if isinstance(plane, dict) else []
    if not numbers or not all(isinstance(one, int) and 0 <= one < _FARTHEST for one in numbers):
        _refuse(f"{title} of the GeoJSON file lies on an unknown plane. Export it again.")
    return numbers[0] + 1, numbers[1] + 1


def _read_geometry(
    geometry: object, title: str
) -> tuple[str, tuple[Points, ...], tuple[int, int] | None]:
    """Return kind, rings and plane."""
    found = geometry if isinstance(geometry, dict) else {}
    given = found.get("type")
    kind = given if isinstance(given, str) else ""
    if kind in _LINES:
        _refuse(f"{title} of the GeoJSON file is a {kind} and encloses no area. {_ADVICE}")
    if kind not in {"Polygon", "MultiPolygon"}:
        what = "a GeometryCollection" if kind == "GeometryCollection" else "no polygon"
        _refuse(f"{title} of the GeoJSON file is {what}. Give each ROI as Polygon or MultiPolygon.")
    polygons = found.get("coordinates")
    polygons = [polygons] if kind == "Polygon" else polygons
    try:
        rings = tuple(_read_ring(ring) for polygon in polygons or () for ring in polygon)
    except (TypeError, ValueError, OverflowError):
        rings = ()
    if not rings:
        _refuse(f"{title} of the GeoJSON file has no usable corners. Export it again.")
    return kind, rings, _read_plane(found.get("plane"), title)


def _read_ring(positions: Sequence[Sequence[float]]) -> Points:
    """Return the corners of a ring without its closing one."""
    given = np.array([(x, y) for x, y, *_ in positions])
    ring = given.astype(np.float64) if given.dtype.kind in "if" else np.zeros((0, 2))
    if ring.shape[0] > 1 and np.array_equal(ring[0], ring[-1]):
        ring = ring[:-1]
    if ring.shape[0] < _FEWEST_CORNERS or not (np.abs(ring) < _FARTHEST).all():
        raise ValueError("no usable corners")
    return ring


def _refuse(sentence: str) -> NoReturn:
    raise InputError(sentence, code="invalid_roi")
