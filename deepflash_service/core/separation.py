"""Touching ROIs parted at their necks, by gaps in the probability map."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from deepflash_service.core.labels import label_components, label_rois
from deepflash_service.errors import InputError
from deepflash_service.records import LabelImage, ProbabilityMap

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.records import Mask

    Floats = npt.NDArray[np.float32]

Label = Callable[[ProbabilityMap, float, int], LabelImage]
"""Seam: a probability map, a threshold and a minimum ROI size in, its ROIs out."""

NECK = 0.75
"""Depth of a neck in pixels at which a training parts ROIs: docs/validation.md."""

_SMOOTHING = 1.0
_FRAME = 4
_EIGHT = np.ones((3, 3), dtype=bool)


def make_label(neck: float) -> Label:
    """Return how ROIs are found where those that touch are parted.

    Parameters
    ----------
    neck : float
        In pixels; 0 = part nothing.

    Returns
    -------
    callable
        Probability map, threshold and minimum ROI size in, label image out.
    """
    return partial(label_parted, neck=neck)


def label_parted(
    probability: ProbabilityMap, threshold: float, min_roi_size: int, *, neck: float
) -> LabelImage:
    """Find the ROIs of a probability map after :func:`open_necks`.

    Parameters
    ----------
    probability : ndarray of float32, shape (M, N)
    threshold : float
        Probability above which a pixel is foreground.
    min_roi_size : int
        Smallest area of an ROI in pixels.
    neck : float
        In pixels; 0 = part nothing.

    Returns
    -------
    ndarray of int32, shape (M, N)
    """
    opened = open_necks(probability, threshold=threshold, min_roi_size=min_roi_size, neck=neck)
    return label_rois(opened, threshold=threshold, min_roi_size=min_roi_size)


def open_necks(
    probability: ProbabilityMap, *, threshold: float, min_roi_size: int, neck: float
) -> ProbabilityMap:
    """Return the map with gaps where an ROI is narrower than on both sides.

    Each component above the threshold is looked at alone. Seeds are the maxima of the smoothed
    distance to its outline (holes count as inside, so they are kept and part nothing) that rise by
    at least ``neck`` above the way to a higher one; parts grow from them by a watershed (Beucher
    and Lantuejoul, 1979; h-maxima: Soille, Morphological Image Analysis, 2004). Where two parts
    meet, pixels fall just below the threshold, so that ROIs are the components of the map still.

    Parameters
    ----------
    probability : ndarray of float32, shape (M, N)
    threshold : float
        Probability above which a pixel is foreground.
    min_roi_size : int
        A part with fewer pixels stays with its neighbour.
    neck : float
        By how many pixels the half width must shrink; 0 = part nothing.

    Returns
    -------
    ndarray of float32, shape (M, N)
        A new array where anything was parted.

    Raises
    ------
    InputError
        Code ``invalid_options`` for a negative depth.
    """
    if neck < 0:
        raise InputError(
            "The depth of a neck cannot be negative. Give pixels, or 0 to part nothing.",
            code="invalid_options",
        )
    if neck == 0:
        return probability
    labels = label_components(probability > threshold)
    below = np.nextafter(np.float32(threshold), np.float32(-1)) * np.float32(0.9999)
    result = probability
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if min(one.stop - one.start for one in box) <= 2 * neck:
            continue
        gap = _find_gap(labels[box] == number, neck=neck, smallest=max(min_roi_size, 1))
        if gap is None:
            continue
        result = probability.copy() if result is probability else result
        result[box][gap] = below
    return result


def _find_gap(roi: Mask, *, neck: float, smallest: int) -> Mask | None:
    """Return the pixels between the parts of one ROI; None where it has one part."""
    from skimage.segmentation import watershed

    framed = np.pad(roi, _FRAME)
    filled = ndimage.binary_fill_holes(framed)
    distance = ndimage.distance_transform_edt(filled)
    height = np.asarray(ndimage.gaussian_filter(distance, _SMOOTHING), dtype=np.float32)
    height[~filled] = 0
    seeds = _find_seeds(height, neck)
    while int(seeds.max()) > 1:
        parts = watershed(-height, seeds, mask=filled, connectivity=2)
        gap = framed & (ndimage.maximum_filter(parts, footprint=_EIGHT) > parts)
        count = int(seeds.max())
        sizes = np.bincount(parts[framed & ~gap], minlength=count + 1)[1:]
        if sizes.min() >= smallest:
            return np.asarray(gap[_FRAME:-_FRAME, _FRAME:-_FRAME])
        seeds = _drop(seeds, 1 + int(sizes.argmin()))
    return None


def _find_seeds(height: Floats, neck: float) -> npt.NDArray[Any]:
    """Return the numbered maxima that are at least ``neck`` above any pass to a higher one."""
    from skimage.morphology import local_maxima, reconstruction

    if _count(ndimage.maximum_filter(height, footprint=_EIGHT) == height, height) < 2:
        return np.zeros(height.shape, dtype=np.int32)
    lowered = np.maximum(height - np.float32(neck), 0)
    level = reconstruction(lowered, height, method="dilation")
    peaks = local_maxima(level, connectivity=2) & (height > 0)
    return np.asarray(ndimage.label(peaks, structure=_EIGHT)[0])


def _count(peaks: Mask, height: Floats) -> int:
    return int(ndimage.label(peaks & (height > 0), structure=_EIGHT)[1])


def _drop(seeds: npt.NDArray[Any], number: int) -> npt.NDArray[Any]:
    kept = np.where(seeds == number, 0, seeds)
    return np.where(kept > number, kept - 1, kept)
