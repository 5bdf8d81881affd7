"""Touching ROIs parted at their necks, by gaps in the probability map."""

from __future__ import annotations

from dataclasses import dataclass
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
    Numbers = npt.NDArray[Any]

NECK = 0.75
"""Depth of a neck in pixels at which a training parts ROIs: docs/validation.md."""

SHARE = 0.125
"""A neck must also take this share of the half width of the thinner part."""

_SMOOTHING = 1.0
_FRAME = 4
_EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True)
class Cut:
    """How ROIs are found in a probability map.

    Attributes
    ----------
    threshold : float
        Probability above which a pixel is foreground.
    min_roi_size : int
        Smallest area of an ROI that stays, in pixels.
    separation : float
        Depth of a neck at which touching ROIs are parted, in pixels; 0 = none are.
    smallest_part : int, optional
        Smallest area of a part, in pixels; ``min_roi_size`` if not given.
    """

    threshold: float
    min_roi_size: int = 0
    separation: float = 0.0
    smallest_part: int | None = None

    def open_map(self, probability: ProbabilityMap) -> ProbabilityMap:
        """Return a map of shape (M, N) with gaps between ROIs that touch: :func:`open_necks`."""
        part = self.min_roi_size if self.smallest_part is None else self.smallest_part
        return open_necks(
            probability, threshold=self.threshold, smallest=part, neck=self.separation
        )

    def find_rois(self, probability: npt.NDArray[np.floating[Any]]) -> LabelImage:
        """Return the ROIs of a map of shape (M, N)."""
        opened = self.open_map(np.asarray(probability, dtype=np.float32))
        return label_rois(opened, threshold=self.threshold, min_roi_size=self.min_roi_size)


def open_necks(
    probability: ProbabilityMap, *, threshold: float, smallest: int, neck: float
) -> ProbabilityMap:
    """Return the map with gaps where an ROI is narrower than on both sides.

    Each component above the threshold is looked at alone. Seeds are the maxima of the smoothed
    distance to its outline (holes count as inside, so they are kept and part nothing) that rise by
    at least ``neck``, and by ``SHARE`` of themselves, above the way to a higher one; parts grow
    from them by a watershed (Beucher and Lantuejoul, 1979; h-maxima: Soille, Morphological Image
    Analysis, 2004). Where two parts meet, pixels fall just below the threshold, so that ROIs are
    the components of the map still.

    Parameters
    ----------
    probability : ndarray of float32, shape (M, N)
    threshold : float
        Probability above which a pixel is foreground.
    smallest : int
        A part with fewer pixels stays with the neighbour to which its way is widest.
    neck : float
        By how many pixels the half width must shrink; 0 = part nothing.

    Returns
    -------
    ndarray of float32, shape (M, N)
        A new array where anything was parted. At threshold 0 nothing is, because no probability
        is below it.

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
    if neck == 0 or threshold <= 0:
        return probability
    labels = label_components(probability > threshold)
    below = np.nextafter(np.float32(threshold), np.float32(-1)) * np.float32(0.9999)
    result = probability
    areas = np.bincount(labels.ravel())
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        is_thin = min(one.stop - one.start for one in box) <= 2 * neck
        if is_thin or areas[number] < 2 * smallest:
            continue
        gap = _find_gap(labels[box] == number, neck=neck, smallest=smallest)
        if not gap.any():
            continue
        result = probability.copy() if result is probability else result
        result[box][gap] = below
    return result


def _find_gap(roi: Mask, *, neck: float, smallest: int) -> Mask:
    """Return the pixels between the parts of one ROI."""
    from skimage.segmentation import watershed

    framed = np.pad(roi, _FRAME)
    filled = ndimage.binary_fill_holes(framed)
    distance = ndimage.distance_transform_edt(filled)
    height = np.asarray(ndimage.gaussian_filter(distance, _SMOOTHING), dtype=np.float32)
    height[~filled] = 0
    gap = np.zeros(framed.size, dtype=bool)
    seeds = _find_seeds(height, neck)
    if int(seeds.max()) > 1:
        parts = watershed(-height, seeds, mask=filled, connectivity=2)
        lower, upper = _find_contacts(parts)
        own = parts.ravel()
        core = framed.ravel().copy()
        core[lower] = False
        sizes = np.bincount(own[core], minlength=int(own.max()) + 1)
        if sizes[1:].min() < smallest:
            passes = np.minimum(height.ravel()[lower], height.ravel()[upper])
            order = np.argsort(-passes, kind="stable")
            ways = np.stack([own[lower[order]], own[upper[order]]], axis=1)
            own = _merge_parts(ways, sizes, smallest)[own]
        gap[lower[own[lower] != own[upper]]] = True
    inner = slice(_FRAME, -_FRAME)
    return np.asarray((gap.reshape(framed.shape) & framed)[inner, inner])


def _find_seeds(height: Floats, neck: float) -> Numbers:
    """Return the numbered maxima that are deep enough above any pass to a higher one."""
    from skimage.morphology import local_maxima, reconstruction

    if _count(ndimage.maximum_filter(height, footprint=_EIGHT) == height, height) < 2:
        return np.zeros(height.shape, dtype=np.int32)
    lowered = np.minimum(height - np.float32(neck), height * np.float32(1 - SHARE))
    level = reconstruction(np.maximum(lowered, 0), height, method="dilation")
    peaks = local_maxima(level, connectivity=2) & (height > 0)
    return np.asarray(ndimage.label(peaks, structure=_EIGHT)[0])


def _count(peaks: Mask, height: Floats) -> int:
    return int(ndimage.label(peaks & (height > 0), structure=_EIGHT)[1])


def _find_contacts(parts: Numbers) -> tuple[Numbers, Numbers]:
    """Return the positions of all neighbours in two parts, in the one with the lower number first.

    Positions are those in the flattened image.
    """
    positions = np.arange(parts.size).reshape(parts.shape)
    here, there = [], []
    for one, other in (
        (np.s_[:-1, :], np.s_[1:, :]),
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):
        first, second = parts[one], parts[other]
        touch = (first != second) & (first > 0) & (second > 0)
        swap = (first > second)[touch]
        a, b = positions[one][touch], positions[other][touch]
        here.append(np.where(swap, b, a))
        there.append(np.where(swap, a, b))
    return np.concatenate(here), np.concatenate(there)


def _merge_parts(ways: Numbers, sizes: Numbers, smallest: int) -> Numbers:
    """Return to which part each part belongs once none is too small that has a neighbour.

    Ways between two parts, shape (W, 2), are walked from the widest on. One round is enough: what
    stays small has found all its ways closed. Sizes leave out the gaps, so that merged parts are
    at least as large as their sum.
    """
    area = sizes.tolist()
    root = list(range(len(area)))

    def find(part: int) -> int:
        while root[part] != part:
            root[part] = root[root[part]]
            part = root[part]
        return part

    keys = ways[:, 0].astype(np.int64) * len(area) + ways[:, 1]
    first = np.sort(np.unique(keys, return_index=True)[1])
    for pair in ways[first].tolist():
        one, other = find(pair[0]), find(pair[1])
        if one != other and min(area[one], area[other]) < smallest:
            root[other] = one
            area[one] += area[other]
    return np.array([find(part) for part in range(len(area))])
