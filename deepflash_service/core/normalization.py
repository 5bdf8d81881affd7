"""Intensity normalisation that depends on no unit: not on bit depth, gain or display range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.noise import NoiseMeter
from deepflash_service.core.percentiles import find_percentiles
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from deepflash_service.records import Image

PERCENTILES = (1.0, 99.8)
MARKS = (1.0, 16.0, 99.8, 100.0)
"""Percentiles of a channel that :func:`choose_stretch` needs."""
NOISE_FLOOR = 6.5
"""Least span in standard deviations of the noise; Gaussian noise alone spans 5.2 of them."""
SMOOTH_LIMIT = 18.0
"""Least height of the brightest pixel in standard deviations of smooth noise; alone it has 7-11."""
_MOST_DIMMED = 10.0
_DARK_TO_SIGMA = 1 / 1.332
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
    ends = [find_percentiles(plane, PERCENTILES) for plane in planes]
    return float(np.mean([high - low for low, high in ends]))


def normalize(image: npt.NDArray[Any]) -> Image:
    """Map the percentiles 1 and 99.8 of each channel to 0 and 1.

    An image that holds little more than noise is not stretched as far, so that noise does not
    turn into cells: see :func:`choose_stretch`. All of this scales with the intensities: the
    same light in 8, 12 or 16 bit or as float gives the same values.

    Parameters
    ----------
    image : ndarray of shape (M, N) or (M, N, C)
        Raw image of any real type.

    Returns
    -------
    ndarray of float32
        Same shape, clipped to [-0.5, 3].

    Raises
    ------
    InputError
        Code ``invalid_image`` for a wrong shape, no pixel, or values that are not finite.
    """
    result = _scale(_to_channels(image), measure_stretches(image))
    return result if np.ndim(image) == 3 else result[..., 0]


def measure_stretches(image: npt.NDArray[Any]) -> list[tuple[float, float]]:
    """Return for each channel what :func:`normalize` maps to 0, and the span that it maps to 1.

    Parameters
    ----------
    image : ndarray of shape (M, N) or (M, N, C)
        Raw image of any real type.

    Returns
    -------
    list of (low, span)
        See :func:`choose_stretch`.

    Raises
    ------
    InputError
        Code ``invalid_image`` for a wrong shape, no pixel, or values that are not finite.
    """
    stretches = []
    for plane in _to_channels(image):
        noise = NoiseMeter()
        noise.add(plane)
        stretches.append(choose_stretch(find_percentiles(plane, MARKS), noise))
    return stretches


def choose_stretch(marks: Sequence[float], noise: NoiseMeter) -> tuple[float, float]:
    """Return the intensity that becomes 0, and the span above it that becomes 1.

    The span is the range from percentile 1 to 99.8, but at least 6.5 standard deviations of the
    noise between neighbours. Noise that was blurred, filtered, compressed or enlarged does not
    show between neighbours, and looks like cells. An image counts as such noise the more, the
    less its brightest pixel rises above smooth noise: from 18 standard deviations downwards the
    range is multiplied by (18 / height) ** 3, at most 10. Smooth noise is what pixels 8 apart
    show, but no more than the dark end of the intensities (percentile 16 less percentile 1)
    admits: among crowded cells the pixels differ much, and the darkest do not.

    Parameters
    ----------
    marks : sequence of float
        Percentiles ``MARKS`` of one channel of the whole image.
    noise : NoiseMeter
        That has counted all rows of the channel.

    Returns
    -------
    low, span : float
        In raw units; the span is above 0.
    """
    low, dark, high, top = marks
    smooth = min(noise.find_smooth(), (dark - low) * _DARK_TO_SIGMA)
    dimmed = (SMOOTH_LIMIT * smooth / (top - low)) ** 3 if top > low else 1.0
    spread = (high - low) * min(max(dimmed, 1.0), _MOST_DIMMED)
    tiny = float(np.finfo(np.float32).tiny)
    return low, max(spread, NOISE_FLOOR * noise.find_sigma(), tiny)


def scale_piece(piece: npt.NDArray[Any], stretches: Sequence[tuple[float, float]]) -> Image:
    """Normalise a piece of an image by what was measured on the whole image.

    Parameters
    ----------
    piece : ndarray of shape (M, N, C)
        Raw intensities of any real type.
    stretches : sequence of (low, span)
        :func:`choose_stretch` of each channel of the whole image.

    Returns
    -------
    ndarray of float32, shape (M, N, C)
        The same values that :func:`normalize` gives for the whole image.

    Raises
    ------
    InputError
        Code ``invalid_image`` for values that are not finite.
    """
    return _scale(_to_channels(piece), stretches)


def _scale(planes: npt.NDArray[Any], stretches: Sequence[tuple[float, float]]) -> Image:
    result = np.empty((*planes.shape[1:], len(planes)), dtype=np.float32)
    for index, (plane, (low, span)) in enumerate(zip(planes, stretches, strict=True)):
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
