"""Workers that die: what becomes of the job in their hand."""

from __future__ import annotations

from typing import Any

import pytest

from deepflash_service.errors import ConflictError
from deepflash_service.jobs.processes import identify_process
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.custody import write_owner
from deepflash_service.store.event_reading import read_log
from deepflash_service.store.events import Event
from tests.unit.jobs.conftest import Office, await_that

DONE = Event("done", "Done.")


def test_a_short_job_whose_worker_dies_starts_once_more(office: Office) -> None:
    """The second loss is a failure with a plain sentence; the log of the worker is kept."""
    supervisor = office.open()
    job = office.submit(supervisor)
    office.await_worker(0).begin()
    office.workers[0].die(-11)
    second = office.await_worker(1)
    run = second.begin()
    assert run.id == job
    second.mailbox.log.write_text("last words")
    second.die(-11)
    ended = supervisor.wait(job, 10)
    assert ended["state"] == "failed"
    assert ended["error"]["code"] == "worker_crashed"
    assert "last words" in run.log.read_text()
    third = office.submit(supervisor)
    worker = office.await_worker(2)
    worker.finish(worker.begin(), DONE)
    assert supervisor.wait(third, 10)["state"] == "done"


def test_a_training_whose_worker_dies_goes_on_by_itself(office: Office) -> None:
    """After three losses without progress it stays interrupted, until somebody resumes it."""
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    run = runs.open_run(office.home, job)
    for number in range(3):
        assert office.await_worker(number).begin().id == job
        office.workers[number].die(-9)
    ended = supervisor.wait(job, 10)
    assert ended["state"] == "interrupted"
    assert "memory ran out" in ended["error"]["message"]
    assert "lost 3 times" in ended["error"]["message"]
    assert "begins again: no checkpoint" in ended["error"]["message"]
    states = [event["state"] for event in runs.read_events(run)]
    assert states == ["queued", *["running", "interrupted", "queued"] * 2, "running", "interrupted"]
    assert supervisor.resume(job)["state"] == "queued"
    worker = office.await_worker(3)
    run = worker.begin()
    assert run.id == job
    with pytest.raises(ConflictError) as caught:
        supervisor.resume(job)
    assert caught.value.code == "not_resumable"
    worker.finish(run, DONE)
    assert supervisor.wait(job, 10)["error"] is None


def test_progress_forgives_earlier_losses(office: Office, progress: dict[str, int]) -> None:
    """A training that gets further between its losses is taken up again and again."""
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    run = runs.open_run(office.home, job)
    for number in range(6):
        office.await_worker(number).begin()
        progress[job] = 10 * (number + 1)
        office.workers[number].die(-9)
    worker = office.await_worker(6)
    assert worker.begin().id == job
    texts = [event["message"] for event in runs.read_events(run) if event["state"] == "queued"]
    assert texts[-1] == "Goes on by itself from step 60."
    worker.finish(run, DONE)
    assert supervisor.wait(job, 10)["state"] == "done"


def test_a_worker_killed_before_it_began_costs_its_job_nothing(office: Office) -> None:
    """A job that was only posted is handed over as often as it takes."""
    supervisor = office.open()
    job = office.submit(supervisor)
    for number in range(12):
        office.await_worker(number).die(-9)
    worker = office.await_worker(12)
    worker.finish(worker.begin(), DONE)
    assert supervisor.wait(job, 10)["state"] == "done"


def test_a_worker_that_never_gets_as_far_as_its_job_fails_it(office: Office) -> None:
    """A broken installation does not start processes for ever."""
    supervisor = office.open()
    job = office.submit(supervisor)
    for number in range(2):
        office.await_worker(number).die(1)
    ended = supervisor.wait(job, 10)
    assert ended["state"] == "failed"
    assert "exit code 1" in ended["message"]


def test_a_short_job_outlives_several_kills(office: Office) -> None:
    """Five kills from outside in the middle of one job do not make it fail."""
    supervisor = office.open()
    job = office.submit(supervisor)
    for number in range(5):
        worker = office.await_worker(number)
        worker.begin()
        worker.die(-9)
    worker = office.await_worker(5)
    worker.finish(worker.begin(), DONE)
    assert supervisor.wait(job, 10)["state"] == "done"


@pytest.mark.parametrize("case", ["own", "other process", "alive", "no note"])
def test_a_memory_kill_is_claimed_only_of_the_process_that_noted_the_counters(
    office: Office, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Not of a worker that died before it began, nor of one that lives on elsewhere."""
    monkeypatch.setattr("deepflash_service.jobs.ledger.find_memory_kill", lambda _note: "own")
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    worker = office.await_worker(0)
    run = worker.begin()
    me = identify_process()
    created = me["created"] if case == "alive" else 1.0
    boxes.write_worker(worker.mailbox, facts={"pid": 1 if case == "other process" else me["pid"]})
    note: dict[str, Any] = {} if case == "no note" else {"memory_kills": {"counts": {}}}
    write_owner(run, facts={"pid": me["pid"], "created": created, **note})
    worker.die(-9)
    office.await_worker(1)
    errors = [event for event in read_log(run.folder / "events.jsonl").events if "error" in event]
    supervisor.cancel(job)
    code = "out_of_memory" if case == "own" else "worker_killed"
    assert [event["error"]["code"] for event in errors] == [code]


def test_a_short_job_outlives_a_logout_and_a_service_that_is_stopped(office: Office) -> None:
    """SIGTERM comes from outside; it is no fault of the job."""
    supervisor = office.open()
    job = office.submit(supervisor)
    for number in range(3):
        worker = office.await_worker(number)
        worker.begin()
        worker.die(-15)
    worker = office.await_worker(3)
    worker.finish(worker.begin(), DONE)
    assert supervisor.wait(job, 10)["state"] == "done"


def test_a_job_that_the_worker_put_down_is_not_lost(office: Office) -> None:
    """A live worker that took the job out of its inbox without an end does not block the lane."""
    supervisor = office.open()
    job = office.submit(supervisor)
    worker = office.await_worker(0)
    run = worker.begin()
    boxes.clear_job(worker.mailbox, job)
    await_that(lambda: boxes.list_posted(worker.mailbox) == [job])
    worker.finish(run, DONE)
    assert supervisor.wait(job, 10)["state"] == "done"
    assert len(office.workers) == 1


def test_a_worker_that_dies_after_its_last_event_lost_nothing(office: Office) -> None:
    """The end of the job counts, not the end of the process."""
    supervisor = office.open()
    job = office.submit(supervisor)
    worker = office.await_worker(0)
    runs.append_event(worker.begin(), DONE)
    worker.die(-9)
    assert supervisor.wait(job, 10)["state"] == "done"
