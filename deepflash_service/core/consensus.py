"""Consensus masks: one truth from the annotations of several experts."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.matching import overlap_rois, read_labels
from deepflash_service.core.staple import StapleResult, estimate_staple, stack_masks
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from deepflash_service.records import ConsensusMethod, LabelImage, Mask

    Masks = Sequence[npt.ArrayLike] | npt.NDArray[np.generic]

__all__ = [
    "Consensus",
    "StapleResult",
    "agree_on_objects",
    "build_consensus",
    "choose_method",
    "estimate_staple",
    "intersection",
    "majority",
    "staple",
    "union",
]

_STAPLE_FROM = 4
_LOW_SENSITIVITY = 0.1
_LARGE, _SMALL = 2.0, 0.5
_OBJECT_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Consensus:
    """Consensus of the experts on one image.

    ``mask`` has shape (M, N); ``labels`` keeps touching ROIs apart where the method does (method
    ``objects``). ``sensitivity`` and ``specificity`` of each expert come from STAPLE.
    """

    mask: Mask
    method: ConsensusMethod
    sensitivity: dict[str, float] = field(default_factory=dict)
    specificity: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    labels: LabelImage | None = None


def staple(masks: Masks) -> Mask:
    """Return the STAPLE consensus of R masks; see :func:`estimate_staple`.

    Parameters
    ----------
    masks : sequence of R arrays of shape (M, N), or array of shape (R, M, N)

    Returns
    -------
    ndarray of shape (M, N), bool
    """
    return estimate_staple(masks).mask


def majority(masks: Masks) -> Mask:
    """Return the pixels that more than half of R masks hold; a tie is background.

    Parameters
    ----------
    masks : sequence of R arrays of shape (M, N), or array of shape (R, M, N)

    Returns
    -------
    ndarray of shape (M, N), bool

    Raises
    ------
    InputError
        No mask, or masks of different shapes.
    """
    planes = stack_masks(masks)
    return np.asarray(2 * np.sum(planes, axis=0, dtype=np.int32) > len(planes))


def union(masks: Masks) -> Mask:
    """Return the pixels, shape (M, N), that any of R masks holds; errors as in `majority`."""
    return np.asarray(np.any(stack_masks(masks), axis=0))


def intersection(masks: Masks) -> Mask:
    """Return the pixels, shape (M, N), that all of R masks hold; errors as in `majority`."""
    return np.asarray(np.all(stack_masks(masks), axis=0))


def agree_on_objects(masks: Masks) -> LabelImage:
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
        (read_labels(mask).ravel() for mask in masks), key=lambda plane: plane.tobytes()
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


def choose_method(method: ConsensusMethod, experts: int) -> ConsensusMethod:
    """Return what ``auto`` stands for: STAPLE from four experts, majority below."""
    if method != "auto":
        return method
    return "staple" if experts >= _STAPLE_FROM else "majority"


def build_consensus(
    masks: Mapping[str, npt.ArrayLike], *, method: ConsensusMethod = "auto"
) -> Consensus:
    """Build the consensus of the named experts on one image.

    Parameters
    ----------
    masks : mapping from expert to array of shape (M, N)
        Masks or label images.
    method : {"auto", "staple", "majority", "union", "intersection", "objects"}
        ``auto`` is STAPLE from four experts and majority below.

    Returns
    -------
    Consensus
        With a warning where STAPLE is known to mislead, or where votes are tied; warnings never
        change the result.

    Raises
    ------
    InputError
        No mask, masks of different shapes, or a method that makes no consensus (``each``).
    """
    planes = list(masks.values())
    chosen = choose_method(method, len(planes))
    if chosen == "staple":
        return _build_staple(list(masks), planes)
    if chosen == "majority":
        return Consensus(majority(planes), chosen, warnings=_warn_of_ties(planes))
    if chosen == "union":
        return Consensus(union(planes), chosen)
    if chosen == "intersection":
        return Consensus(intersection(planes), chosen)
    if chosen == "objects":
        labels = agree_on_objects(planes)
        return Consensus(labels > 0, chosen, labels=labels)
    raise InputError(
        f"Method {method!r} makes no consensus. Choose auto, staple, majority, union, "
        "intersection or objects."
    )


def _build_staple(experts: list[str], planes: list[npt.ArrayLike]) -> Consensus:
    result = estimate_staple(planes)
    warnings = []
    area, usual = int(result.mask.sum()), int(majority(planes).sum())
    if not _SMALL * usual <= area <= _LARGE * usual:
        warnings.append(
            f"STAPLE marks {area} pixels, a majority vote {usual}: look at this consensus before "
            "you use it, or choose the majority."
        )
    warnings.extend(
        f"STAPLE gives {expert} a sensitivity of only {sensitivity:.2f}: look at this expert's "
        "masks."
        for expert, sensitivity in zip(experts, result.sensitivity, strict=True)
        if sensitivity < _LOW_SENSITIVITY
    )
    return Consensus(
        result.mask,
        "staple",
        sensitivity=dict(zip(experts, result.sensitivity, strict=True)),
        specificity=dict(zip(experts, result.specificity, strict=True)),
        warnings=tuple(warnings),
    )


def _warn_of_ties(planes: list[npt.ArrayLike]) -> tuple[str, ...]:
    votes = np.sum(stack_masks(planes), axis=0, dtype=np.int32)
    tied = int(np.count_nonzero(2 * votes == len(planes)))
    if not tied:
        return ()
    return (f"{tied} pixels have as many votes for as against; they count as background.",)


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
