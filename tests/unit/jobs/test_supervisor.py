"""Queue, hand-over, verbs."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from deepflash_service.errors import ConflictError, NotFoundError
from deepflash_service.jobs import supervisor as supervisor_module
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import results, runs
from deepflash_service.store.events import Event
from tests.unit.jobs.conftest import Office, await_that

DONE = Event("done", "Done.")


def test_short_jobs_go_one_by_one_to_one_worker(office: Office) -> None:
    """The second job waits until the first has ended, and gets the same worker."""
    supervisor = office.open()
    first, second = office.submit(supervisor), office.submit(supervisor, "evaluation")
    worker = office.await_worker(0)
    run = worker.begin()
    assert run.id == first
    assert supervisor.read(second)["state"] == "queued"
    assert supervisor.count_jobs() == {"queued": 1, "running": 1}
    worker.finish(run, DONE)
    run = worker.begin()
    assert run.id == second
    worker.finish(run, DONE)
    assert supervisor.wait(second, 10)["state"] == "done"
    assert len(office.workers) == 1
    assert supervisor.count_jobs() == {"queued": 0, "running": 0}


def test_a_training_runs_beside_short_jobs_in_its_own_worker(office: Office) -> None:
    """Its worker is told to quit afterwards; the next training gets a new one."""
    supervisor = office.open()
    training = office.submit(supervisor, "training")
    short = office.submit(supervisor)
    await_that(lambda: len(office.workers) == 2)
    roles = {worker.role: worker for worker in office.workers}
    run = roles["training"].begin()
    other = roles["warm"].begin()
    assert (run.id, other.id) == (training, short)
    assert boxes.is_quit_requested(roles["training"].mailbox)
    assert not boxes.is_quit_requested(roles["warm"].mailbox)
    roles["training"].finish(run, Event("done", "Saved.", model="m@1"))
    assert supervisor.wait(training, 10)["model"] == "m@1"
    roles["training"].die(0)
    office.submit(supervisor, "training")
    assert office.await_worker(2).role == "training"


def test_cancelling_ends_waiting_jobs_at_once_and_running_ones_by_request(office: Office) -> None:
    """A waiting job is cancelled without a worker; a running one is shown as stopping."""
    supervisor = office.open()
    running, waiting = office.submit(supervisor), office.submit(supervisor)
    worker = office.await_worker(0)
    run = worker.begin()
    assert supervisor.cancel(waiting)["state"] == "cancelled"
    assert supervisor.cancel(running)["state"] == "stopping"
    worker.finish(run, Event("cancelled", "Cancelled."))
    assert supervisor.wait(running, 10)["state"] == "cancelled"
    for job in (running, waiting):
        with pytest.raises(ConflictError) as caught:
            supervisor.cancel(job)
        assert caught.value.code == "job_finished"


def test_a_worker_that_ignores_a_cancel_is_killed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the grace time the process ends, the job is cancelled, the results are gone."""
    monkeypatch.setattr("deepflash_service.jobs.lanes.CANCEL_SECONDS", 0.1)
    supervisor = office.open()
    job = office.submit(supervisor)
    worker = office.await_worker(0)
    run = worker.begin()
    (run.results / "half.csv").write_text("x")
    supervisor.cancel(job)
    assert supervisor.wait(job, 10)["state"] == "cancelled"
    assert worker.was_killed
    assert supervisor.read(job)["results"] == []


def test_only_a_running_training_can_be_stopped(office: Office) -> None:
    """Stop keeps the best weights, so there must be some."""
    supervisor = office.open()
    short = office.submit(supervisor)
    training, waiting = (office.submit(supervisor, "training") for _ in range(2))
    await_that(lambda: len(office.workers) == 2)
    for job in (short, waiting):
        with pytest.raises(ConflictError) as caught:
            supervisor.stop(job)
        assert caught.value.code == "not_stoppable"
    assert supervisor.stop(training)["state"] == "stopping"
    assert runs.is_stop_requested(runs.open_run(office.home, training))


def test_a_stopped_training_that_is_resumed_is_not_stopped_again(office: Office) -> None:
    """The old request is gone when the worker looks for it."""
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    worker = office.await_worker(0)
    run = worker.begin()
    supervisor.stop(job)
    worker.finish(run, Event("stopped", "Saved.", model="m@1"))
    worker.die(0)
    assert supervisor.wait(job, 10)["state"] == "stopped"
    supervisor.resume(job)
    assert office.await_worker(1).begin().id == job
    assert not runs.is_stop_requested(run)
    assert supervisor.read(job)["state"] == "running"


def test_refusals_name_what_helps(office: Office, progress: dict[str, int]) -> None:
    """Hours of training are not thrown away, and nothing is started twice."""
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    worker = office.await_worker(0)
    run = worker.begin()
    with pytest.raises(ConflictError, match="wait for its end"):
        supervisor.resume(job)
    worker.finish(run, Event("interrupted", "Lost."))
    worker.die(0)
    supervisor.wait(job, 10)
    with pytest.raises(ConflictError, match="Cancel this job"):
        supervisor.stop(job)
    progress[job] = 40
    with pytest.raises(ConflictError, match="resume it first"):
        supervisor.stop(job)


def test_nobody_looks_for_the_files_of_jobs_under_way(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody asks once a second; waiting jobs cost not even a look into their folder."""
    supervisor = office.open()
    job, waiting = (office.submit(supervisor) for _ in range(2))
    worker = office.await_worker(0)
    run = worker.begin()
    (run.results / "a.csv").write_text("x")
    looks: list[str] = []
    find = results.list_results

    def look(folder: Path) -> list[str]:
        looks.append(folder.parent.name)
        return find(folder)

    monkeypatch.setattr(supervisor_module, "list_results", look)
    with monkeypatch.context() as patch:
        opened: list[str] = []
        open_run = runs.open_run

        def note(home: Path, job_id: str) -> runs.Run:
            opened.append(job_id)
            return open_run(home, job_id)

        patch.setattr(runs, "open_run", note)
        listed = supervisor.list_jobs()
    assert [(one["id"], one["state"]) for one in listed] == [(waiting, "queued"), (job, "running")]
    assert waiting not in opened
    assert supervisor.read(job)["results"] == []
    worker.finish(run, DONE)
    supervisor.wait(job, 10)
    for _ in range(3):
        assert supervisor.list_jobs()[-1]["results"] == ["a.csv"]
    assert supervisor.read(job)["results"] == ["a.csv"]
    assert looks == [job]


def test_unknown_jobs_are_named(office: Office) -> None:
    """Every verb refuses an id that does not exist."""
    supervisor = office.open()
    for verb in (supervisor.read, supervisor.cancel, supervisor.stop, supervisor.resume):
        with pytest.raises(NotFoundError):
            verb("none")


def test_a_worker_that_cannot_start_fails_its_job(office: Office) -> None:
    """The sentence tells the cause; the queue goes on."""
    office.can_launch = False
    supervisor = office.open()
    ended = supervisor.wait(office.submit(supervisor), 10)
    assert ended["state"] == "failed"
    assert "no more processes" in ended["error"]["message"]
    office.can_launch = True
    office.submit(supervisor)
    office.await_worker(0)


def test_waiting_ends_in_time(office: Office) -> None:
    """A job that is not done in time is told as it is."""
    supervisor = office.open()
    job = office.submit(supervisor)
    start = time.monotonic()
    assert supervisor.wait(job, 0.05)["state"] == "queued"
    assert time.monotonic() - start < 5


def test_a_closing_service_takes_no_jobs(office: Office) -> None:
    """Who waits is let go, the warm worker is told to quit, new jobs are refused."""
    supervisor = office.open()
    office.submit(supervisor)
    worker = office.await_worker(0)
    supervisor.close()
    assert boxes.is_quit_requested(worker.mailbox)
    with pytest.raises(ConflictError) as caught:
        office.submit(supervisor)
    assert caught.value.code == "service_stopping"


def test_supervision_is_cheap(office: Office) -> None:
    """Watching one running job for a second costs less than a twentieth of a core."""
    supervisor = office.open()
    job = office.submit(supervisor)
    office.await_worker(0).begin()
    process = psutil.Process()
    before = sum(process.cpu_times()[:2])
    supervisor.wait(job, 1.0)
    assert sum(process.cpu_times()[:2]) - before < 0.05
