"""An image file whose pixels are still on disk, and what is cleaned while they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deepflash_service.core.bands import ImageRows, plan_bands
from deepflash_service.records import Calibration
from deepflash_service.store.planes import Array, PlaneLayout, check_number
from deepflash_service.store.sources import Source, refuse_damaged
from deepflash_service.store.tiff_reading import refuse_gaps

ReadPlane = Callable[[tuple[int, int], slice], Array]
"""Frame and slice from 0, and rows, to raw values (R, N) or (R, N, C)."""


@dataclass(frozen=True, slots=True)
class PieceSource:
    """An image file whose pixels are still on disk.

    Attributes
    ----------
    name : str
        File name.
    shape : (M, N)
        Rows and columns.
    channels : int
        Values of each pixel.
    layout : PlaneLayout
        What the planes are.
    calibration : Calibration
        Size of a pixel.
    is_rgb : bool
        Whether the channels are colours.
    dtype : numpy.dtype
        Type of the values in the file.
    """

    name: str
    shape: tuple[int, int]
    channels: int
    layout: PlaneLayout
    calibration: Calibration
    is_rgb: bool
    dtype: Any
    _read: ReadPlane

    def get_rows(self, plane: int = 1, *, channel: int | None = None) -> ImageRows:
        """Return one plane, all channels or one, to be read by rows; both counted from 1.

        Raises
        ------
        InputError
            Code ``invalid_options`` when there is no such plane or channel.
        """
        check_number(self.name, "plane", plane, size=self.layout.planes)
        if channel is not None:
            check_number(self.name, "channel", channel, size=self.channels)
        z, t = self.layout.locate(plane - 1)

        def read(start: int, stop: int) -> Array:
            pixels = self._read((t - 1, z - 1), slice(start, stop))
            return pixels if channel is None or pixels.ndim == 2 else pixels[..., channel - 1]

        return ImageRows(self.shape, self.channels if channel is None else 1, read)


def guard(found: PieceSource, source: Source) -> PieceSource:
    """Return the source with faults of the decoders turned into ``InputError``."""
    inner = found._read  # noqa: SLF001 - the same class, made here

    def read(place: tuple[int, int], rows: slice) -> Array:
        try:
            return inner(place, rows)
        except MemoryError:
            raise
        except Exception as error:
            raise refuse_damaged(source, error) from error

    return replace(found, _read=read)


def _walk(found: PieceSource) -> Iterator[Array]:
    bands = plan_bands(found.shape)
    for index in range(found.layout.planes):
        rows = found.get_rows(index + 1)
        for start, stop in bands:
            yield rows.read(start, stop)


def merge_grey(found: PieceSource) -> PieceSource:
    """Take the first of three samples where all three are equal everywhere."""
    for band in _walk(found):
        if (band[..., 0] != band[..., 1]).any() or (band[..., 0] != band[..., 2]).any():
            return found
    inner = found._read  # noqa: SLF001 - the same class, made here
    return replace(
        found,
        channels=1,
        is_rgb=False,
        layout=replace(found.layout, channels=1),
        _read=lambda place, rows: inner(place, rows)[..., 0],
    )


def fill_gaps(found: PieceSource, source: Source) -> PieceSource:
    """Make floats float32, and fill those not finite with the smallest finite one of the file.

    Raises
    ------
    InputError
        Code ``invalid_image`` when no value is finite.
    """
    if found.dtype.kind != "f":
        return found
    lowest = np.float32(np.inf)
    for band in _walk(found):
        values = band.astype(np.float32)
        is_finite = np.isfinite(values)
        lowest = min(lowest, values.min(initial=lowest, where=is_finite))
    if not np.isfinite(lowest):
        raise refuse_gaps(source)
    inner = found._read  # noqa: SLF001 - the same class, made here

    def read(place: tuple[int, int], rows: slice) -> Array:
        values = inner(place, rows).astype(np.float32)
        return np.where(np.isfinite(values), values, lowest)

    return replace(found, _read=read)
