"""Train a model from the annotations of several experts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from deepflash_service.core.agreement import average_scores, score_labels
from deepflash_service.core.labels import remove_small_rois
from deepflash_service.records import ModelCard, NetworkCard, TrainOptions
from deepflash_service.store.atomic import write_text
from deepflash_service.store.datasets import open_dataset
from deepflash_service.store.models import StoredModel, find_model, publish_model, stage_model
from deepflash_service.store.names import check_name
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.model_tests import write_test_files
from deepflash_service.workflows.training_data import TrainingData, read_training_data
from deepflash_service.workflows.training_members import (
    Course,
    TrainedMembers,
    plan_course,
    train_members,
)

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.records import LabelImage, RoiScores
    from deepflash_service.store.runs import Run

_PACKAGES = ("deepflash-service", "keras", "tensorflow", "numpy", "scikit-image")
_DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class _Scores:
    model: RoiScores | None
    experts: dict[str, RoiScores]


def run_training(
    home: Path, run: Run, *, hooks: Hooks | None = None, checkpoint_seconds: float = 30.0
) -> ModelCard:
    """Do a training job and leave the model card as its result.

    Parameters
    ----------
    home : Path
        Home folder.
    run : Run
        Job folder.
    hooks : Hooks, optional
        Progress, warnings, cancellation, early stop.
    checkpoint_seconds : float, optional
        At most one checkpoint is written in this time; 0 = after every step.

    Raises
    ------
    DeepFlashError
        As :func:`train_model`.
    """
    options = TrainOptions.from_json(run.options)
    card = train_model(home, options.dataset, options=options, job=run, hooks=hooks)
    write_text(run.results / "model.json", card.to_json() + "\n")
    return card


def train_model(
    home: Path,
    dataset_id: str,
    *,
    options: TrainOptions,
    job: Run,
    hooks: Hooks | None = None,
) -> ModelCard:
    """Train the members that the preset asks for, score them, and add the model to the library.

    Each member learns without some whole images (its fold), on which it is scored; the scores in
    the card come from these images only. Members that were finished before an interruption are
    read from the job folder.

    Parameters
    ----------
    home : Path
        Home folder.
    dataset_id : str
        Data set.
    options : TrainOptions
        What the user chose.
    job : Run
        Job folder, for finished members.
    hooks : Hooks, optional
        Progress, warnings, cancellation, early stop.

    Returns
    -------
    ModelCard
        Of the new version.

    Raises
    ------
    InputError
        For data that cannot be used.
    NotFoundError
        Codes ``unknown_dataset`` and ``unknown_model`` (base model).
    ComputeError
        Codes ``training_diverged`` and ``out_of_memory``.
    JobCancelled
        When the user cancelled.
    """
    check_name(options.model)
    hooks = hooks or Hooks()
    start = time.monotonic()
    base = None if options.base == "new" else find_model(home, options.base)
    dataset = open_dataset(home, dataset_id)
    data = read_training_data(dataset, options, hooks=hooks)
    for warning in data.warnings:
        hooks.warn(warning)
    course = plan_course(data, options, base=base)
    if not course.has_held_out:
        hooks.warn(
            "There is only one image, so none can be held out: the model will have no score. "
            "Annotate a second image to learn how good it is."
        )
    draft = _draft_card(data, course, options=options, base=base)
    trained = train_members(data, course, card=draft, job=job, base=base, hooks=hooks)
    hooks.check()
    scores = _score(data, trained, card=draft)
    card = draft.model_copy(
        update={
            "job": job.id,
            "members": len(trained.networks),
            "scores": scores.model,
            "expert_scores": scores.experts,
            "held_out_images": [data.images[index].name for index in sorted(trained.labels)],
            "seconds": round(time.monotonic() - start, 1),
            "device": trained.device,
            "software": {name: version(name) for name in _PACKAGES},
        }
    )
    return _publish(home, card, data=data, trained=trained).card


def _draft_card(
    data: TrainingData, course: Course, *, options: TrainOptions, base: StoredModel | None
) -> ModelCard:
    smallest = options.min_roi_size
    return ModelCard(
        name=options.model,
        network=NetworkCard(channels=data.channels, filters=course.filters, depth=course.depth)
        if base is None
        else base.card.network,
        members=course.members,
        threshold=_DEFAULT_THRESHOLD,
        min_roi_size=data.find_smallest_size() if smallest is None else smallest,
        intensity_range=data.intensity_range,
        calibration=data.calibration,
        target="roi" if base is None else base.card.target,
        base="new" if base is None else base.reference,
        options=options,
        training_images=[data.images[index].name for index in course.list_seen(len(data.images))],
        experts=data.experts,
        consensus=data.method,
        warnings=list(data.warnings),
    )


def _score(data: TrainingData, trained: TrainedMembers, *, card: ModelCard) -> _Scores:
    """Score out-of-fold predictions, and beside them each expert on the same images."""
    if not trained.labels:
        return _Scores(None, {})
    smallest = card.min_roi_size
    model, experts = [], dict[str, list[Any]]()
    for index, labels in sorted(trained.labels.items()):
        image = data.images[index]
        truth = remove_small_rois(image.truth, min_roi_size=smallest)
        model.append(score_labels(labels, truth))
        if len(image.annotations) > 1:
            for expert, annotation in image.annotations.items():
                kept: LabelImage = remove_small_rois(annotation, min_roi_size=smallest)
                experts.setdefault(expert, []).append(score_labels(kept, truth))
    return _Scores(
        average_scores(model), {name: average_scores(one) for name, one in sorted(experts.items())}
    )


def _publish(
    home: Path, card: ModelCard, *, data: TrainingData, trained: TrainedMembers
) -> StoredModel:
    from deepflash_service.network.weights import write_weights

    with stage_model(home) as folder:
        for number, network in enumerate(trained.networks, start=1):
            write_weights(network, folder / f"member-{number}.weights.h5")
        write_test_files(folder, card, networks=trained.networks, data=data, labels=trained.labels)
        return publish_model(home, folder, card=card)
