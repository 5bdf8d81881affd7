"""STAPLE: what several raters agree on, weighing each by how reliable it turns out to be.

Warfield, Zou, Wells, "Simultaneous truth and performance level estimation (STAPLE)", IEEE
Transactions on Medical Imaging 23 (2004). Pixels with the same votes are treated alike, so the
estimation runs on the at most 2^R vote patterns of R raters instead of on pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.labels import find_foreground
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from deepflash_service.records import Mask, ProbabilityMap

    Floats = npt.NDArray[np.float64]

_START = 0.99999
_TOLERANCE = 1e-7
_MOST_ROUNDS = 10_000
_MOST_RATERS = 62
_FEW_RATERS = 16
_SMALLEST = 1e-300


@dataclass(frozen=True, slots=True)
class StapleResult:
    """Outcome of STAPLE for one image.

    ``probability`` (float32) and ``mask`` have shape (M, N); ``sensitivity`` and ``specificity``
    hold one number for each rater, in the order given.
    """

    probability: ProbabilityMap
    mask: Mask
    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]


def estimate_staple(masks: Sequence[npt.ArrayLike] | npt.NDArray[np.generic]) -> StapleResult:
    """Estimate the hidden truth behind the masks of several raters.

    Parameters
    ----------
    masks : sequence of R arrays of shape (M, N), or array of shape (R, M, N)
        Masks, label images or probability maps; 1 to 62 raters.

    Returns
    -------
    StapleResult
        Foreground is where the probability is at least 0.5.

    Raises
    ------
    InputError
        No mask, too many, or masks of different shapes.

    Notes
    -----
    Sensitivity and specificity start at 0.99999, the prior is the mean foreground of all raters,
    rounds end when no number changes by more than 1e-7: the settings that reproduce the consensus
    published with Segebarth et al., eLife 9:e59780 (2020).
    """
    planes = stack_masks(masks)
    if len(planes) > _MOST_RATERS:
        raise InputError(f"STAPLE takes at most {_MOST_RATERS} experts, not {len(planes)}.")
    # One order for all callers, so that rounding cannot make the result depend on theirs.
    order = sorted(range(len(planes)), key=lambda rater: np.packbits(planes[rater]).tobytes())
    codes, votes, counts = _count_patterns([planes[rater] for rater in order])
    weights, sensitivity, specificity = _maximise(votes, counts)
    ranks = np.argsort(order)
    return StapleResult(
        probability=weights.astype(np.float32)[codes],
        mask=(weights >= 0.5)[codes],
        sensitivity=tuple(sensitivity[ranks].tolist()),
        specificity=tuple(specificity[ranks].tolist()),
    )


def stack_masks(masks: Sequence[npt.ArrayLike] | npt.NDArray[np.generic]) -> list[Mask]:
    """Return the foregrounds of several masks after checking that they fit together.

    Parameters
    ----------
    masks : sequence of R arrays of shape (M, N), or array of shape (R, M, N)

    Returns
    -------
    list of R ndarrays of shape (M, N), bool

    Raises
    ------
    InputError
        No mask (``invalid_input``), or masks of different shapes (``shape_mismatch``).
    """
    planes = [find_foreground(mask) for mask in masks]
    if not planes:
        raise InputError("A consensus needs the mask of at least one expert.")
    shapes = sorted({plane.shape for plane in planes})
    if len(shapes) > 1:
        raise InputError(
            f"Masks of one image have different sizes: {shapes[0]} and {shapes[1]} (rows, "
            "columns). Export them again from the same image.",
            code="shape_mismatch",
        )
    return planes


def _count_patterns(planes: list[Mask]) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Return the pattern number of each pixel, the votes (K, R) and pixels (K,) of each."""
    raters = np.arange(len(planes))
    codes = np.zeros(planes[0].shape, dtype=np.uint16 if len(planes) <= _FEW_RATERS else np.int64)
    for rater, plane in enumerate(planes):
        codes |= plane.astype(codes.dtype) << codes.dtype.type(rater)
    if len(planes) <= _FEW_RATERS:
        counts = np.bincount(codes.ravel(), minlength=2 ** len(planes))
        patterns = np.arange(2 ** len(planes))
    else:
        patterns, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
        codes = inverse.reshape(codes.shape)
    votes = (patterns[:, np.newaxis] >> raters) & 1
    return codes, votes.astype(np.float64), counts.astype(np.float64)


def _maximise(votes: Floats, counts: Floats) -> tuple[Floats, Floats, Floats]:
    """Alternate between the weight of each pattern and the reliability of each rater."""
    raters = votes.shape[1]
    sensitivity = np.full(raters, _START)
    specificity = np.full(raters, _START)
    total = max(counts.sum(), 1.0)
    prior = float(counts @ votes.mean(axis=1)) / total
    weights = np.full(votes.shape[0], prior)
    for _ in range(_MOST_ROUNDS):
        weights = _weigh(votes, prior, sensitivity=sensitivity, specificity=specificity)
        before = np.concatenate([sensitivity, specificity])
        inside, outside = counts * weights, counts * (1 - weights)
        sensitivity = _divide(inside @ votes, inside.sum())
        specificity = _divide(outside @ (1 - votes), outside.sum())
        if np.abs(np.concatenate([sensitivity, specificity]) - before).max() < _TOLERANCE:
            break
    return weights, sensitivity, specificity


def _weigh(votes: Floats, prior: float, *, sensitivity: Floats, specificity: Floats) -> Floats:
    """Return the probability of each vote pattern to be foreground."""
    if prior in {0.0, 1.0}:
        return np.full(votes.shape[0], prior)
    present = votes @ _log(sensitivity) + (1 - votes) @ _log(1 - sensitivity) + np.log(prior)
    absent = votes @ _log(1 - specificity) + (1 - votes) @ _log(specificity) + np.log1p(-prior)
    return np.asarray(1 / (1 + np.exp(np.clip(absent - present, -700, 700))))


def _log(values: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(values, _SMALLEST)))


def _divide(parts: Floats, whole: float) -> Floats:
    return parts / whole if whole > 0 else np.ones_like(parts)
