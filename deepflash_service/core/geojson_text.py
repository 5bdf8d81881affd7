"""GeoJSON as text, one feature per line and without blanks: files of many ROIs stay small."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEAD: Final = '{"type":"FeatureCollection","features":['
TAIL: Final = "\n]}\n"
"""Between both stand the features, each on a line of its own, with commas."""


def format_feature(feature: Mapping[str, Any]) -> str:
    """Return one feature as a line of JSON.

    Parameters
    ----------
    feature : mapping
        As :func:`deepflash_service.core.geojson.labels_to_geojson` makes them.

    Returns
    -------
    str
        Without line feed.
    """
    return json.dumps(feature, separators=(",", ":"), ensure_ascii=False)


def format_collection(features: Iterable[Mapping[str, Any]]) -> str:
    """Return features as the text of a FeatureCollection.

    Parameters
    ----------
    features : iterable of mapping
        As for :func:`format_feature`.

    Returns
    -------
    str
        A GeoJSON document (RFC 7946).
    """
    return HEAD + ",".join(f"\n{format_feature(feature)}" for feature in features) + TAIL
