"""Which ROIs of two label images are the same object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.overlaps import Overlap, overlap_rois, read_labels
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.records import LabelImage

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_NEVER_AMBIGUOUS = 0.5


@dataclass(frozen=True, slots=True)
class RoiMatch:
    """One-to-one match of predicted with expected ROIs.

    ``pairs`` (K, 2) holds the labels (predicted, expected), ``ious`` (K,) their IoU.
    """

    pairs: Integers
    ious: Floats
    predicted: int
    expected: int

    @property
    def matched(self) -> int:
        """Number of matched pairs, TP."""
        return int(self.ious.size)

    @property
    def precision(self) -> float:
        """TP / (TP + FP); 1 if there is nothing on both sides, 0 if only nothing predicted."""
        return divide_or(self.matched, self.predicted, empty=not self.expected)

    @property
    def recall(self) -> float:
        """TP / (TP + FN); 1 if there is nothing on both sides, 0 if only nothing expected."""
        return divide_or(self.matched, self.expected, empty=not self.predicted)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); 1 if both sides are empty."""
        return divide_or(2 * self.matched, self.predicted + self.expected, empty=True)

    @property
    def roi_jaccard(self) -> float:
        """TP / (TP + FP + FN); 1 if both sides are empty."""
        return divide_or(self.matched, self.predicted + self.expected - self.matched, empty=True)


def match_rois(a: npt.ArrayLike, b: npt.ArrayLike, *, iou: float = 0.5) -> RoiMatch:
    """Match the ROIs of a prediction ``a`` one to one with those of a truth ``b``.

    Parameters
    ----------
    a, b : arrays of shape (M, N)
        Masks (two values, 0 and another, of any type), which are split into their 8-connected
        components, or label images (more values), which keep their labels.
    iou : float
        Smallest intersection over union of a match, above 0 and at most 1.

    Returns
    -------
    RoiMatch
        The largest number of pairs, and among those the largest sum of IoU (global optimum).

    Raises
    ------
    InputError
        Code ``shape_mismatch``, or ``iou`` out of range.

    Notes
    -----
    Above an IoU of 0.5 an ROI has at most one partner. At or below, the assignment problem is
    solved (Hungarian method) in each group of competing ROIs.
    """
    return match_labels(read_labels(a), read_labels(b), iou=iou)


def match_labels(a: LabelImage, b: LabelImage, *, iou: float = 0.5) -> RoiMatch:
    """Match the ROIs of two label images, taken as they are; see :func:`match_rois`.

    Parameters
    ----------
    a, b : ndarrays of shape (M, N), int32
        Prediction and truth.
    iou : float
        Smallest intersection over union of a match.

    Returns
    -------
    RoiMatch

    Raises
    ------
    InputError
        Code ``shape_mismatch``, or ``iou`` out of range.
    """
    if not 0 < iou <= 1:
        raise InputError(f"The IoU of a match lies between 0 and 1, not at {iou}.")
    overlap = overlap_rois(a, b)
    kept = np.flatnonzero(overlap.ious >= iou)
    if iou <= _NEVER_AMBIGUOUS:
        kept = _choose_pairs(overlap, kept)
    return RoiMatch(
        np.stack([overlap.first[kept], overlap.second[kept]], axis=1),
        overlap.ious[kept],
        overlap.first_count,
        overlap.second_count,
    )


def divide_or(part: float, whole: float, *, empty: bool) -> float:
    """Return ``part / whole``; of nothing, 1 or 0 as ``empty`` says.

    Parameters
    ----------
    part, whole : float
    empty : bool
        The value, 0 or 1, where ``whole`` is 0.

    Returns
    -------
    float
    """
    return part / whole if whole else float(empty)


def _choose_pairs(overlap: Overlap, similar: Integers) -> Integers:
    """Return the indices of the similar pairs that make the best one-to-one assignment."""
    first, second = overlap.first[similar], overlap.second[similar]
    rivals = (np.bincount(first)[first] > 1) | (np.bincount(second)[second] > 1)
    contested = similar[rivals]
    if not contested.size:
        return similar
    chosen = [_assign(overlap, group) for group in _find_groups(overlap, contested)]
    return np.sort(np.concatenate([similar[~rivals], *chosen]))


def _find_groups(overlap: Overlap, contested: Integers) -> list[Integers]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = overlap.first[contested], overlap.second[contested]
    offset = int(first.max()) + 1
    nodes = offset + int(second.max()) + 1
    graph = coo_array((np.ones(first.size), (first, second + offset)), shape=(nodes, nodes))
    _, numbers = connected_components(graph, directed=False)
    owners = numbers[first]
    order = np.argsort(owners, kind="stable")
    return np.split(contested[order], np.flatnonzero(np.diff(owners[order])) + 1)


def _assign(overlap: Overlap, group: Integers) -> Integers:
    from scipy.optimize import linear_sum_assignment

    rows_of, rows = np.unique(overlap.first[group], return_inverse=True)
    columns_of, columns = np.unique(overlap.second[group], return_inverse=True)
    gains = np.zeros((rows_of.size, columns_of.size))
    index = np.full(gains.shape, -1)
    # One pair more outweighs any sum of IoU.
    gains[rows, columns] = overlap.ious[group] + min(gains.shape) + 1
    index[rows, columns] = group
    picked = index[linear_sum_assignment(gains, maximize=True)]
    return np.asarray(picked[picked >= 0])
