"""Train a model from the annotations of several experts."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from deepflash_service.core.agreement import average_scores, score_labels
from deepflash_service.core.labels import remove_small_rois
from deepflash_service.errors import ComputeError, SetupError
from deepflash_service.records import ModelCard, NetworkCard, TrainOptions
from deepflash_service.store.atomic import write_text
from deepflash_service.store.checkpoints import read_progress
from deepflash_service.store.disk import explain_full_disk, is_full_disk
from deepflash_service.store.names import check_name
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.training_course import Course, plan_course
from deepflash_service.workflows.training_data import TrainingData, read_training_data
from deepflash_service.workflows.training_keeper import Keeper
from deepflash_service.workflows.training_members import TrainedMembers, train_members
from deepflash_service.workflows.training_publish import publish_once
from deepflash_service.workflows.training_start import begin_training, open_training_data

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.records import LabelImage, RoiScores
    from deepflash_service.store.models import StoredModel
    from deepflash_service.store.runs import Run

_PACKAGES = ("deepflash-service", "keras", "tensorflow", "numpy", "scikit-image")
_DEFAULT_THRESHOLD = 0.5
_NOTHING_LEARNT = (
    "Stopped before the first step; there is nothing to keep yet. Resume the job, or start a new "
    "one."
)


@dataclass(frozen=True, slots=True)
class _Scores:
    model: RoiScores | None
    experts: dict[str, RoiScores]


def run_training(
    home: Path, run: Run, *, hooks: Hooks | None = None, checkpoint_seconds: float = 30.0
) -> ModelCard | None:
    """Do a training job and leave the model card as its result; None without a model.

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
    try:
        card = train_model(
            home, run, options=options, hooks=hooks, checkpoint_seconds=checkpoint_seconds
        )
        if card is None:
            return None
        write_text(run.results / "model.json", card.to_json() + "\n")
    except OSError as error:
        if not is_full_disk(error):
            raise
        raise _explain_full_disk(run) from error
    except SetupError as error:
        # what is small enough to be written without a look at the space tells no job
        if error.code != "disk_full" or run.id in error.message.replace(str(run.folder), ""):
            raise
        raise _explain_full_disk(run) from error
    return card


def _explain_full_disk(run: Run) -> SetupError:
    remedy = f"Free some space, then resume job {run.id}."
    return explain_full_disk(run.folder, 0, remedy=remedy)


def train_model(
    home: Path,
    run: Run,
    *,
    options: TrainOptions,
    hooks: Hooks | None = None,
    checkpoint_seconds: float = 30.0,
) -> ModelCard | None:
    """Train the members that the preset asks for, score them, and add the model to the library.

    Each member learns without some whole images (its fold), on which it is scored; the scores in
    the card come from these images only. After an interruption the training goes on from the last
    checkpoint in the job folder; a model that was added to the library already is not added again.

    Parameters
    ----------
    home : Path
        Home folder.
    run : Run
        Job folder, for finished members and checkpoints.
    options : TrainOptions
        What the user chose.
    hooks : Hooks, optional
        Progress, warnings, cancellation, early stop.
    checkpoint_seconds : float, optional
        At most one checkpoint is written in this time; 0 = after every step.

    Returns
    -------
    ModelCard or None
        Of the new version; None when the user stopped before the first step.

    Raises
    ------
    InputError
        For data that cannot be used.
    ConflictError
        Code ``data_changed`` when the data set is no longer what the training began with.
    NotFoundError
        Codes ``unknown_dataset`` and ``unknown_model`` (base model).
    ComputeError
        Codes ``training_diverged`` and ``out_of_memory``.
    SetupError
        Code ``disk_full``; the last good checkpoint is kept.
    JobCancelled
        When the user cancelled.
    """
    check_name(options.model)
    hooks = hooks or Hooks()
    dataset = open_training_data(home, run, dataset=options.dataset)
    start = begin_training(home, run, dataset=dataset, options=options)
    if hooks.is_stopping() and not read_progress(run):
        hooks.end_early(_NOTHING_LEARNT)
        return None
    keeper = Keeper(run, seconds=checkpoint_seconds, fingerprint=start.fingerprint)
    data = read_training_data(dataset, options, hooks=hooks)
    for warning in data.warnings:
        hooks.warn(warning)
    course = plan_course(data, options, base=start.base)
    if not course.has_held_out:
        hooks.warn(
            "There is only one image, so none can be held out: the model will have no score. "
            "Annotate a second image to learn how good it is."
        )
    draft = _draft_card(data, course, options=options, base=start.base)
    trained = _train(data, course, card=draft, keeper=keeper, base=start.base, hooks=hooks)
    hooks.check()
    if not trained.networks:
        hooks.end_early(_NOTHING_LEARNT)
        return None
    card = _complete_card(draft, data=data, trained=trained, keeper=keeper)
    return publish_once(home, run, card=card, data=data, trained=trained, hooks=hooks)


def _train(
    data: TrainingData,
    course: Course,
    *,
    card: ModelCard,
    keeper: Keeper,
    base: StoredModel | None,
    hooks: Hooks,
) -> TrainedMembers:
    try:
        trained = train_members(data, course, card=card, keeper=keeper, base=base, hooks=hooks)
    except ComputeError as error:
        if not read_progress(keeper.run):
            raise
        raise ComputeError(
            f"{error.message} The last good checkpoint is kept.",
            code=error.code,
            details=error.details,
        ) from error
    if trained.fault:
        hooks.end_early(trained.fault)
    return trained


def _complete_card(
    draft: ModelCard, *, data: TrainingData, trained: TrainedMembers, keeper: Keeper
) -> ModelCard:
    scores = _score(data, trained, card=draft)
    return draft.model_copy(
        update={
            "job": keeper.run.id,
            "members": len(trained.networks),
            "scores": scores.model,
            "expert_scores": scores.experts,
            "held_out_images": [data.images[index].name for index in sorted(trained.labels)],
            "seconds": round(keeper.spent_seconds(), 1),
            "device": trained.device,
            "software": {name: version(name) for name in _PACKAGES},
            "warnings": [*draft.warnings, *_list_endings(trained)],
        }
    )


def _list_endings(trained: TrainedMembers) -> list[str]:
    """Return what the user of the model should know of the end of its training."""
    endings = [trained.fault] if trained.fault else []
    taken = sum(trained.steps)
    if trained.is_stopped and taken < trained.wanted_steps:
        endings.append(f"Stopped after {taken} of {trained.wanted_steps} steps.")
    return endings


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
