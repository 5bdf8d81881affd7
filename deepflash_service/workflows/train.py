"""Train a model from the annotations of several experts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepflash_service.errors import ComputeError, SetupError
from deepflash_service.records import ModelCard, TrainOptions
from deepflash_service.store.atomic import write_text
from deepflash_service.store.checkpoints import read_progress
from deepflash_service.store.disk import explain_full_disk, is_full_disk
from deepflash_service.store.names import check_name
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.training_card import Work, complete_card, draft_card
from deepflash_service.workflows.training_comparison import NO_BASE
from deepflash_service.workflows.training_course import plan_course
from deepflash_service.workflows.training_data import read_training_data
from deepflash_service.workflows.training_keeper import Keeper
from deepflash_service.workflows.training_members import TrainedMembers, train_members
from deepflash_service.workflows.training_publish import publish_once
from deepflash_service.workflows.training_start import begin_training, open_training_data

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.store.runs import Run

_NOTHING_LEARNT = (
    "Stopped before the first step; there is nothing to keep yet. Resume the job, or start a new "
    "one."
)


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
    base = None if start.base is None else start.base.card
    data = read_training_data(dataset, options, hooks=hooks, base=base)
    for warning in data.warnings:
        hooks.warn(warning)
    course = plan_course(data, options, base=start.base)
    if not course.has_held_out:
        hooks.warn(
            "There is only one image, so none can be held out: the model will have no score. "
            "Annotate a second image to learn how good it is."
        )
    if options.compare and start.base is None:
        hooks.warn(NO_BASE)
    draft = draft_card(data, course, options=options, start=start)
    work = Work(start, data, course, draft=draft, keeper=keeper, hooks=hooks)
    trained = _train(work)
    hooks.check()
    if not trained.networks:
        hooks.end_early(_NOTHING_LEARNT)
        return None
    card = complete_card(work, trained)
    return publish_once(home, run, card=card, data=data, trained=trained, hooks=hooks)


def _train(work: Work) -> TrainedMembers:
    try:
        trained = train_members(
            work.data,
            work.course,
            card=work.draft,
            keeper=work.keeper,
            base=work.start.base,
            hooks=work.hooks,
        )
    except ComputeError as error:
        if not read_progress(work.keeper.run):
            raise
        raise ComputeError(
            f"{error.message} The last good checkpoint is kept.",
            code=error.code,
            details=error.details,
        ) from error
    if trained.fault:
        work.hooks.end_early(trained.fault)
    return trained
