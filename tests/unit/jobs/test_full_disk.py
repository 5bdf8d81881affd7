"""Supervision on a disk that runs full: entries come late, none is lost, nothing ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deepflash_service.errors import SetupError
from deepflash_service.jobs import bystanders, dispatcher
from deepflash_service.jobs.table import JobTable
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.events import Event
from tests.unit.jobs.conftest import Office, await_that

DONE = Event("done", "Done.")


def _refuse(*_arguments: object, **_options: object) -> None:
    raise SetupError("The disk is full.", code="disk_full")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bystanders, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(dispatcher, "LOOK_SECONDS", 0.02)


@contextmanager
def _full(*targets: tuple[object, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as broken:
        for target, name in targets:
            broken.setattr(target, name, _refuse)
        yield


def test_an_end_that_cannot_be_written_is_written_later(office: Office) -> None:
    """The worker dies while the disk is full; with room, its job is taken up again."""
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    run = office.await_worker(0).begin()
    with _full((runs, "append_event"), (JobTable, "update")):
        office.workers[0].die(-9)
        await_that(lambda: not office.workers[0].mailbox.folder.exists())
        assert supervisor.read(job)["state"] == "running"
    assert office.await_worker(1).begin().id == job
    states = [event["state"] for event in runs.read_events(run)]
    assert states == ["queued", "running", "interrupted", "queued", "running"]


def test_rows_that_cannot_be_stored_are_stored_later(office: Office) -> None:
    """A job is handed over once, and its end is known to those who wait."""
    supervisor = office.open()
    with _full((JobTable, "update")):
        job = office.submit(supervisor)
        worker = office.await_worker(0)
        worker.finish(worker.begin(), DONE)
        second = office.submit(supervisor)
        run = worker.begin()
        assert run.id == second
        worker.finish(run, DONE)
        assert supervisor.read(job)["state"] == "done"
    await_that(lambda: supervisor.count_jobs() == {"queued": 0, "running": 0})
    assert [supervisor.wait(one, 10)["state"] for one in (job, second)] == ["done", "done"]
    assert len(office.workers) == 1


def test_jobs_wait_for_room_to_start_a_worker(office: Office) -> None:
    """They do not fail because a folder cannot be made just now."""
    tries: list[object] = []

    def refuse(*arguments: object) -> None:
        tries.append(arguments)
        _refuse()

    supervisor = office.open()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(boxes, "create_mailbox", refuse)
        job = office.submit(supervisor)
        await_that(lambda: len(tries) > 2)
        assert supervisor.read(job)["state"] == "queued"
    worker = office.await_worker(0)
    worker.finish(worker.begin(), DONE)
    assert supervisor.wait(job, 10)["state"] == "done"


def test_a_job_that_does_not_fit_the_table_is_refused_whole(office: Office) -> None:
    """The client is told, and no folder stays behind to run at the next start."""
    supervisor = office.open()
    with _full((JobTable, "add")), pytest.raises(SetupError):
        office.submit(supervisor)
    assert runs.list_runs(office.home) == []


@pytest.mark.parametrize("needed", [1000, 0])
def test_a_parked_training_goes_on_when_there_is_room(
    office: Office, monkeypatch: pytest.MonkeyPatch, progress: dict[str, int], *, needed: int
) -> None:
    """Also after a restart of the service, and only while it makes progress."""
    free = {"bytes": 10}
    monkeypatch.setattr(bystanders, "free_bytes", lambda _folder: free["bytes"])
    error = {"code": "disk_full", "message": "Full.", "details": {"needed_bytes": needed}}
    first = office.open()
    job = office.submit(first, "training")
    worker = office.await_worker(0)
    worker.finish(worker.begin(), Event("interrupted", "Full.", error=error))
    worker.die(0)
    assert first.wait(job, 10)["state"] == "interrupted"
    first.close()
    second = office.open()
    assert second.read(job)["state"] == "interrupted"
    free["bytes"] = 10**9
    progress[job] = 40
    worker = office.await_worker(1)
    run = worker.begin()
    texts = [event["message"] for event in runs.read_events(run)]
    assert "The disk has room again. Goes on by itself from step 40." in texts
    for number in (2, 3):
        worker.finish(run, Event("interrupted", "Full.", error=error))
        worker.die(0)
        if number < 3:
            worker = office.await_worker(number)
            worker.begin()
    await_that(lambda: "ran full 3 times" in second.read(job)["message"])
    ended = second.read(job)
    assert ended["state"] == "interrupted"
    assert "goes on from step 40" in ended["message"]
    second.close()
    third = office.open()
    assert third.read(job) == ended
    assert len(office.workers) == 3


def test_a_parked_training_can_be_cancelled(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room does not wake it then."""
    monkeypatch.setattr(bystanders, "free_bytes", lambda _folder: 0)
    error = {"code": "disk_full", "message": "Full.", "details": {}}
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    worker = office.await_worker(0)
    worker.finish(worker.begin(), Event("interrupted", "Full.", error=error))
    worker.die(0)
    supervisor.wait(job, 10)
    assert supervisor.cancel(job)["state"] == "cancelled"
    monkeypatch.setattr(bystanders, "free_bytes", lambda _folder: 10**12)
    await_that(lambda: not supervisor._dispatcher._beside)
    assert supervisor.read(job)["state"] == "cancelled"


def test_a_removed_folder_is_looked_after_no_more(office: Office, tmp_path: Path) -> None:
    """Somebody deleted the run of another program."""
    supervisor = office.open()
    run = runs.create_run(office.home, "training", options={})
    supervisor.list_jobs()
    assert supervisor._dispatcher._beside
    run.folder.rename(tmp_path / "gone")
    await_that(lambda: not supervisor._dispatcher._beside)
