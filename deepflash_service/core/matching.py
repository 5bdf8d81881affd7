"""Which ROIs of two label images are the same object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.labels import check_plane, is_mask, label_rois, number_labels
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.records import LabelImage

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_DENSE_TABLE = 4_000_000
_NEVER_AMBIGUOUS = 0.5


@dataclass(frozen=True, slots=True)
class Overlap:
    """All pairs of ROIs that share a pixel.

    ``first`` and ``second`` are the labels of a pair, ``ious`` their intersection over union.
    ``first_count`` and ``second_count`` are the numbers of ROIs in each label image.
    """

    first: Integers
    second: Integers
    ious: Floats
    first_count: int
    second_count: int


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
        Label images (int32, or integers of more than two values), which keep their labels, or
        masks, which are split into their 8-connected components.
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


def overlap_rois(first: LabelImage, second: LabelImage) -> Overlap:
    """Find all pairs of ROIs of two label images (M, N) that share a pixel.

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    check_same_shape(first, second)
    first_sizes, second_sizes = np.bincount(first.ravel()), np.bincount(second.ravel())
    both = np.flatnonzero((first != 0).ravel() & (second != 0).ravel())
    stride = second_sizes.size
    codes = first.ravel()[both].astype(np.int64) * stride + second.ravel()[both]
    if first_sizes.size * stride <= _DENSE_TABLE:
        table = np.bincount(codes)
        present = np.flatnonzero(table)
        shared = table[present]
    else:
        present, shared = np.unique(codes, return_counts=True)
    a, b = np.divmod(present, max(stride, 1))
    return Overlap(
        a,
        b,
        shared / (first_sizes[a] + second_sizes[b] - shared),
        int(np.count_nonzero(first_sizes[1:])),
        int(np.count_nonzero(second_sizes[1:])),
    )


def read_labels(array: npt.ArrayLike) -> LabelImage:
    """Return a label image with its own labels, or the numbered ROIs of a mask.

    An int32 array is a label image, taken as it is even if it has two values: an ROI may have
    several parts. Two values of any other integer type are a mask.
    """
    values = check_plane(array)
    if values.dtype != np.int32 and (values.dtype.kind == "f" or is_mask(values)):
        return label_rois(values)
    return number_labels(values)


def count_rois(labels: LabelImage) -> int:
    """Return the number of different labels above 0 in a label image (M, N)."""
    return int(np.count_nonzero(np.bincount(labels.ravel())[1:]))


def check_same_shape(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> None:
    """Refuse arrays of different shapes.

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    if first.shape != second.shape:
        raise InputError(
            f"The two masks have different sizes, {first.shape} and {second.shape} (rows, "
            "columns). Compare masks of the same image.",
            code="shape_mismatch",
        )


def divide_or(part: float, whole: float, *, empty: bool) -> float:
    """Return ``part / whole``; of nothing, 1 or 0 as ``empty`` says."""
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
