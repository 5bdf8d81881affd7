"""TIFF results that are written and read again by rows, larger than the memory if need be."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.records import Calibration
from deepflash_service.store.atomic import open_atomic
from deepflash_service.store.image_writing import describe_imagej
from deepflash_service.store.planes import Array, PlaneLayout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

LARGEST_CLASSIC = 2**32 - 2**20
"""Bytes of pixels that a TIFF with 32-bit offsets holds; ImageJ opens no other by itself."""

_STRIP_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class PieceForm:
    """What a result file holds.

    Attributes
    ----------
    shape : (P, M, N)
        Planes, rows, columns.
    dtype : numpy.dtype
        Type of the values.
    calibration : Calibration
        Size of a pixel.
    layout : PlaneLayout or None
        What several planes are; None for one plane.
    facts : dict
        Further ImageJ metadata, such as ``min`` and ``max``.
    """

    shape: tuple[int, int, int]
    dtype: Any
    calibration: Calibration
    layout: PlaneLayout | None
    facts: dict[str, Any]

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return math.prod(self.shape) * int(np.dtype(self.dtype).itemsize)


class PieceFile:
    """An uncompressed TIFF file whose rows are written and read one band at a time."""

    def __init__(self, stream: BinaryIO, offset: int, form: PieceForm) -> None:
        self._stream = stream
        self._offset = offset
        self._form = form
        stream.seek(0)
        self._dtype = np.dtype(form.dtype).newbyteorder("<" if stream.read(1) == b"I" else ">")

    @property
    def columns(self) -> int:
        """Pixels of one row."""
        return self._form.shape[2]

    def write(self, plane: int, first: int, rows: Array) -> None:
        """Write rows (R, N) of a plane (from 0), beginning with row ``first``."""
        self._seek(plane, first)
        self._stream.write(np.ascontiguousarray(rows, dtype=self._dtype).data)

    def read(self, plane: int, start: int, stop: int) -> Array:
        """Return the rows ``start:stop`` of a plane (from 0), shape (R, N)."""
        self._seek(plane, start)
        rows = np.empty((stop - start, self._form.shape[2]), dtype=self._dtype)
        found = self._stream.readinto(rows.data.cast("B"))  # type: ignore[attr-defined]
        if found != rows.nbytes:
            raise OSError(f"only {found} of {rows.nbytes} bytes could be read again")
        return rows.astype(self._form.dtype, copy=False)

    def _seek(self, plane: int, row: int) -> None:
        _, rows, columns = self._form.shape
        place = (plane * rows + row) * columns
        self._stream.seek(self._offset + place * self._dtype.itemsize)


@contextmanager
def create_pieces(path: Path, form: PieceForm) -> Iterator[PieceFile]:
    """Make a TIFF file whose rows can be written in any order; it appears when the block succeeds.

    Files of less than 4 GB are ImageJ TIFF, byte for byte those of ``write_labels`` and its
    siblings; larger ones are BigTIFF with OME metadata.

    Parameters
    ----------
    path : Path
        Replaced atomically.
    form : PieceForm
        What it will hold.

    Raises
    ------
    SetupError
        Codes ``disk_full`` and ``disk_fault``.
    """
    with open_atomic(path) as temporary:
        offset = _write_empty(temporary, form)
        with temporary.open("rb+") as stream:
            yield PieceFile(stream, offset, form)


def _write_empty(path: Path, form: PieceForm) -> int:
    import tifffile

    is_classic = form.nbytes <= LARGEST_CLASSIC
    plain = form.shape if form.layout else form.shape[1:]
    shape, description = (
        describe_imagej(plain, form.calibration, layout=form.layout, facts=form.facts)
        if is_classic
        else _describe_ome(form)
    )
    placed = tifffile.imwrite(
        path,
        shape=shape,
        dtype=form.dtype,
        photometric="minisblack",
        bigtiff=not is_classic,
        returnoffset=True,
        **description,
    )
    if placed is None:
        raise OSError("the file has no place for pixels")
    return int(placed[0])


def _describe_ome(form: PieceForm) -> tuple[tuple[int, ...], dict[str, Any]]:
    planes, rows, columns = form.shape
    layout = form.layout or PlaneLayout(slices=planes)
    size = form.calibration
    row_bytes = columns * np.dtype(form.dtype).itemsize
    metadata: dict[str, Any] = {"axes": "TZYX"}
    if size.unit != "pixel":
        metadata |= {
            "PhysicalSizeX": size.pixel_width,
            "PhysicalSizeY": size.pixel_height,
            "PhysicalSizeXUnit": size.unit,
            "PhysicalSizeYUnit": size.unit,
        }
    return (layout.frames, layout.slices, rows, columns), {
        "ome": True,
        "rowsperstrip": max(1, _STRIP_BYTES // row_bytes),
        "metadata": metadata,
    }
