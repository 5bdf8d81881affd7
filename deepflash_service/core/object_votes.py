"""Consensus by whole ROIs: a vote on objects first, on their pixels second."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.overlaps import keep_labels, overlap_rois
from deepflash_service.core.staple import stack_masks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from deepflash_service.records import LabelImage

_OBJECT_IOU = 0.5


def agree_on_objects(masks: Sequence[npt.ArrayLike] | npt.NDArray[np.generic]) -> LabelImage:
    """Vote on whole ROIs, then on their pixels, so that neighbouring cells stay apart.

    ROIs of different experts belong together when their IoU is at least 0.5. A group stays if at
    least half of the experts take part; its pixels are those that more than half of the experts in
    it hold.

    Parameters
    ----------
    masks : sequence of R arrays of shape (M, N), or array of shape (R, M, N)
        Masks or label images.

    Returns
    -------
    ndarray of shape (M, N), int32
        Label image.

    Raises
    ------
    InputError
        No mask, or masks of different shapes.
    """
    shape = stack_masks(masks)[0].shape
    # One order for all callers, so that ties cannot make the result depend on theirs.
    planes = sorted(
        (keep_labels(mask).ravel() for mask in masks), key=lambda plane: plane.tobytes()
    )
    size = planes[0].size
    groups, members = _group_objects([plane.reshape(shape) for plane in planes])
    keys, votes = np.unique(
        np.concatenate(
            [_key_pixels(plane, group) for plane, group in zip(planes, groups, strict=True)]
        ),
        return_counts=True,
    )
    owners, pixels = np.divmod(keys, max(size, 1))
    won = (2 * votes > members[owners]) & (2 * members[owners] >= len(planes))
    owners, pixels, votes = owners[won], pixels[won], votes[won]
    order = np.lexsort((votes, members[owners]))
    labels = np.zeros(size, dtype=np.int64)
    labels[pixels[order]] = owners[order] + 1
    return _renumber(labels).reshape(shape)


def _group_objects(
    planes: list[LabelImage],
) -> tuple[list[npt.NDArray[np.int64]], npt.NDArray[np.int64]]:
    """Group the ROIs of all experts; return the group of each ROI, and experts per group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    counts = [int(plane.max(initial=0)) for plane in planes]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    begin, end = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for i, first in enumerate(planes):
        for j, second in enumerate(planes[:i]):
            overlap = overlap_rois(first, second)
            similar = overlap.ious >= _OBJECT_IOU
            begin.append(overlap.first[similar] - 1 + offsets[i])
            end.append(overlap.second[similar] - 1 + offsets[j])
    nodes = int(offsets[-1])
    pairs = (np.concatenate(begin), np.concatenate(end))
    graph = coo_array((np.ones(pairs[0].size), pairs), shape=(nodes, nodes))
    total, found = connected_components(graph, directed=False)
    groups = np.asarray(found, dtype=np.int64)
    parts = [groups[low:high] for low, high in pairwise(offsets.tolist())]
    members = np.zeros(total, dtype=np.int64)
    for part in parts:
        members[np.unique(part)] += 1
    return parts, members


def _key_pixels(plane: LabelImage, groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    pixels = np.flatnonzero(plane)
    return groups[plane[pixels] - 1] * plane.size + pixels


def _renumber(labels: npt.NDArray[np.int64]) -> LabelImage:
    """Renumber labels in raster order, so that the order of the experts leaves no trace."""
    pixels = np.flatnonzero(labels)
    _, first, inverse = np.unique(labels[pixels], return_index=True, return_inverse=True)
    ranks = np.argsort(np.argsort(first)) + 1
    numbers = np.zeros(labels.size, dtype=np.int32)
    numbers[pixels] = ranks[inverse]
    return numbers
