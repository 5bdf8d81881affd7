"""ROIs as GeoJSON, the form that QuPath and other viewers read."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.outlines import trace_outlines
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deepflash_service.core.outlines import Outlines
    from deepflash_service.records import LabelImage

    Ring = list[tuple[int, int]]

_COLOUR = (255, 200, 0)
"""QuPath reads a class only when it has a colour."""
_ALL_CHANNELS = -1


def labels_to_geojson(
    labels: LabelImage,
    *,
    scores: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    target: str | None = None,
    plane: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Trace the ROIs of a label image as GeoJSON polygons.

    Parameters
    ----------
    labels : ndarray of shape (M, N), int32
        Label image.
    scores : sequence of float, optional
        Probability of each ROI, in the order of the labels.
    names : sequence of str, optional
        Name of each ROI; by default ``roi-0001`` for label 1.
    target : str, optional
        What was segmented; the class of every ROI in QuPath.
    plane : (z, t), optional
        Slice and frame of a stack, from 1.

    Returns
    -------
    dict
        A FeatureCollection in pixel coordinates (x, y) with y pointing down; each feature is a
        valid Polygon or MultiPolygon along pixel edges, with holes. Rings go around as RFC 7946
        wants it. Object type, class, measurements and plane are where QuPath reads them.

    Raises
    ------
    InputError
        Another number of scores or names than of ROIs.
    """
    outlines = trace_outlines(labels, joins_diagonals=False)
    return outlines_to_geojson(outlines, scores=scores, names=names, target=target, plane=plane)


def outlines_to_geojson(
    outlines: Outlines,
    *,
    scores: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    target: str | None = None,
    plane: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Return traced ROIs as GeoJSON polygons.

    Parameters
    ----------
    outlines : Outlines
        Traced with ``joins_diagonals=False``.
    scores, names, target, plane : optional
        As for :func:`labels_to_geojson`.

    Returns
    -------
    dict
        As :func:`labels_to_geojson`.

    Raises
    ------
    InputError
        Another number of scores or names than of ROIs.
    """
    loops = zip(outlines.columns.tolist(), outlines.rows.tolist(), strict=True)
    points = list(loops)
    owned = zip(outlines.labels.tolist(), pairwise(outlines.starts.tolist()), strict=True)
    features = []
    for label, group in groupby(owned, key=lambda item: item[0]):
        rings = [ring for _, (low, high) in group for ring in _split_ring(points[low:high])]
        features.append(_make_feature(label, _nest_rings(rings)))
    for title, values in (("scores", scores), ("names", names)):
        if values is not None and len(values) != len(features):
            raise InputError(f"There are {len(features)} ROIs but {len(values)} {title}.")
    for feature, score in zip(features, () if scores is None else scores, strict=False):
        feature["properties"]["measurements"]["Probability"] = float(score)
    for feature, name in zip(features, () if names is None else names, strict=False):
        feature["id"] = feature["properties"]["name"] = name
    for feature in features:
        _tell_context(feature, target, plane)
    return {"type": "FeatureCollection", "features": features}


def _tell_context(
    feature: dict[str, Any], target: str | None, plane: tuple[int, int] | None
) -> None:
    if target is not None:
        feature["properties"]["classification"] = {"name": target, "color": list(_COLOUR)}
    if plane is not None:
        z, t = plane
        feature["properties"].update(z=z, t=t)
        if plane != (1, 1):
            feature["geometry"]["plane"] = {"c": _ALL_CHANNELS, "z": z - 1, "t": t - 1}


def _make_feature(label: int, polygons: list[list[Ring]]) -> dict[str, Any]:
    closed = [[[*ring, ring[0]] for ring in polygon] for polygon in polygons]
    single = len(closed) == 1
    name = f"roi-{label:04d}"
    return {
        "type": "Feature",
        "id": name,
        "geometry": {
            "type": "Polygon" if single else "MultiPolygon",
            "coordinates": closed[0] if single else closed,
        },
        "properties": {"objectType": "annotation", "name": name, "measurements": {"Label": label}},
    }


def _split_ring(ring: Ring) -> Iterator[Ring]:
    """Split a ring that touches itself at a corner, which GeoJSON does not allow."""
    if len(set(ring)) == len(ring):
        yield ring
        return
    path: Ring = []
    places: dict[tuple[int, int], int] = {}
    for point in ring:
        if point in places:
            begin = places[point]
            yield path[begin:]
            for passed in path[begin:]:
                del places[passed]
            del path[begin:]
        places[point] = len(path)
        path.append(point)
    yield path


def _nest_rings(rings: list[Ring]) -> list[list[Ring]]:
    """Put each hole behind the outer ring around it."""
    areas = [_find_area(ring) for ring in rings]
    outer = sorted((area, index) for index, area in enumerate(areas) if area > 0)
    polygons = {index: [rings[index]] for _, index in sorted(outer, key=lambda item: item[1])}
    for hole, area in zip(rings, areas, strict=True):
        if area < 0:
            inside = _find_pixel(hole)
            owner = next(index for _, index in outer if _encloses(rings[index], inside))
            polygons[owner].append(hole)
    return list(polygons.values())


def _find_area(ring: Ring) -> int:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))


def _find_pixel(ring: Ring) -> tuple[float, float]:
    """Return the centre of the ROI pixel to the right of the first edge."""
    (x, y), (next_x, next_y) = ring[:2]
    dx, dy = float(np.sign(next_x - x)), float(np.sign(next_y - y))
    return x + (dx - dy) / 2, y + (dx + dy) / 2


def _encloses(ring: Ring, point: tuple[float, float]) -> bool:
    x, y = point
    crossings = sum(
        a[0] == b[0] > x and min(a[1], b[1]) < y < max(a[1], b[1])
        for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
    )
    return crossings % 2 == 1
