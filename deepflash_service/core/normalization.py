"""Intensity normalisation that does not depend on bit depth or display range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.percentiles import find_percentiles
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from deepflash_service.records import Image

PERCENTILES = (1.0, 99.8)
RANGE_FLOOR = 0.3
CLIP = (-0.5, 3.0)


def measure_range(image: npt.NDArray[Any]) -> float:
    """Return the spread of the intensities, p99.8 - p1, in raw units.

    Parameters
    ----------
    image : ndarray of shape (M, N) or (M, N, C)
        Raw image of any real type. With channels, the mean over the channels.

    Returns
    -------
    float
        0 for a constant image.

    Raises
    ------
    InputError
        Code ``invalid_image`` for a wrong shape, no pixel, or values that are not finite.
    """
    planes = _to_channels(image)
    return float(np.mean([high - low for low, high in map(_measure_ends, planes)]))


def normalize(image: npt.NDArray[Any], *, reference_range: float = 0.0) -> Image:
    """Map the percentiles 1 and 99.8 of each channel to 0 and 1.

    An image whose own range is far below ``reference_range`` (the median range of the training
    images) holds noise only; it is not stretched further than to 0.3 of that range, so that
    noise does not turn into cells.

    Parameters
    ----------
    image : ndarray of shape (M, N) or (M, N, C)
        Raw image of any real type.
    reference_range : float, optional
        Usual range of the training images in raw units; 0 = not known.

    Returns
    -------
    ndarray of float32
        Same shape, clipped to [-0.5, 3].

    Raises
    ------
    InputError
        Code ``invalid_image`` for a wrong shape, no pixel, or values that are not finite.
    """
    planes = _to_channels(image)
    ends = [_measure_ends(plane) for plane in planes]
    result = _scale(planes, ends, reference_range=reference_range)
    return result if np.ndim(image) == 3 else result[..., 0]


def scale_piece(
    piece: npt.NDArray[Any],
    ends: Sequence[tuple[float, float]],
    *,
    reference_range: float = 0.0,
) -> Image:
    """Normalise a piece of an image by the percentiles of the whole image.

    Parameters
    ----------
    piece : ndarray of shape (M, N, C)
        Raw intensities of any real type.
    ends : sequence of (low, high)
        Percentiles 1 and 99.8 of each channel of the whole image.
    reference_range : float, optional
        As for :func:`normalize`.

    Returns
    -------
    ndarray of float32, shape (M, N, C)
        The same values that :func:`normalize` gives for the whole image.

    Raises
    ------
    InputError
        Code ``invalid_image`` for values that are not finite.
    """
    return _scale(_to_channels(piece), ends, reference_range=reference_range)


def _scale(
    planes: npt.NDArray[Any], ends: Sequence[tuple[float, float]], *, reference_range: float
) -> Image:
    result = np.empty((*planes.shape[1:], len(planes)), dtype=np.float32)
    for index, (plane, (low, high)) in enumerate(zip(planes, ends, strict=True)):
        span = max(high - low, RANGE_FLOOR * reference_range, float(np.finfo(np.float32).tiny))
        channel = result[..., index]
        np.subtract(plane, low, out=channel, dtype=plane.dtype, casting="same_kind")
        channel /= np.float32(span)
        np.clip(channel, *CLIP, out=channel)
    return result


def _to_channels(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array = np.asarray(image)
    if array.ndim not in {2, 3} or array.size == 0:
        raise InputError(
            f"An image needs rows and columns, this one has the shape {array.shape}. "
            "Give one plane, or one plane with its channels last.",
            code="invalid_image",
        )
    if array.dtype.kind not in "buif":
        raise InputError(
            f"Pixels of the type {array.dtype} cannot be used. Save the image as 8 or 16 bit, "
            "or as float.",
            code="invalid_image",
        )
    if array.dtype.kind == "f" and not bool(np.isfinite(array).all()):
        raise InputError(
            "The image holds values that are not numbers (NaN or infinity). Replace them, for "
            "example with Process > Math > NaN in Fiji.",
            code="invalid_image",
        )
    # float32 holds 16 bits exactly and keeps huge images small in memory
    exact = np.float32 if array.dtype.itemsize <= 2 or array.dtype == np.float32 else np.float64
    array = array.astype(exact, copy=False)
    return array[np.newaxis] if array.ndim == 2 else np.moveaxis(array, -1, 0)


def _measure_ends(plane: npt.NDArray[Any]) -> tuple[float, float]:
    low, high = find_percentiles(plane, PERCENTILES)
    return low, high
