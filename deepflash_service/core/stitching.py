"""Label images of masks that come in bands of rows, joined exactly across the borders.

Each band is labelled alone; ROIs that touch across a border are one. Labels are numbered by the
first pixel of the ROI in reading order, as ``labels.label_components`` does for the whole mask, so
the result does not depend on the bands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.labels import label_components
from deepflash_service.errors import ComputeError

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.records import LabelImage, Mask

    Integers = npt.NDArray[Any]

MOST_PARTS = 20_000_000
"""Parts of ROIs that are kept in memory while an image is walked through; 12 bytes each."""


@dataclass(frozen=True, slots=True)
class StitchedBands:
    """The final label of every part of every band.

    Attributes
    ----------
    count : int
        Number of ROIs, which are labelled 1 to ``count``.
    """

    count: int
    _numbers: Integers
    _starts: tuple[int, ...]
    _min_roi_size: int

    def label_band(self, index: int, mask: Mask) -> LabelImage:
        """Return the final labels of a band.

        Parameters
        ----------
        index : int
            Which band, from 0.
        mask : ndarray of shape (R, N), bool
            The same mask that was added as this band.

        Returns
        -------
        ndarray of shape (R, N), int32
        """
        parts, _ = _label_parts(
            mask,
            min_roi_size=self._min_roi_size,
            is_first=index == 0,
            is_last=index == len(self._starts) - 2,
        )
        first, stop = self._starts[index : index + 2]
        own = np.concatenate([np.zeros(1, dtype=np.int32), self._numbers[first:stop]])
        return np.asarray(own[parts])


@dataclass(slots=True)
class BandStitcher:
    """Collects the bands of a mask from top to bottom.

    Attributes
    ----------
    min_roi_size : int
        Smallest area in pixels that stays.
    bands : int
        How many bands there will be.
    """

    min_roi_size: int
    bands: int
    _starts: list[int] = field(default_factory=lambda: [0])
    _sizes: list[Integers] = field(default_factory=list)
    _pairs: list[Integers] = field(default_factory=list)
    _bottom: Integers | None = None

    def add_band(self, mask: Mask) -> None:
        """Add the next band.

        Parameters
        ----------
        mask : ndarray of shape (R, N), bool
            Its foreground; at least one row.

        Raises
        ------
        ComputeError
            Code ``too_many_rois``, before the memory is full.
        """
        index = len(self._starts) - 1
        parts, sizes = _label_parts(
            mask,
            min_roi_size=self.min_roi_size,
            is_first=index == 0,
            is_last=index == self.bands - 1,
        )
        start = self._starts[-1]
        if start + sizes.size > MOST_PARTS:
            raise refuse_noise(start + sizes.size, MOST_PARTS)
        if self._bottom is not None:
            top = np.where(parts[0] > 0, parts[0].astype(np.int64) + start, 0)
            self._pairs.append(_find_neighbours(self._bottom, top))
        last = parts[-1].astype(np.int64)
        self._bottom = np.where(last > 0, last + start, 0)
        self._starts.append(start + sizes.size)
        self._sizes.append(sizes)

    def finish(self) -> StitchedBands:
        """Join the parts and number the ROIs that are large enough.

        Returns
        -------
        StitchedBands
        """
        sizes = np.concatenate(self._sizes) if self._sizes else np.zeros(0, dtype=np.int64)
        pairs = np.concatenate(self._pairs) if self._pairs else np.zeros((0, 2), dtype=np.int64)
        roots = _find_roots(sizes.size, pairs - 1)
        areas = np.zeros(sizes.size, dtype=np.int64)
        np.add.at(areas, roots, sizes)
        is_kept = (areas >= max(self.min_roi_size, 1)) & (roots == np.arange(sizes.size))
        numbers = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.int32)
        return StitchedBands(
            count=int(is_kept.sum()),
            _numbers=numbers[roots],
            _starts=tuple(self._starts),
            _min_roi_size=self.min_roi_size,
        )


def refuse_noise(found: int, limit: int) -> ComputeError:
    """Return the error for more ROIs than can be kept in memory.

    Parameters
    ----------
    found, limit : int
        How many there are at least, and how many can be kept.

    Returns
    -------
    ComputeError
        Code ``too_many_rois``.
    """
    return ComputeError(
        f"The image holds more than {limit:,} ROIs, which most likely are noise. Raise the "
        "threshold or the minimum ROI size, or use another model.",
        code="too_many_rois",
        details={"found": found, "limit": limit},
    )


def _label_parts(
    mask: Mask, *, min_roi_size: int, is_first: bool, is_last: bool
) -> tuple[LabelImage, Integers]:
    """Label a band and leave out parts that are too small and cannot grow in other bands."""
    parts = label_components(mask)
    sizes = np.bincount(parts.ravel())
    keep = sizes >= min_roi_size
    if not is_first:
        keep[parts[0]] = True
    if not is_last:
        keep[parts[-1]] = True
    keep[:1] = False
    if not keep[1:].all():
        parts = np.where(keep, np.cumsum(keep), 0).astype(np.int32)[parts]
    return parts, sizes[keep]


def _find_neighbours(bottom: Integers, top: Integers) -> Integers:
    """Return the pairs of labels that touch, also at a corner, across the border of two bands."""
    found = []
    for above, below in ((bottom, top), (bottom[1:], top[:-1]), (bottom[:-1], top[1:])):
        touching = (above > 0) & (below > 0)
        found.append(np.stack([above[touching], below[touching]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _find_roots(count: int, pairs: Integers) -> Integers:
    """Return for every part the first part of its ROI."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    roots = np.arange(count)
    if not pairs.size:
        return roots
    # only parts at borders take part, so that the graph stays small
    own, ends = np.unique(pairs, return_inverse=True)
    ends = ends.reshape(-1, 2)
    ones = np.ones(len(ends), dtype=bool)
    graph = coo_array((ones, (ends[:, 0], ends[:, 1])), shape=(own.size, own.size))
    _, groups = connected_components(graph, directed=False)
    _, first = np.unique(groups, return_index=True)
    roots[own] = own[first[groups]]
    return roots
