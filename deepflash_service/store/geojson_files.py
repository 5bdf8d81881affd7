"""ROIs as GeoJSON files, as QuPath writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deepflash_service.errors import InputError
from deepflash_service.store.sources import Source, refuse_damaged

if TYPE_CHECKING:
    from pathlib import Path

_CODE = "invalid_annotation"
_MOST_BYTES = 128 * 1024 * 1024
"""Read as Python objects, a file takes some ten times as much memory."""


def read_geojson(source: Path | bytes, *, name: str | None = None) -> object:
    """Return the JSON value of a GeoJSON file.

    Parameters
    ----------
    source : Path or bytes
        The file or its bytes, in UTF-8.
    name : str, optional
        Name for messages.

    Raises
    ------
    InputError
        Code ``invalid_annotation`` for files that are no JSON text or far too large.
    """
    origin = Source.of(source, name)
    if origin.size > _MOST_BYTES:
        raise InputError(
            f"{origin.name} has {origin.size:,} bytes, more than the {_MOST_BYTES:,} that are "
            "accepted. Export fewer ROIs at a time, or a label image.",
            code=_CODE,
            details={"name": origin.name, "bytes": origin.size},
        )
    try:
        value: object = json.loads(origin.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise refuse_damaged(origin, error, code=_CODE) from error
    return value
