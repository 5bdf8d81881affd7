"""Queue, hand-over, lost workers, verbs, adoption."""

from __future__ import annotations

import os
import time

import psutil
import pytest

from deepflash_service.errors import ConflictError, NotFoundError
from deepflash_service.jobs.processes import identify_process
from deepflash_service.records import JobKind
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
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
    second.die(-9)
    ended = supervisor.wait(job, 10)
    assert ended["state"] == "failed"
    assert ended["error"]["code"] == "worker_killed"
    assert "memory ran out" in ended["error"]["message"]
    assert "last words" in run.log.read_text()
    third = office.submit(supervisor)
    worker = office.await_worker(2)
    worker.finish(worker.begin(), DONE)
    assert supervisor.wait(third, 10)["state"] == "done"


def test_a_training_whose_worker_dies_is_interrupted_and_resumed(office: Office) -> None:
    """Nothing is repeated by itself; resume hands the same run to a new worker."""
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    office.await_worker(0).begin()
    office.workers[0].die(-9)
    ended = supervisor.wait(job, 10)
    assert ended["state"] == "interrupted"
    assert "memory ran out" in ended["error"]["message"]
    assert "begins again: no member of the model was finished" in ended["error"]["message"]
    assert supervisor.resume(job)["state"] == "queued"
    worker = office.await_worker(1)
    run = worker.begin()
    assert run.id == job
    with pytest.raises(ConflictError) as caught:
        supervisor.resume(job)
    assert caught.value.code == "not_resumable"
    worker.finish(run, DONE)
    assert supervisor.wait(job, 10)["error"] is None


def test_a_worker_that_dies_after_its_last_event_lost_nothing(office: Office) -> None:
    """The end of the job counts, not the end of the process."""
    supervisor = office.open()
    job = office.submit(supervisor)
    worker = office.await_worker(0)
    runs.append_event(worker.begin(), DONE)
    worker.die(-9)
    assert supervisor.wait(job, 10)["state"] == "done"


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
    monkeypatch.setattr("deepflash_service.jobs.dispatcher._CANCEL_GRACE_SECONDS", 0.1)
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


def test_a_restart_takes_up_queued_jobs(office: Office) -> None:
    """Jobs that waited, were copied in, or whose service died before they began, run."""
    first = office.open()
    first.close()
    jobs = {runs.create_run(office.home, "segmentation", options={}).id for _ in range(2)}
    office.open()
    worker = office.await_worker(0)
    done = set()
    for _ in range(2):
        run = worker.begin()
        done.add(run.id)
        worker.finish(run, DONE)
    assert done == jobs


def test_a_restart_adopts_a_live_worker_with_its_job(office: Office) -> None:
    """A process that still runs keeps its job; this test plays the process."""
    box = boxes.create_mailbox(office.home, "warm-old")
    boxes.write_worker(box, facts={**identify_process(os.getpid()), "role": "warm"})
    run = runs.create_run(office.home, "segmentation", options={})
    boxes.post_job(box, run.id)
    runs.append_event(run, Event("running", "Started."))
    supervisor = office.open()
    waiting = office.submit(supervisor)
    assert supervisor.read(run.id)["state"] == "running"
    runs.append_event(run, DONE)
    boxes.clear_job(box, run.id)
    assert supervisor.wait(run.id, 10)["state"] == "done"
    await_that(lambda: boxes.list_posted(box) == [waiting])
    assert office.workers == []


@pytest.mark.parametrize(("kind", "state"), [("training", "interrupted"), ("evaluation", "queued")])
def test_a_restart_ends_jobs_of_dead_workers(office: Office, kind: JobKind, state: str) -> None:
    """A training is interrupted, a short job runs again; the dead worker's folder goes."""
    box = boxes.create_mailbox(office.home, "warm-old")
    boxes.write_worker(box, facts={"pid": os.getpid(), "created": 1.0, "role": "warm"})
    run = runs.create_run(office.home, kind, options={})
    boxes.post_job(box, run.id)
    runs.append_event(run, Event("running", "Started."))
    supervisor = office.open()
    assert supervisor.read(run.id)["state"] == state
    assert not box.folder.exists()


def test_jobs_of_a_command_line_are_left_alone(office: Office) -> None:
    """A run whose process lives is not touched; when it ends well, the table knows."""
    run = runs.create_run(office.home, "training", options={})
    boxes.write_owner(run.folder, facts=identify_process(os.getpid()))
    runs.append_event(run, Event("running", "epoch 1"))
    supervisor = office.open()
    assert supervisor.read(run.id)["state"] == "running"
    assert supervisor.count_jobs()["queued"] + supervisor.count_jobs()["running"] == 1
    runs.append_event(run, DONE)
    supervisor.wait(run.id, 10)
    assert supervisor.read(run.id)["state"] == "done"
    assert office.workers == []


def test_supervision_is_cheap(office: Office) -> None:
    """Watching one running job for a second costs less than a twentieth of a core."""
    supervisor = office.open()
    job = office.submit(supervisor)
    office.await_worker(0).begin()
    process = psutil.Process()
    before = sum(process.cpu_times()[:2])
    supervisor.wait(job, 1.0)
    assert sum(process.cpu_times()[:2]) - before < 0.05
