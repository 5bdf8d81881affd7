"""Add a trained model to the library, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepflash_service.errors import JobCancelled
from deepflash_service.network.weights import measure_weights, write_weights
from deepflash_service.store.checkpoints import read_note, write_note
from deepflash_service.store.discarding import discard_model
from deepflash_service.store.disk import check_space
from deepflash_service.store.models import list_models, publish_model, stage_model
from deepflash_service.workflows.model_tests import write_test_files

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.records import ModelCard
    from deepflash_service.store.runs import Run
    from deepflash_service.workflows.hooks import Hooks
    from deepflash_service.workflows.training_data import TrainingData
    from deepflash_service.workflows.training_members import TrainedMembers

_NOTE = "publishing"


def publish_once(
    home: Path,
    run: Run,
    *,
    card: ModelCard,
    data: TrainingData,
    trained: TrainedMembers,
    hooks: Hooks,
) -> ModelCard:
    """Add the model to the library, unless an interrupted attempt has done so already.

    What was in the library is noted before. A version of the same job that is not in that note,
    after the same steps of every member, is this model.

    Parameters
    ----------
    home : Path
        Home folder.
    run : Run
        Job folder.
    card : ModelCard
        Of the model; its version is given here.
    data : TrainingData
        Source of the test image.
    trained : TrainedMembers
        Networks with the steps that each has taken.
    hooks : Hooks
        Asked for a cancellation just before the model appears in the library, and just after.

    Returns
    -------
    ModelCard
        With the version.

    Raises
    ------
    SetupError
        Code ``disk_full``.
    JobCancelled
        When the user cancelled; then the library is as it was.
    """
    note = read_note(run, _NOTE) or {}
    mine = [one for one in list_models(home).get(card.name, []) if one.job == run.id]
    if note.get("steps") == trained.steps:
        published = [one for one in mine if one.version not in note.get("versions", [])]
        if published:
            return published[-1]
    else:
        known = [one.version for one in mine]
        write_note(run, _NOTE, facts={"steps": trained.steps, "versions": known})
    needed = sum(measure_weights(network) for network in trained.networks)
    check_space(home, needed, remedy=f"Free some space, then resume job {run.id}.")
    with stage_model(home) as folder:
        for number, network in enumerate(trained.networks, start=1):
            write_weights(network, folder / f"member-{number}.weights.h5")
        write_test_files(folder, card, networks=trained.networks, data=data, labels=trained.labels)
        stored = publish_model(home, folder, card=card, check=hooks.check)
    try:
        hooks.check()
    except JobCancelled:
        discard_model(stored)
        raise
    return stored.card
