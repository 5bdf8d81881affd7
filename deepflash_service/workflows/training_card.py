"""The card of a model: what it was made of, where its maps are cut, and how good it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepflash_service.core.agreement import average_scores
from deepflash_service.core.separation import NECK
from deepflash_service.core.tuning import USUAL_THRESHOLD
from deepflash_service.records import ModelCard, TrainOptions
from deepflash_service.workflows.software import list_software
from deepflash_service.workflows.training_comparison import (
    FINE_TUNED,
    FITTED,
    FROZEN,
    NEW,
    score_frozen,
    score_new,
    write_advice,
)
from deepflash_service.workflows.training_forecast import learn_forecast
from deepflash_service.workflows.training_scores import Judgement, judge_maps, score_experts

if TYPE_CHECKING:
    from deepflash_service.records import RoiScores
    from deepflash_service.workflows.hooks import Hooks
    from deepflash_service.workflows.training_course import Course
    from deepflash_service.workflows.training_data import TrainingData
    from deepflash_service.workflows.training_keeper import Keeper
    from deepflash_service.workflows.training_members import TrainedMembers
    from deepflash_service.workflows.training_start import Beginning

_NOT_BLIND = (
    "Of the weights that a member has on its way it keeps those with the best scores on its "
    "held-out images, so the scores flatter it a little."
)


@dataclass(frozen=True, slots=True)
class Work:
    """One training, from the draft of its card to the model.

    The draft holds the usual threshold, and the size of the smallest annotated ROIs (or what the
    user says of them).
    """

    start: Beginning
    data: TrainingData
    course: Course
    draft: ModelCard
    keeper: Keeper
    hooks: Hooks


def complete_card(work: Work, trained: TrainedMembers) -> ModelCard:
    """Score the members on images that they never saw, and describe the model.

    The ROIs that the scores count are left in ``trained.labels``.
    """
    draft, names = work.draft, [image.name for image in work.data.images]
    warnings = work.start.list_doubts()
    known = work.start.list_known_images()
    unknown = {index: one for index, one in trained.maps.items() if names[index] not in known}
    if len(unknown) < len(trained.maps):
        warnings.append(_tell_known(draft.base, len(trained.maps), unknown=len(unknown)))
    judged = judge_maps(
        work.data,
        work.course.folds,
        unknown or trained.maps,
        min_roi_size=draft.min_roi_size,
    )
    trained.labels = judged.labels
    ways, advice = _compare(work, judged, warnings=warnings) if unknown else ({}, "")
    for text in warnings:
        work.hooks.warn(text)
    return draft.model_copy(
        update={
            **_describe_scores(work, judged),
            "forecast": learn_forecast(work.data, unknown, judged),
            "job": work.keeper.run.id,
            "members": len(trained.networks),
            "comparison": {way: average_scores(list(one.values())) for way, one in ways.items()},
            "advice": advice,
            "seconds": round(work.keeper.spent_seconds(), 1),
            "device": trained.device,
            "ending": " ".join(f"{one[0].upper()}{one[1:]}." for one in trained.endings),
            "software": list_software(),
            "warnings": [*draft.warnings, *_list_endings(trained), *warnings],
        }
    )


def _describe_scores(work: Work, judged: Judgement) -> dict[str, Any]:
    names = {index: work.data.images[index].name for index in sorted(judged.scores)}
    smallest = work.draft.min_roi_size
    return {
        "threshold": judged.cut.threshold,
        "min_roi_size": judged.cut.min_roi_size,
        "separation": judged.cut.separation,
        "scores": judged.mean,
        "notes": _NOT_BLIND if judged.scores else "",
        "image_scores": {name: judged.scores[index] for index, name in names.items()},
        "expert_scores": score_experts(work.data, names, min_roi_size=smallest),
        "held_out_images": list(names.values()),
    }


def _tell_known(reference: str, count: int, *, unknown: int) -> str:
    if unknown:
        return (
            f"The base model {reference}, or one that it descends from, has learnt from "
            f"{count - unknown} of the {count} held-out images before, so they are left out of the "
            "scores."
        )
    return (
        f"The base model {reference}, or one that it descends from, has learnt from all held-out "
        "images before, so the scores are too good. Annotate images that are new to it to learn "
        "how good the model is."
    )


def _compare(
    work: Work, judged: Judgement, *, warnings: list[str]
) -> tuple[dict[str, dict[int, RoiScores]], str]:
    """Return the scores of each way to get a model, and advice; nothing without a base model."""
    base, card = work.start.base, work.draft
    if base is None or not judged.scores:
        return {}, ""
    frozen = score_frozen(
        work.data,
        judged.scores,
        base=base,
        folds=work.course.folds,
        min_roi_size=card.min_roi_size,
        hooks=work.hooks,
    )
    ways = {FROZEN: frozen.own, FITTED: frozen.fitted.scores, FINE_TUNED: judged.scores}
    if work.course.behind:
        new, fault = score_new(
            work.data, work.course, card=card, keeper=work.keeper, hooks=work.hooks
        )
        warnings += [fault] if fault else []
        if new:
            ways[NEW] = {index: new[index] for index in judged.scores}
    return ways, write_advice(card.base, ways, frozen.fitted.cut)


def _list_endings(trained: TrainedMembers) -> list[str]:
    """Return what the user of the model should know of the end of its training."""
    endings = [trained.fault] if trained.fault else []
    taken = sum(trained.steps)
    if trained.is_stopped and taken < trained.wanted_steps:
        endings.append(f"Stopped after {taken} of {trained.wanted_steps} steps.")
    return endings


def draft_card(
    data: TrainingData, course: Course, *, options: TrainOptions, start: Beginning
) -> ModelCard:
    """Describe the model as far as it is known before the training.

    Parameters
    ----------
    data : TrainingData
    course : Course
    options : TrainOptions
        What the user chose.
    start : Beginning
    """
    from deepflash_service.network.generic_start import name_start

    base = start.base
    network = course.describe_network(data.channels)
    smallest = options.min_roi_size
    smallest = data.find_smallest_size() if smallest is None else smallest
    return ModelCard(
        name=options.model,
        network=network if base is None else base.card.network,
        start=name_start(network) if base is None else "",
        members=course.members,
        threshold=USUAL_THRESHOLD,
        min_roi_size=smallest,
        smallest_annotated=smallest,
        separation=NECK,
        intensity_range=data.intensity_range,
        calibration=data.calibration,
        roi_diameter=round(data.find_diameter(), 2),
        target="roi" if base is None else base.card.target,
        base="new" if base is None else base.reference,
        ancestors=start.list_ancestors(),
        options=options,
        training_images=[data.images[index].name for index in course.list_seen(len(data.images))],
        experts=data.experts,
        consensus=data.method,
        folds=course.parts,
        data_sha256=start.files,
        warnings=list(data.warnings),
    )
