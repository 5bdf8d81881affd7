"""Is training worth it? The base model as it is, fine-tuned, and a training from scratch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.agreement import score_labels
from deepflash_service.core.labels import remove_small_rois
from deepflash_service.errors import ComputeError
from deepflash_service.records import SegmentOptions
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.pixel_sizes import scale_model
from deepflash_service.workflows.planes import choose_cut
from deepflash_service.workflows.prediction import load_stored
from deepflash_service.workflows.training_members import train_members
from deepflash_service.workflows.training_scores import judge_maps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deepflash_service.core.separation import Cut
    from deepflash_service.records import ModelCard, RoiScores
    from deepflash_service.store.models import StoredModel
    from deepflash_service.workflows.training_course import Course
    from deepflash_service.workflows.training_data import TrainingData
    from deepflash_service.workflows.training_keeper import Keeper
    from deepflash_service.workflows.training_scores import Judgement

    Scores = Mapping[int, RoiScores]

FROZEN, FITTED = "frozen", "frozen_with_fitted_cut"
FINE_TUNED, NEW = "fine_tuned", "new"
CLEAR_DIFFERENCE = 0.01
NO_BASE = (
    "There is no base model, so there is nothing to compare with. Choose a base model, or leave "
    "out the comparison."
)
_STOPPED = "Stopped before the training from scratch was complete, so it is not compared."


@dataclass(frozen=True, slots=True)
class Frozen:
    """Scores of a base model as it is.

    Attributes
    ----------
    own : dict of int to RoiScores
        Of each image as ``segment`` finds its ROIs: threshold and size of the model's card.
    fitted : Judgement
        With threshold and size chosen on the other folds, as for the fine-tuned members.
    """

    own: dict[int, RoiScores]
    fitted: Judgement


def score_frozen(
    data: TrainingData,
    indices: Iterable[int],
    *,
    base: StoredModel,
    folds: Sequence[Sequence[int]],
    min_roi_size: int,
    hooks: Hooks,
) -> Frozen:
    """Score the base model as it is, used on each image as ``segment`` would use it.

    Parameters
    ----------
    data : TrainingData
    indices : iterable of int
        Positions of the images to score.
    base : StoredModel
    folds : sequence of sequences of int
        Positions of the images that each fine-tuned member never saw.
    min_roi_size : int
        Smaller ROIs are removed from the truth, in pixels.
    hooks : Hooks
        Asked for a cancellation.
    """
    model = load_stored(base)
    options = SegmentOptions(model=model.reference)
    quiet = Hooks(is_cancelled=hooks.is_cancelled)
    own, maps = {}, {}
    for index in sorted(indices):
        hooks.check()
        image = data.images[index]
        scaled = scale_model(model, image.calibration)
        probability = scaled.model.predict(np.asarray(image.pixels, dtype=np.float32), quiet)
        found = choose_cut(options, scaled).find_rois(probability)
        truth = remove_small_rois(image.truth, min_roi_size=min_roi_size)
        own[index] = score_labels(found, truth)
        maps[index] = probability.astype(np.float16)
    fitted = judge_maps(data, folds, maps, min_roi_size=min_roi_size)
    return Frozen(own, fitted)


def score_new(
    data: TrainingData, course: Course, *, card: ModelCard, keeper: Keeper, hooks: Hooks
) -> tuple[dict[int, RoiScores], str]:
    """Train members from scratch for as many steps as the fine-tuned ones, and score them.

    They are kept in the job folder like the others, so that a resumed job goes on with them, but
    they become no part of the model. What ends them early does not end the job.

    Parameters
    ----------
    data : TrainingData
    course : Course
        Of the fine-tuned members.
    card : ModelCard
        Draft of the model.
    keeper : Keeper
    hooks : Hooks

    Returns
    -------
    dict of int to RoiScores
        Empty unless all members have learnt to the end.
    str
        Why it is empty.
    """
    from deepflash_service.network.generic_start import name_start

    rival = replace(
        course,
        ahead=course.members,
        behind=0,
        title=" (from scratch, only to compare)",
    )
    if hooks.is_stopping():
        return {}, _STOPPED
    # what "new" as base model would be, not a copy of the base's shape
    network = course.describe_network(data.channels)
    own = card.model_copy(update={"network": network, "start": name_start(network)})
    try:
        trained = train_members(data, rival, card=own, keeper=keeper, base=None, hooks=hooks)
    except ComputeError as error:
        return {}, f"The training from scratch is not compared: {error.message}"
    if trained.fault or trained.is_stopped:
        return {}, trained.fault or _STOPPED
    judged = judge_maps(
        data,
        rival.folds,
        trained.maps,
        min_roi_size=card.min_roi_size,
    )
    return judged.scores, ""


def write_advice(reference: str, scores: Mapping[str, Scores], cut: Cut) -> str:
    """Say in a sentence which way gave the best model, and by how much.

    Of the base model as it is the better is meant: with the cut of its card, or with one that was
    chosen on the other images.

    Parameters
    ----------
    reference : str
        Of the base model.
    scores : mapping of str to mapping of int to RoiScores
        Keyed ``frozen``, ``frozen_with_fitted_cut``, ``fine_tuned`` and, where it was compared,
        ``new``; of the same images.
    cut : Cut
        Chosen for the base model on all these images.

    Returns
    -------
    str
    """
    f1 = {way: fmean(one.f1 for one in found.values()) for way, found in scores.items()}
    names = {
        FROZEN: f"the base model {reference} as it is",
        FITTED: f"the base model {reference} with threshold and size chosen on the other images",
        NEW: "a model trained from scratch",
    }
    mine = f1.pop(FINE_TUNED)
    f1.pop(FROZEN if f1[FITTED] > f1[FROZEN] else FITTED)
    best = max(f1, key=lambda way: f1[way])
    others = " and ".join(f"{one:.2f} of {names[way]}" for way, one in f1.items())
    count = len(scores[FINE_TUNED])
    images = f"{count} held-out image{'' if count == 1 else 's'}"
    if abs(mine - f1[best]) < CLEAR_DIFFERENCE:
        return f"Fine-tuning makes no clear difference: F1 {mine:.2f} on {images}, {others}."
    if mine > f1[best]:
        better = sum(one.f1 > scores[best][index].f1 for index, one in scores[FINE_TUNED].items())
        return (
            f"Fine-tuning is worth it: F1 {mine:.2f} on {images} (better on {better}), against "
            f"{others}."
        )
    remedy = {
        FROZEN: f"Use {reference} without training, or annotate more images.",
        FITTED: f"Use {reference} without training, with threshold {cut.threshold:g}, minimum ROI "
        f"size {cut.min_roi_size} and separation {cut.separation:g}, or annotate more images.",
        NEW: "Train with new as base model.",
    }
    return (
        f"Fine-tuning is not worth it: F1 {mine:.2f} on {images}, against {others}. {remedy[best]}"
    )
