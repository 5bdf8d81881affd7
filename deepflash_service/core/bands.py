"""Images that are too large for the memory: read by rows, walked through band by band."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]
else:
    Array = Any

BAND_VALUES = 4_000_000
"""Values of one band: some ten temporary arrays of this length fit into memory anywhere."""


@dataclass(frozen=True, slots=True)
class ImageRows:
    """One plane of an image, wherever its pixels are.

    Attributes
    ----------
    shape : (M, N)
        Rows and columns.
    channels : int
        Values of each pixel.
    read : callable
        First row and end in, these rows out: raw values (R, N) or (R, N, C).
    """

    shape: tuple[int, int]
    channels: int
    read: Callable[[int, int], Array]

    @classmethod
    def of(cls, image: Array) -> ImageRows:
        """Return an image in memory, shape (M, N) or (M, N, C), as one that is read by rows."""
        channels = image.shape[2] if image.ndim == 3 else 1
        shape = (int(image.shape[0]), int(image.shape[1]))
        return cls(shape, int(channels), lambda start, stop: image[start:stop])

    def walk(self) -> Iterator[tuple[int, Array]]:
        """Yield the first row and the raw values of one band after the other."""
        for start, stop in plan_bands(self.shape, values=BAND_VALUES // self.channels):
            yield start, self.read(start, stop)


def plan_bands(
    shape: tuple[int, int], *, values: int = 0, multiple: int = 1
) -> list[tuple[int, int]]:
    """Return first row and end of bands that cover an image.

    Parameters
    ----------
    shape : (M, N)
        Rows and columns.
    values : int, optional
        Most pixels of a band, 0 = as many as fit into memory anywhere; a band has at least one row.
    multiple : int, optional
        All bands but the last have a multiple of this number of rows.

    Returns
    -------
    list of (int, int)
    """
    rows, columns = shape
    height = max(1, (values or BAND_VALUES) // max(columns, 1) // multiple) * multiple
    return [(start, min(start + height, rows)) for start in range(0, rows, height)]
