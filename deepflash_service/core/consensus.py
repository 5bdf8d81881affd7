"""Consensus masks: one truth from the annotations of several experts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.object_votes import agree_on_objects
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
_PAIR = 2
_LARGE, _SMALL = 2.0, 0.5


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
    """Return the pixels, shape (M, N), that any of R masks holds; errors as in `majority`.

    Parameters
    ----------
    masks : sequence of R arrays of shape (M, N), or array of shape (R, M, N)

    Returns
    -------
    ndarray of shape (M, N), bool
    """
    return np.asarray(np.any(stack_masks(masks), axis=0))


def intersection(masks: Masks) -> Mask:
    """Return the pixels, shape (M, N), that all of R masks hold; errors as in `majority`.

    Parameters
    ----------
    masks : sequence of R arrays of shape (M, N), or array of shape (R, M, N)

    Returns
    -------
    ndarray of shape (M, N), bool
    """
    return np.asarray(np.all(stack_masks(masks), axis=0))


def choose_method(method: ConsensusMethod, experts: int) -> ConsensusMethod:
    """Return what ``auto`` stands for: STAPLE from four experts, majority below.

    Parameters
    ----------
    method : consensus method
    experts : int
        Number of experts.

    Returns
    -------
    consensus method
        Never ``auto``.
    """
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
    if len(planes) == _PAIR:
        return (
            f"Of two experts only what both marked counts ({tied} pixels were marked by one): "
            "choose union or each if that is not meant, or let a third expert annotate.",
        )
    return (f"{tied} pixels have as many votes for as against; they count as background.",)
