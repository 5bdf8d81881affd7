"""Percentiles of images in memory, and of images that come in pieces, exactly alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]
else:
    Array = Any

Pieces = Callable[[], Iterable[Array]]
"""Seam: each call begins a new walk through all values of an image."""

_HALF = 16
_SHORT_VALUES = 1 << _HALF


def find_percentiles(values: Array, wanted: tuple[float, ...]) -> list[float]:
    """Return percentiles of an array as ``numpy.percentile`` does (linear interpolation).

    Parameters
    ----------
    values : array of float, any shape
        At least one value, all finite.
    wanted : tuple of float
        From 0 to 100.

    Returns
    -------
    list of float
        One for each of ``wanted``.

    Raises
    ------
    InputError
        Code ``invalid_image`` when there is no value.
    """
    ranks = _list_ranks(values.size, wanted)
    ordered = np.partition(values, ranks, axis=None)
    return _interpolate(values.size, wanted, {rank: ordered[rank] for rank in ranks})


def stream_percentiles(pieces: Pieces, wanted: tuple[float, ...]) -> list[float]:
    """Return percentiles of values that come in pieces; memory does not grow with their number.

    The values count as float32. Values of 8 and 16 bits are counted one by one in one walk. Of
    all others the upper half of the bits is counted in a first walk, the lower half of those that
    matter in a second one (radix selection), so the result is exact.

    Parameters
    ----------
    pieces : callable
        Begins a walk; pieces are arrays of one type and any shape, all values finite.
    wanted : tuple of float
        From 0 to 100.

    Returns
    -------
    list of float
        Equal to ``find_percentiles`` of all values, as float32.

    Raises
    ------
    InputError
        Code ``invalid_image`` when there is no value.
    """
    upper = np.zeros(_SHORT_VALUES, dtype=np.int64)
    short = None
    for piece in pieces():
        short = piece.dtype if piece.dtype.kind in "bui" and piece.dtype.itemsize <= 2 else None
        codes = _code_short(piece) if short else _code_floats(piece) >> np.uint32(_HALF)
        upper += np.bincount(codes.ravel(), minlength=_SHORT_VALUES)
    count = int(upper.sum())
    ranks = _list_ranks(count, wanted)
    places = np.searchsorted(np.cumsum(upper), ranks, side="right")
    if short is not None:
        lowest = int(np.iinfo(short).min) if short.kind == "i" else 0
        found = [np.float32(place + lowest) for place in places.tolist()]
    else:
        before = (np.cumsum(upper) - upper)[places]
        found = _resolve(pieces, places, np.subtract(ranks, before))
    return _interpolate(count, wanted, dict(zip(ranks, found, strict=True)))


def _resolve(pieces: Pieces, places: Array, ranks: Array) -> list[np.float32]:
    """Find the lower half of the bits of values of which the upper half is known."""
    chosen = np.unique(places)
    lower = np.zeros((chosen.size, _SHORT_VALUES), dtype=np.int64)
    for piece in pieces():
        codes = _code_floats(piece).ravel()
        heads = codes >> np.uint32(_HALF)
        for row, head in enumerate(chosen):
            tails = codes[heads == head] & np.uint32(_SHORT_VALUES - 1)
            lower[row] += np.bincount(tails, minlength=_SHORT_VALUES)
    sums = np.cumsum(lower, axis=1)
    found = []
    for place, rank in zip(places, ranks, strict=True):
        row = int(np.searchsorted(chosen, place))
        tail = int(np.searchsorted(sums[row], rank, side="right"))
        found.append(_decode_float((int(place) << _HALF) | tail))
    return found


def _code_short(values: Array) -> Array:
    shift = int(np.iinfo(values.dtype).min) if values.dtype.kind == "i" else 0
    return values.astype(np.int32) - shift if shift else values


def _code_floats(values: Array) -> Array:
    """Return unsigned codes of float32 values that are ordered like the values."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    is_negative = bits >> np.uint32(31)
    return np.asarray(bits ^ np.where(is_negative, np.uint32(0xFFFFFFFF), np.uint32(0x80000000)))


def _decode_float(code: int) -> np.float32:
    bits = code ^ 0x80000000 if code & 0x80000000 else code ^ 0xFFFFFFFF
    return np.float32(np.uint32(bits).view(np.float32))


def _list_ranks(count: int, wanted: tuple[float, ...]) -> list[int]:
    if count < 1:
        raise InputError(
            "The image holds no pixels. Save it again and retry.", code="invalid_image"
        )
    ranks = set()
    for percent in wanted:
        rank = int((count - 1) * (percent / 100))
        ranks |= {rank, min(rank + 1, count - 1)}
    return sorted(ranks)


def _interpolate(count: int, wanted: tuple[float, ...], ordered: dict[int, Any]) -> list[float]:
    """Interpolate as numpy does, which takes the difference in the type of the values."""
    found = []
    for percent in wanted:
        place = (count - 1) * (percent / 100)
        rank = int(place)
        low, high = ordered[rank], ordered[min(rank + 1, count - 1)]
        step, part = float(high - low), place - rank
        found.append(float(low) + step * part if part < 0.5 else float(high) - step * (1 - part))
    return found
