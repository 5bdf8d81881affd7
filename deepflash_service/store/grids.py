"""Pixels on disk with named axes, of which any rows can be read."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

from deepflash_service.store.planes import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

Index = tuple[int | slice, ...]

_CACHE_BYTES = 96 * 1024**2


class Grid(Protocol):
    """An array on disk that is read by basic indices."""

    def read(self, index: Index) -> Array:
        """Return the part of the array at an index of one entry per axis."""


@dataclass(frozen=True, slots=True)
class PlainGrid:
    """Uncompressed pages in a file, each with its offset, cut along the axis ``row``."""

    stream: BinaryIO
    offsets: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: Any
    row: int

    def read(self, index: Index) -> Array:
        """Return the part of the array at an index of one entry per axis."""
        lead, rows, rest = index[: self.row], index[self.row], index[self.row + 1 :]
        start, stop = _find_range(rows, self.shape[self.row])
        ranges = [
            range(*_find_range(one, size))
            for one, size in zip(lead, self.shape[: self.row], strict=True)
        ]
        slabs = [self._read_rows(place, start, stop)[:, *rest] for place in product(*ranges)]
        kept = [len(ranges[axis]) for axis, one in enumerate(lead) if isinstance(one, slice)]
        return np.stack(slabs).reshape(*kept, *slabs[0].shape)

    def _read_rows(self, place: tuple[int, ...], start: int, stop: int) -> Array:
        row_shape = self.shape[self.row + 1 :]
        page = 0
        for one, size in zip(place, self.shape, strict=False):
            page = page * size + one
        slab = np.empty((stop - start, *row_shape), dtype=self.dtype)
        row_bytes = int(np.prod(row_shape, dtype=np.int64)) * slab.itemsize
        self.stream.seek(self.offsets[page] + start * row_bytes)
        found = self.stream.readinto(slab.data.cast("B"))  # type: ignore[attr-defined]
        if found != slab.nbytes:
            raise OSError(f"only {found} of {slab.nbytes} bytes could be read")
        return slab.astype(slab.dtype.newbyteorder("="), copy=False)


@dataclass(slots=True)
class ChunkGrid:
    """A zarr array; the last chunks along the axis ``row`` are kept, as bands overlap."""

    array: Any
    row: int
    _kept: OrderedDict[Any, Array] = field(default_factory=OrderedDict)

    def read(self, index: Index) -> Array:
        """Return the part of the array at an index of one entry per axis."""
        step = int(self.array.chunks[self.row])
        start, stop = _find_range(index[self.row], self.array.shape[self.row])
        blocks = [self._fetch(index, number) for number in range(start // step, -(-stop // step))]
        axis = sum(isinstance(one, slice) for one in index[: self.row])
        cut = (*[slice(None)] * axis, slice(start % step, start % step + stop - start))
        return np.asarray((np.concatenate(blocks, axis=axis) if blocks[1:] else blocks[0])[cut])

    def _fetch(self, index: Index, number: int) -> Array:
        key = (*[str(one) for one in (*index[: self.row], *index[self.row + 1 :])], number)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        step = int(self.array.chunks[self.row])
        rows = slice(number * step, min((number + 1) * step, self.array.shape[self.row]))
        block = np.asarray(self.array[(*index[: self.row], rows, *index[self.row + 1 :])])
        self._kept[key] = block
        while len(self._kept) > 1 and sum(b.nbytes for b in self._kept.values()) > _CACHE_BYTES:
            self._kept.popitem(last=False)
        return block


def index_rows(
    letters: Sequence[str], place: tuple[int, int], rows: slice, *, samples: slice
) -> Index:
    """Return the index of some rows of one plane.

    Parameters
    ----------
    letters : sequence of str
        T, Z, C, Y, X, S or 1 for each axis.
    place : (int, int)
        Frame and slice, from 0.
    rows : slice
        Rows.
    samples : slice
        Values of each pixel along the axis S.
    """
    frame, plane = place
    chosen: dict[str, int | slice] = {
        "T": frame, "Z": plane, "C": slice(None), "Y": rows, "X": slice(None), "S": samples, "1": 0,
    }  # fmt: skip
    return tuple(chosen[letter] for letter in letters)


def order_pixels(part: Array, letters: Sequence[str]) -> Array:
    """Return what :func:`index_rows` selected as (R, N) or (R, N, C), C = channels x samples."""
    present = [letter for letter in letters if letter in "CYXS"]
    part = part.transpose([present.index(one) for one in "YXCS" if one in present])
    part = part.reshape(*part.shape[:2], -1)
    return part[..., 0] if part.shape[2] == 1 else part


def _find_range(one: int | slice, size: int) -> tuple[int, int]:
    if isinstance(one, int):
        return one, one + 1
    start, stop, _ = one.indices(size)
    return start, stop
