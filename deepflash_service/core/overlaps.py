"""Which ROIs of two label images share pixels."""

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


def overlap_rois(first: LabelImage, second: LabelImage) -> Overlap:
    """Find all pairs of ROIs of two label images (M, N) that share a pixel.

    Parameters
    ----------
    first, second : ndarrays of shape (M, N), int32
        Label images.

    Returns
    -------
    Overlap

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

    Two values, 0 and another, are a mask whatever the type, as in files.

    Parameters
    ----------
    array : array of shape (M, N)

    Returns
    -------
    ndarray of shape (M, N), int32
        Label image.
    """
    values = check_plane(array)
    if values.dtype.kind == "f" or is_mask(values):
        return label_rois(values)
    return number_labels(values)


def keep_labels(array: npt.ArrayLike) -> LabelImage:
    """Return ROIs as `read_labels` does, but take every int32 array, our label images, as it is.

    One ROI of several parts stays one, even where it is the only one.

    Parameters
    ----------
    array : array of shape (M, N)

    Returns
    -------
    ndarray of shape (M, N), int32
        Label image.
    """
    values = check_plane(array)
    return number_labels(values) if values.dtype == np.int32 else read_labels(values)


def count_rois(labels: LabelImage) -> int:
    """Return the number of different labels above 0 in a label image (M, N).

    Parameters
    ----------
    labels : ndarray of shape (M, N), int32

    Returns
    -------
    int
    """
    return int(np.count_nonzero(np.bincount(labels.ravel())[1:]))


def check_same_shape(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> None:
    """Refuse arrays of different shapes.

    Parameters
    ----------
    first, second : ndarrays

    Returns
    -------
    None
        If they fit.

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
