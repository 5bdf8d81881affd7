"""A worker among others: it never works on what another process has, and never dies of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepflash_service import worker
from deepflash_service.errors import ConflictError, SetupError
from deepflash_service.records import ModelCard
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.custody import hold_run
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.events import Event


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a prepared home folder."""
    prepare_home(tmp_path)
    return tmp_path


def test_a_job_in_the_hand_of_another_process_is_left_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one byte of its folder changes; a worker puts it down and goes on."""
    monkeypatch.setattr("deepflash_service.store.custody._PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(
        "deepflash_service.workflows.train.run_training", lambda *_a, **_o: pytest.fail("it began")
    )
    run = runs.create_run(home, "training", options={})
    box = boxes.create_mailbox(home, "training-1")
    boxes.post_job(box, run.id)
    boxes.request_quit(box)
    with hold_run(run):
        with pytest.raises(ConflictError) as caught:
            worker.run_job(home, run.id)
        assert caught.value.code == "job_in_hand"
        worker.serve_mailbox(home, box, role="training")
    assert boxes.list_posted(box) == []
    assert len(runs.read_events(run)) == 1
    assert not (run.folder / "owner.json").exists()


def test_a_worker_whose_folder_was_removed_does_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that started meanwhile has given its job to another worker."""
    run = runs.create_run(home, "training", options={})
    box = boxes.create_mailbox(home, "training-1")
    boxes.post_job(box, run.id)
    list_posted = boxes.list_posted

    def list_then_remove(mailbox: boxes.Mailbox) -> list[str]:
        posted = list_posted(mailbox)
        boxes.remove_mailbox(mailbox)
        return posted

    monkeypatch.setattr(boxes, "list_posted", list_then_remove)
    worker.serve_mailbox(home, box, role="training")
    assert runs.read_state(run) == "queued"
    assert not box.folder.exists()


def test_a_cancelled_job_never_begins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that came before the worker took the job is followed at once."""
    monkeypatch.setattr(
        "deepflash_service.workflows.train.run_training", lambda *_a, **_o: pytest.fail("it began")
    )
    run = runs.create_run(home, "training", options={})
    runs.request_cancel(run)
    assert worker.run_job(home, run.id)["state"] == "cancelled"


def test_a_worker_outlives_a_disk_that_takes_not_even_last_words(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is put down, for the service to note when there is room; the next one is done."""
    lost, fine = (runs.create_run(home, "training", options={}) for _ in range(2))
    append = runs.append_event

    def refuse(run: runs.Run, *events: Event) -> None:
        if run.id == lost.id:
            raise SetupError("The disk is full.", code="disk_full")
        append(run, *events)

    monkeypatch.setattr(runs, "append_event", refuse)
    monkeypatch.setattr(
        "deepflash_service.workflows.train.run_training", lambda *_a, **_o: ModelCard(name="m")
    )
    box = boxes.create_mailbox(home, "training-1")
    for run in (lost, fine):
        boxes.post_job(box, run.id)
    boxes.request_quit(box)
    worker.serve_mailbox(home, box, role="training")
    assert runs.read_state(lost) == "queued"
    assert runs.read_state(fine) == "done"
    assert boxes.list_posted(box) == []
