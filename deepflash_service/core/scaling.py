"""Pixel sizes: how an image compares with the training, and bringing it to that scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core import bands
from deepflash_service.core.bands import ImageRows
from deepflash_service.core.roi_tables import MILLIMETRES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt
    from scipy import sparse

    from deepflash_service.records import Calibration

    Floats = npt.NDArray[np.float32]

MICROMETRES = 1000.0
"""In a millimetre."""

COARSEST_PIXEL = 50.0
"""Micrometres; what is coarser was set for a printer or a screen, not by a microscope."""

_SAME_SCALE = 1.1
_TOO_FAR = 10.0
_PRINTED = "inch"


@dataclass(frozen=True, slots=True)
class Scale:
    """Pixels that the network is shown for each pixel of an image, along rows and columns.

    Below 1 the image is shrunk, above 1 enlarged.
    """

    rows: float = 1.0
    columns: float = 1.0

    @property
    def area(self) -> float:
        """Pixels that the network is shown for each pixel of the image."""
        return self.rows * self.columns

    @property
    def largest_factor(self) -> float:
        """How far the farther axis is from 1, as a factor of at least 1."""
        return max(max(factor, 1 / factor) for factor in (self.rows, self.columns))

    @property
    def is_close(self) -> bool:
        """Whether both axes differ by at most 10 percent, as sizes of cells do anyway."""
        return self.largest_factor <= _SAME_SCALE

    @property
    def is_absurd(self) -> bool:
        """Whether an axis differs more than tenfold: a wrong setting, not another microscope."""
        return self.largest_factor > _TOO_FAR

    def fit(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns that an image of a shape is brought to."""
        return max(1, round(shape[0] * self.rows)), max(1, round(shape[1] * self.columns))


SAME_SCALE = Scale()


def measure_pixel(calibration: Calibration) -> tuple[float, float] | None:
    """Return height and width of a pixel in micrometres.

    Parameters
    ----------
    calibration : Calibration
        Of an image or a model.

    Returns
    -------
    (float, float) or None
        None when the unit is no length, a size is not above 0, or the pixel tells how large to
        print it: a resolution per inch, or more than 50 micrometres.
    """
    length = MILLIMETRES.get(calibration.unit)
    if length is None or calibration.unit == _PRINTED:
        return None
    height, width = (
        size * length * MICROMETRES for size in (calibration.pixel_height, calibration.pixel_width)
    )
    return (height, width) if all(0 < size <= COARSEST_PIXEL for size in (height, width)) else None


def compare_scales(image: Calibration, trained: Calibration) -> Scale | None:
    """Return by how much an image must be scaled to look like the images of a training.

    Parameters
    ----------
    image, trained : Calibration
        Pixel sizes in any unit of length.

    Returns
    -------
    Scale or None
        None when one of them tells no length.
    """
    own, wanted = measure_pixel(image), measure_pixel(trained)
    if own is None or wanted is None:
        return None
    return Scale(own[0] / wanted[0], own[1] / wanted[1])


def find_diameter(areas: npt.NDArray[Any]) -> float:
    """Return the diameter of a circle of the median area.

    Parameters
    ----------
    areas : ndarray of shape (K,)
        Areas of ROIs in pixels.

    Returns
    -------
    float
        In pixels; 0 without ROIs.
    """
    return float(2 * np.sqrt(np.median(areas) / np.pi)) if areas.size else 0.0


def resample_rows(source: ImageRows, shape: tuple[int, int]) -> ImageRows:
    """Return an image that is read by rows at another size.

    Along an axis that shrinks, the values of all pixels that a new one covers are averaged, by
    the length covered: what a camera with larger pixels records, so nothing is aliased and noise
    falls as it would there. Along an axis that grows, values are interpolated linearly. A row
    comes out the same, bit for bit, whichever rows are read with it. The source is read in bands
    that fit into memory, however many of its rows those wanted cover.

    Parameters
    ----------
    source : ImageRows
        Any real type.
    shape : (P, Q)
        Rows and columns wanted.

    Returns
    -------
    ImageRows
        ``source`` itself when it has this size; else values of shape (R, Q, C), float32.
    """
    if shape == source.shape:
        return source
    down, across = (_weigh(*ends) for ends in zip(source.shape, shape, strict=True))
    height = _count_rows(down, max(source.shape[1], shape[1]) * source.channels)

    def read(start: int, stop: int) -> Floats:
        result = np.empty((stop - start, shape[1], source.channels), dtype=np.float32)
        for first in range(start, stop, height):
            end = min(first + height, stop)
            needed = down.indices[down.indptr[first] : down.indptr[end]]
            low, high = int(needed.min()), int(needed.max()) + 1
            pixels = np.asarray(source.read(low, high), dtype=np.float32)
            pixels = pixels.reshape(high - low, source.shape[1], -1)
            result[first - start : end - start] = _resample(
                pixels, down[first:end, low:high], across
            )
        return result

    return ImageRows(shape, source.channels, read)


def resample(image: npt.NDArray[Any], shape: tuple[int, int]) -> Floats:
    """Return an image at another size, by the rules of :func:`resample_rows`.

    Parameters
    ----------
    image : ndarray of shape (M, N) or (M, N, C)
        Any real type.
    shape : (P, Q)
        Rows and columns wanted.

    Returns
    -------
    ndarray of float32, shape (P, Q) or (P, Q, C)
    """
    stack = image if image.ndim == 3 else image[..., np.newaxis]
    result = np.asarray(
        resample_rows(ImageRows.of(stack), shape).read(0, shape[0]), dtype=np.float32
    )
    return result if image.ndim == 3 else result[..., 0]


def resample_bands(
    pieces: Iterable[tuple[int, Floats]], shape: tuple[int, int], wanted: tuple[int, int]
) -> Iterator[tuple[int, Floats]]:
    """Bring a map that comes in bands to another size, holding no more than a band and its edge.

    A band that grows is given in several, each of which fits into memory.

    Parameters
    ----------
    pieces : iterable of (int, ndarray)
        First row and values (R, N), or (K, R, N) for K maps, of bands that follow each other. A
        first row of 0 begins anew.
    shape, wanted : (M, N)
        Rows and columns of the map, and those wanted.

    Yields
    ------
    int
        First row of a band of the size wanted.
    ndarray of float32, shape (R, N) or (K, R, N)
        Together :func:`resample` of the whole map, bit for bit.
    """
    if shape == wanted:
        yield from pieces
        return
    down, across = (_weigh(*ends) for ends in zip(shape, wanted, strict=True))
    lows = np.minimum.reduceat(down.indices, down.indptr[:-1])
    highs = np.maximum.reduceat(down.indices, down.indptr[:-1])
    held: Any = None
    first = done = 0
    for start, band in pieces:
        if start == 0:
            held, first, done = band[..., :0, :], 0, 0
        held = np.concatenate([held, band], axis=-2)
        maps = np.moveaxis(held.reshape(-1, *held.shape[-2:]), 0, -1)
        ready = int(np.searchsorted(highs, first + len(maps)))
        height = _count_rows(down, max(shape[1], wanted[1]) * maps.shape[-1])
        for begin in range(done, ready, height):
            end = min(begin + height, ready)
            low, high = int(lows[begin]), int(highs[end - 1]) + 1
            found = _resample(maps[low - first : high - first], down[begin:end, low:high], across)
            found = np.moveaxis(found, -1, 0)
            yield begin, found.reshape(*held.shape[:-2], *found.shape[1:])
        done = ready
        if done < len(lows):
            held, first = held[..., int(lows[done]) - first :, :], int(lows[done])


def _count_rows(down: sparse.csr_array[Any], values: int) -> int:
    """Return how many rows of a result fit, with those they cover, a row having so many values."""
    wanted, length = down.shape
    covered = -(-max(length, wanted) // wanted)
    return max(1, int(bands.BAND_VALUES // (covered * values)))


def _resample(pixels: Floats, down: sparse.csr_array[Any], across: sparse.csr_array[Any]) -> Floats:
    """Return pixels (R, N, C) multiplied by the weights of rows and of columns."""
    rows, columns, channels = pixels.shape
    pixels = (down @ pixels.reshape(rows, -1)).reshape(-1, columns, channels)
    turned = pixels.transpose(1, 0, 2).reshape(columns, -1)
    turned = (across @ turned).reshape(across.shape[0], -1, channels)
    return np.ascontiguousarray(turned.transpose(1, 0, 2), dtype=np.float32)


def _weigh(length: int, wanted: int) -> sparse.csr_array[Any]:
    """Return the weights, shape (wanted, length), by which an axis gets another length."""
    from scipy import sparse

    if wanted < length:
        # pieces of the axis that lie within one old and one new pixel
        ends = np.union1d(np.arange(length + 1.0), np.arange(wanted + 1) * (length / wanted))
        ends[-1] = length
        middles, weights = (ends[:-1] + ends[1:]) / 2, np.diff(ends) * (wanted / length)
        places = (
            (middles * (wanted / length)).astype(np.int64).clip(max=wanted - 1),
            (middles.astype(np.int64).clip(max=length - 1)),
        )
    else:
        centres = ((np.arange(wanted) + 0.5) * (length / wanted) - 0.5).clip(0, length - 1)
        lows = centres.astype(np.int64)
        part = centres - lows
        highs = np.minimum(lows + 1, length - 1)
        places = np.tile(np.arange(wanted), 2), np.concatenate([lows, highs])
        weights = np.concatenate([1 - part, part])
    found = sparse.csr_array((weights, places), shape=(wanted, length), dtype=np.float64)
    found.sum_duplicates()
    found.eliminate_zeros()
    return found.astype(np.float32)
