"""What a training job leaves when the user ends it early."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.errors import SetupError
from deepflash_service.records import ModelCard, TrainOptions
from deepflash_service.store import datasets, runs
from deepflash_service.store.atomic import explain_disk_fault
from deepflash_service.store.checkpoints import write_note
from deepflash_service.store.images import write_image, write_mask
from deepflash_service.workflows import train
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.training_members import TrainedMembers

MASK = np.zeros((40, 40), dtype=bool)
MASK[5:15, 5:15] = True


class Training:
    """A training of two images whose members are stubs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.reasons: list[str] = []
        for number in range(2):
            write_image(home / "images" / f"{number}.tif", MASK.astype(np.uint8) * (9 + number))
            write_mask(home / "a" / f"{number}.tif", MASK)
        self.dataset = datasets.link_folders(home, home / "images", masks={"a": home / "a"})
        options = TrainOptions(dataset=self.dataset, model="m").model_dump(mode="json")
        self.run = runs.create_run(home, "training", options=options)

    def perform(self, **hooks: Any) -> ModelCard | None:
        """Train."""
        told = Hooks(end_early=self.reasons.append, **hooks)
        return train.run_training(self.home, self.run, hooks=told)


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Training:
    """Return a training that publishes nothing."""
    monkeypatch.setattr(train, "publish_once", lambda *_a, card, **_o: card)
    return Training(tmp_path)


def let_members(monkeypatch: pytest.MonkeyPatch, members: TrainedMembers) -> None:
    """Let the members end like this."""
    monkeypatch.setattr(train, "train_members", lambda *_a, **_o: members)


def test_a_stop_before_the_first_step_leaves_nothing(
    training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither card nor result; the sentence tells how to go on."""
    let_members(monkeypatch, TrainedMembers(is_stopped=True, wanted_steps=45))
    assert training.perform() is None
    assert training.reasons == [
        "Stopped before the first step; there is nothing to keep yet. Resume the job, or start a "
        "new one."
    ]
    assert list(training.run.results.iterdir()) == []


def test_a_stop_while_the_worker_starts_reads_no_image(
    training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless there are checkpoints: those become a model."""
    monkeypatch.setattr(train, "read_training_data", lambda *_a, **_o: pytest.fail("it read"))
    assert training.perform(is_stopping=lambda: True) is None
    assert len(training.reasons) == 1
    write_note(training.run, "member-1", facts={"step": 4})
    with pytest.raises(pytest.fail.Exception):
        training.perform(is_stopping=lambda: True)


@pytest.mark.parametrize(
    ("steps", "stopped", "warnings"),
    [
        ([30, 7], True, ["Stopped after 37 of 45 steps."]),
        ([45], True, []),
        # ended by patience, not by the user
        ([30], False, []),
    ],
)
def test_the_card_tells_of_the_stop(
    training: Training,
    monkeypatch: pytest.MonkeyPatch,
    *,
    steps: list[int],
    stopped: bool,
    warnings: list[str],
) -> None:
    """Whoever uses the model later sees that it is not what the preset makes."""
    members = TrainedMembers(["x"] * len(steps), steps, wanted_steps=45, is_stopped=stopped)
    let_members(monkeypatch, members)
    card = training.perform()
    assert card is not None
    assert [one for one in card.warnings if "steps" in one] == warnings
    assert [path.name for path in training.run.results.iterdir()] == ["model.json"]


@pytest.mark.parametrize("fault", ["raw", "small", "named"])
def test_a_full_disk_names_the_job_to_resume(
    training: Training, monkeypatch: pytest.MonkeyPatch, *, fault: str
) -> None:
    """Also where a small file was not written that knows of no job."""
    job = training.run.id
    path = training.run.folder / "data.json"
    told: dict[str, Exception] = {
        "raw": OSError(errno.ENOSPC, "full"),
        "small": explain_disk_fault(path, OSError(errno.ENOSPC, "full")),
        "named": SetupError(f"7 MB are needed; resume job {job}.", code="disk_full"),
    }

    def fail(*_data: Any, **_facts: Any) -> None:
        raise told[fault]

    monkeypatch.setattr(train, "begin_training", fail)
    with pytest.raises(SetupError) as caught:
        training.perform()
    assert caught.value.code == "disk_full"
    assert caught.value.message.endswith(f"resume job {job}.")
    assert ("7 MB are needed" in caught.value.message) == (fault == "named")
