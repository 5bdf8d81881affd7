"""Job folders that somebody damaged: they are named, and hold up no other job."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deepflash_service.errors import InputError
from deepflash_service.jobs import bystanders, dispatcher
from deepflash_service.jobs.table import JobTable
from deepflash_service.records import JobKind
from deepflash_service.store import runs
from deepflash_service.store.custody import hold_run
from deepflash_service.store.events import Event
from tests.unit.jobs.conftest import Office, await_that

DONE = Event("done", "Done.")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bystanders, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(dispatcher, "LOOK_SECONDS", 0.02)


def _add_line(line: bytes) -> Callable[[runs.Run], None]:
    def damage(run: runs.Run) -> None:
        with (run.folder / "events.jsonl").open("ab") as stream:
            stream.write(line + b"\n")

    return damage


def _replace_by_folder(name: str) -> Callable[[runs.Run], None]:
    def damage(run: runs.Run) -> None:
        (run.folder / name).unlink()
        (run.folder / name).mkdir()

    return damage


def _remove(name: str) -> Callable[[runs.Run], None]:
    return lambda run: (run.folder / name).unlink()


@contextmanager
def _write_protect(run: runs.Run) -> Iterator[None]:
    """Refuse to open the event file of one run for writing, as of another user's folder."""
    open_file, path = os.open, run.folder / "events.jsonl"

    def refuse(name: Path, flags: int, mode: int = 0o777, **options: int) -> int:
        if name == path:
            raise PermissionError(13, "Permission denied", str(name))
        return open_file(name, flags, mode, **options)

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(os, "open", refuse)
        yield


@pytest.mark.parametrize(
    "damage",
    [
        _add_line(b'{"state": "failed"}'),
        _add_line(b'{"time": "x", "state": ["a"]}'),
        _add_line(b'{"time": "x", "state": "paused"}'),
        _add_line(b'{"time": "x", "state": "running", "metrics": null, "error": 7}'),
        _add_line(b'{"state": "interrupted", "error": {"code": 7, "details": [1]}}'),
        _add_line(b'{"state": "running", "metrics": {"losses": "many"}}'),
        _replace_by_folder("events.jsonl"),
        _remove("events.jsonl"),
        _replace_by_folder("job.json"),
        _remove("job.json"),
    ],
)
@pytest.mark.parametrize("state", ["queued", "running", "failed"])
def test_a_damaged_folder_does_not_stop_the_service(
    office: Office, *, damage: Callable[[runs.Run], None], state: str
) -> None:
    """The service gets ready, lists what it can, and the other jobs run."""
    first = office.open()
    job = office.submit(first, "training")
    if state != "queued":
        worker = office.await_worker(0)
        run = worker.begin()
        if state == "failed":
            worker.finish(run, Event("failed", "No."))
            first.wait(job, 10)
    first.close()
    damage(runs.open_run(office.home, job))
    count = len(office.workers)
    supervisor = office.open()
    other = office.submit(supervisor, "evaluation")
    await_that(lambda: any(worker.role == "warm" for worker in office.workers[count:]))
    warm = next(worker for worker in office.workers if worker.role == "warm")
    warm.finish(warm.begin(), DONE)
    assert supervisor.wait(other, 10)["state"] == "done"
    assert other in {one["id"] for one in supervisor.list_jobs()}
    assert job in {one["id"] for one in supervisor.list_jobs()}


def test_lost_events_are_told_and_the_training_can_be_resumed(office: Office) -> None:
    """The sentence names the file; what follows is written to a new one."""
    first = office.open()
    job = office.submit(first, "training")
    run = office.await_worker(0).begin()
    first.close()
    office.workers[0].die(-9)
    (run.folder / "events.jsonl").unlink()
    supervisor = office.open()
    found = supervisor.read(job)
    assert (found["state"], found["error"]["code"]) == ("interrupted", "damaged_job")
    assert str(run.folder / "events.jsonl") in found["message"]
    assert supervisor.resume(job)["state"] == "queued"
    worker = office.await_worker(1)
    worker.finish(worker.begin(), DONE)
    assert supervisor.wait(job, 10)["state"] == "done"


@pytest.mark.parametrize("is_waiting", [False, True])
def test_a_cancel_reaches_a_job_whose_events_are_gone(office: Office, *, is_waiting: bool) -> None:
    """Whether it waits or runs, it ends, and the next one runs."""
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    worker = office.await_worker(0)
    run = worker.begin()
    waiting = office.submit(supervisor, "training")
    gone = runs.open_run(office.home, waiting if is_waiting else job)
    (gone.folder / "events.jsonl").unlink()
    supervisor.cancel(gone.id)
    if not is_waiting:
        worker.die(-9)
    assert supervisor.wait(gone.id, 10)["state"] == "cancelled"
    if is_waiting:
        worker.finish(run, DONE)
        waiting = office.submit(supervisor, "training")
    assert office.await_worker(1).begin().id == waiting


@pytest.mark.parametrize("kind", ["training", "segmentation"])
@pytest.mark.parametrize("when", ["queued", "running"])
def test_a_job_that_cannot_be_written_is_set_aside(
    office: Office, *, kind: JobKind, when: str
) -> None:
    """It has failed for everybody who asks, its lane goes on; with rights it can be resumed."""
    supervisor = office.open()
    blocker = office.submit(supervisor, kind) if when == "queued" else ""
    job = office.submit(supervisor, kind)
    worker = office.await_worker(0)
    first = worker.begin()
    run = runs.open_run(office.home, job)
    with _write_protect(run):
        if when == "queued":
            runs.request_cancel(run)
            worker.finish(first, DONE)
            supervisor.wait(blocker, 10)
        else:
            worker.die(-9)
        ended = supervisor.wait(job, 10)
        assert (ended["state"], ended["error"]["code"]) == ("failed", "disk_fault")
        assert str(run.folder) in ended["message"]
        assert supervisor.read_state(job) == "failed"
        assert supervisor.list_jobs()[0]["state"] == "failed"
        other = office.submit(supervisor, kind)
        following = office.workers[0] if kind == "segmentation" and when == "queued" else None
        worker = following or office.await_worker(1)
        worker.finish(worker.begin(), DONE)
        assert supervisor.wait(other, 10)["state"] == "done"
    if kind == "training" and when == "queued":
        assert supervisor.resume(job)["state"] == "queued"


def test_a_job_of_another_program_that_cannot_be_written_is_set_aside(office: Office) -> None:
    """It is not asked for again and again."""
    run = runs.create_run(office.home, "training", options={})
    with hold_run(run):
        runs.append_event(run, Event("running", "epoch 1"))
        supervisor = office.open()
        with _write_protect(run):
            release = run.folder / "lock"
            release.unlink()
            assert supervisor.wait(run.id, 10)["state"] == "failed"
            assert not supervisor._dispatcher._beside


def test_a_damaged_description_is_named(office: Office) -> None:
    """The row stays and tells, a question names the file; a removed folder is another thing."""
    first = office.open()
    blocked, waiting = (office.submit(first) for _ in range(2))
    office.await_worker(0).begin()
    first.close()
    office.workers[0].die(-9)
    for job in (blocked, waiting):
        (office.home / "runs" / job / "job.json").write_text('{"id"')
    second = office.open()
    for found in second.list_jobs():
        assert (found["state"], found["error"]["code"]) == ("failed", "damaged_file")
        assert f"{found['id']}{os.sep}job.json" in found["message"]
        with pytest.raises(InputError) as caught:
            second.read(found["id"])
        assert caught.value.code == "damaged_file"
    assert len(second.list_jobs()) == 2
    assert second.count_jobs() == {"queued": 0, "running": 0}


def test_a_table_that_cannot_be_written_sets_no_job_aside(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is no fault of the folder: it is tried again."""
    from deepflash_service.errors import SetupError

    supervisor = office.open()
    find = JobTable.find_next
    tries: list[str] = []

    def refuse(*_arguments: object, **_options: object) -> None:
        tries.append("x")
        raise SetupError("Locked.", code="table_fault")

    monkeypatch.setattr(JobTable, "find_next", refuse)
    job = office.submit(supervisor)
    await_that(lambda: len(tries) > 2)
    monkeypatch.setattr(JobTable, "find_next", find)
    worker = office.await_worker(0)
    worker.finish(worker.begin(), DONE)
    assert supervisor.wait(job, 10)["state"] == "done"
