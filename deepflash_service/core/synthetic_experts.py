"""Simulated experts, who differ as real ones do.

Experts see the same field and mark different things: one draws wide, one misses dim nuclei, one
marks out-of-focus nuclei and debris, all have an unsteady hand. Their measure of disagreement
follows the published expert masks of the DeepFLaSH study (pairs agree at F1 of about 0.6 to 0.7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from deepflash_service.records import LabelImage


@dataclass(frozen=True, slots=True)
class ExpertHabits:
    """How an expert draws.

    Attributes
    ----------
    size_bias : float
        Pixels by which outlines lie outside (positive) or inside (negative) the true edge.
    visibility : float
        Contrast, in units of the photon noise, at which half of the nuclei are noticed.
    lapse : float
        Fraction of nuclei missed whatever their contrast.
    false_marks : float
        Fraction of out-of-focus nuclei and debris that is marked as well.
    jitter : float
        Unsteadiness of the outline, in pixels.
    merging : float
        Fraction of touching pairs drawn as one ROI.
    """

    size_bias: float
    visibility: float
    lapse: float
    false_marks: float
    jitter: float
    merging: float


_KNOWN_HABITS = (
    ExpertHabits(0.1, 2.7, 0.04, 0.08, 0.7, 0.2),
    ExpertHabits(1.0, 2.3, 0.03, 0.18, 0.9, 0.6),
    ExpertHabits(-0.9, 4.1, 0.05, 0.03, 0.6, 0.0),
    ExpertHabits(0.5, 3.1, 0.08, 0.24, 1.2, 0.4),
    ExpertHabits(-0.4, 3.6, 0.04, 0.12, 0.8, 0.3),
)


def choose_habits(experts: int, seed: int) -> dict[str, ExpertHabits]:
    """Return the habits of the simulated experts; from the sixth on they are drawn by `seed`.

    Parameters
    ----------
    experts : int
        Number of experts.
    seed : int
        Same seed, same habits.

    Returns
    -------
    dict of str to ExpertHabits
        Habits of ``expert_1`` to ``expert_K``.
    """
    rng = np.random.default_rng([seed, experts])
    habits = list(_KNOWN_HABITS[:experts])
    while len(habits) < experts:
        habits.append(
            ExpertHabits(
                size_bias=float(rng.uniform(-0.9, 1.3)),
                visibility=float(rng.uniform(2.2, 3.9)),
                lapse=float(rng.uniform(0.02, 0.08)),
                false_marks=float(rng.uniform(0.03, 0.3)),
                jitter=float(rng.uniform(0.6, 1.2)),
                merging=float(rng.uniform(0.0, 0.6)),
            )
        )
    return {f"expert_{number}": habit for number, habit in enumerate(habits, start=1)}


def simulate_expert(
    labels: LabelImage,
    contrast: npt.NDArray[np.float64],
    distractors: LabelImage,
    *,
    habits: ExpertHabits,
    rng: np.random.Generator,
) -> LabelImage:
    """Annotate a field as one expert would.

    Parameters
    ----------
    labels : LabelImage, shape (M, N)
        The truth, nuclei 1 to K.
    contrast : ndarray of float, shape (K,)
        Contrast of each nucleus, in units of the photon noise.
    distractors : LabelImage, shape (M, N)
        What might be marked by mistake.
    habits : ExpertHabits
        How this expert draws.
    rng : numpy.random.Generator
        Source of all randomness.

    Returns
    -------
    LabelImage, shape (M, N)
        The expert's ROIs, 1 to L.

    Raises
    ------
    InputError
        Code ``invalid_options``: the number of contrasts is not the number of nuclei.
    """
    if len(contrast) != int(labels.max()):
        raise InputError(
            f"{len(contrast)} contrasts do not fit {int(labels.max())} nuclei. Give one for each.",
            code="invalid_options",
        )
    seen = _notice(contrast, habits, rng)
    numbers = np.zeros(len(contrast) + 1, np.int32)
    numbers[1:][seen] = np.arange(1, int(seen.sum()) + 1)
    marked = _merge_touching(numbers[labels], habits, rng)
    marked = _add_false_marks(marked, distractors, habits=habits, rng=rng)
    return _draw_outlines(marked, habits, rng)


def _notice(
    contrast: npt.NDArray[np.float64], habits: ExpertHabits, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    chance = (1.0 - habits.lapse) / (1.0 + np.exp(-(contrast - habits.visibility) / 0.45))
    return np.asarray(rng.uniform(size=len(contrast)) < chance)


def _merge_touching(
    labels: LabelImage, habits: ExpertHabits, rng: np.random.Generator
) -> LabelImage:
    numbers = np.arange(int(labels.max()) + 1, dtype=np.int32)
    for first, second in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        touching = (first != second) & (first > 0) & (second > 0)
        pairs = {(int(a), int(b)) for a, b in zip(first[touching], second[touching], strict=True)}
        for high, low in sorted({(max(pair), min(pair)) for pair in pairs}):
            if rng.uniform() < habits.merging:
                numbers[high] = numbers[low]
    return numbers[labels]


def _add_false_marks(
    labels: LabelImage,
    distractors: LabelImage,
    *,
    habits: ExpertHabits,
    rng: np.random.Generator,
) -> LabelImage:
    count = int(distractors.max())
    chosen = np.flatnonzero(rng.uniform(size=count) < habits.false_marks) + 1
    numbers = np.zeros(count + 1, np.int32)
    numbers[chosen] = int(labels.max()) + np.arange(1, len(chosen) + 1)
    return np.where(labels > 0, labels, numbers[distractors])


def _draw_outlines(
    labels: LabelImage, habits: ExpertHabits, rng: np.random.Generator
) -> LabelImage:
    """Move every outline by size bias and an unsteady hand; drop what vanishes, renumber."""
    outside, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    inside = _measure_depth(labels)
    edge = np.where(labels > 0, -inside + 0.5, outside - 0.5)
    shake = ndimage.gaussian_filter(rng.normal(size=labels.shape), 3.0, mode="wrap")
    shake *= habits.jitter / max(float(shake.std()), 1e-12)
    owners = labels[nearest[0], nearest[1]]
    drawn = np.where(edge < habits.size_bias + shake, owners, 0)
    return _keep_largest_parts(drawn)


def _measure_depth(labels: LabelImage) -> npt.NDArray[np.float64]:
    """Distance of each pixel of a ROI to the nearest pixel that is not of this ROI."""
    padded = np.pad(labels, 1, mode="edge")
    border = np.zeros(padded.shape, bool)
    border[:-1] |= padded[:-1] != padded[1:]
    border[:, :-1] |= padded[:, :-1] != padded[:, 1:]
    border[1:] |= (padded[:-1] != padded[1:]) & (padded[1:] > 0)
    border[:, 1:] |= (padded[:, :-1] != padded[:, 1:]) & (padded[:, 1:] > 0)
    depth = ndimage.distance_transform_edt(~border) + 1.0
    return np.asarray(depth[1:-1, 1:-1])


def _keep_largest_parts(labels: LabelImage) -> LabelImage:
    """Keep the largest part of each ROI, of at least 8 pixels, and number them from 1."""
    result = np.zeros(labels.shape, np.int32)
    number = 0
    for label, window in enumerate(ndimage.find_objects(labels), start=1):
        if window is None:
            continue
        parts, count = ndimage.label(labels[window] == label, np.ones((3, 3)))
        if not count:
            continue
        sizes = np.bincount(parts.ravel())[1:]
        if sizes.max() < 8:
            continue
        number += 1
        result[window][parts == int(sizes.argmax()) + 1] = number
    return result
