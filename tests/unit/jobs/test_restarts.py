"""A service that starts where another one ended, and jobs of other programs."""

from __future__ import annotations

import os

import pytest

from deepflash_service.jobs.processes import identify_process
from deepflash_service.records import JobKind
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.custody import hold_run
from deepflash_service.store.events import Event
from tests.unit.jobs.conftest import Office, await_that

DONE = Event("done", "Done.")


def test_a_restart_takes_up_queued_jobs(office: Office) -> None:
    """Jobs that waited, were copied in, or whose service died before they began, run."""
    first = office.open()
    first.close()
    jobs = {office.make_run().id for _ in range(2)}
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
    run = office.make_run()
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


@pytest.mark.parametrize("kind", ["training", "evaluation"])
def test_a_restart_takes_up_jobs_of_dead_workers(office: Office, kind: JobKind) -> None:
    """A training goes on, a short job runs again; the dead worker's folder goes."""
    box = boxes.create_mailbox(office.home, "warm-old")
    boxes.write_worker(box, facts={"pid": os.getpid(), "created": 1.0, "role": "warm"})
    run = office.make_run(kind)
    boxes.post_job(box, run.id)
    runs.append_event(run, Event("running", "Started."))
    supervisor = office.open()
    assert supervisor.read(run.id)["state"] == "queued"
    assert not box.folder.exists()
    assert office.await_worker(0).begin().id == run.id


def test_jobs_of_a_command_line_are_left_alone(office: Office) -> None:
    """A run whose process lives is not touched; when it ends well, the table knows."""
    run = runs.create_run(office.home, "training", options={})
    with hold_run(run):
        runs.append_event(run, Event("running", "epoch 1"))
        supervisor = office.open()
        assert supervisor.read(run.id)["state"] == "running"
        assert supervisor.count_jobs() == {"queued": 0, "running": 1}
        runs.append_event(run, DONE)
    supervisor.wait(run.id, 10)
    assert supervisor.read(run.id)["state"] == "done"
    assert office.workers == []
