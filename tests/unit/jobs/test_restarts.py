"""A service that starts where another one ended, and jobs of other programs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from deepflash_service.jobs import endings
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


@pytest.mark.parametrize("kind", ["training", "segmentation"])
def test_a_service_killed_while_it_settled_goes_on(office: Office, kind: JobKind) -> None:
    """The folder tells that the job waits again; the older row does not count as a loss."""
    run = office.make_run(kind)
    first = office.open()
    office.await_worker(0).begin()
    first.close()
    losses = endings.Losses(2, 0)
    runs.append_event(run, Event("interrupted"), endings.queued("again", losses=losses))
    boxes.remove_mailbox(office.workers[0].mailbox)
    supervisor = office.open()
    assert office.await_worker(1).begin().id == run.id
    assert endings.read_losses(run) == losses
    await_that(lambda: supervisor.count_jobs() == {"queued": 0, "running": 1})


def test_an_end_that_did_not_reach_the_table_is_found(office: Office) -> None:
    """The row said running when the service was killed; the folder says done."""
    run = office.make_run()
    first = office.open()
    worker = office.await_worker(0)
    worker.begin()
    first.close()
    worker.finish(run, DONE)
    supervisor = office.open()
    assert supervisor.count_jobs() == {"queued": 0, "running": 0}
    assert supervisor.wait(run.id, 10)["state"] == "done"


def test_a_worker_that_has_not_told_of_itself_loses_its_folder(office: Office) -> None:
    """Killed between the start of a worker and its first word: the job goes to another one."""
    run = office.make_run("training")
    box = boxes.create_mailbox(office.home, "training-booting")
    boxes.post_job(box, run.id)
    office.open()
    assert not box.inbox.exists()
    assert boxes.is_quit_requested(box)
    boxes.write_worker(box, facts=identify_process(os.getpid()))
    assert not box.folder.exists()
    assert office.await_worker(0).begin().id == run.id


def test_a_worker_that_was_quicker_keeps_its_job(office: Office) -> None:
    """It holds the run although its mailbox is gone; nobody else gets the job, its end counts."""
    run = office.make_run("training")
    with hold_run(run):
        supervisor = office.open()
        runs.append_event(run, Event("running", "Started."))
        office.submit(supervisor)
        office.await_worker(0)
        assert [worker.role for worker in office.workers] == ["warm"]
        runs.append_event(run, DONE)
    assert supervisor.wait(run.id, 10)["state"] == "done"


def test_two_workers_of_one_role_are_not_both_kept(office: Office) -> None:
    """The second is asked to end; the job in its hand is done once."""
    run = office.make_run()
    for name in ("warm-1", "warm-2"):
        box = boxes.create_mailbox(office.home, name)
        boxes.write_worker(box, facts={**identify_process(os.getpid()), "role": "warm"})
    second = boxes.open_mailbox(office.home, "warm-2")
    boxes.post_job(second, run.id)
    with hold_run(run):
        runs.append_event(run, Event("running", "Started."))
        supervisor = office.open()
        assert boxes.is_quit_requested(second)
        assert boxes.list_posted(boxes.open_mailbox(office.home, "warm-1")) == []
        runs.append_event(run, DONE)
    assert supervisor.wait(run.id, 10)["state"] == "done"
    assert office.workers == []


def test_jobs_of_other_programs_appear_without_a_restart(office: Office) -> None:
    """They are listed and followed; a service neither starts nor resumes them by itself."""
    supervisor = office.open()
    waiting = runs.create_run(office.home, "training", options={})
    running = runs.create_run(office.home, "segmentation", options={})
    with hold_run(running):
        runs.append_event(running, Event("running", "image 1 of 9"))
        listed = {job["id"]: job["state"] for job in supervisor.list_jobs()}
        assert listed == {waiting.id: "queued", running.id: "running"}
        runs.append_event(running, DONE)
    assert supervisor.wait(running.id, 10)["state"] == "done"
    runs.append_event(waiting, Event("running", "epoch 1"))
    ended = supervisor.wait(waiting.id, 10)
    assert ended["state"] == "interrupted"
    assert "resume the training" in ended["message"]
    assert office.workers == []


def test_listing_again_reads_no_folder_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known folders cost nothing, and no folder at all is looked at while none was added."""
    supervisor = office.open()
    for _ in range(3):
        runs.create_run(office.home, "training", options={})
    loads = []
    load = runs._load

    def load_and_note(folder: Path) -> runs.Run:
        loads.append(folder.name)
        return load(folder)

    monkeypatch.setattr(runs, "_load", load_and_note)
    runs_of = supervisor._dispatcher
    runs_of.take_up_folders()
    assert len(loads) == 3
    runs_of.take_up_folders()
    assert len(loads) == 3


def test_a_job_of_a_command_line_is_handed_over_by_resume(office: Office) -> None:
    """From then on the service looks after it."""
    run = runs.create_run(office.home, "training", options={})
    runs.append_event(run, Event("running", "epoch 1"))
    supervisor = office.open()
    assert supervisor.wait(run.id, 10)["state"] == "interrupted"
    assert supervisor.resume(run.id)["state"] == "queued"
    for number in range(2):
        assert office.await_worker(number).begin().id == run.id
        office.workers[number].die(-9)
    worker = office.await_worker(2)
    worker.finish(worker.begin(), DONE)
    assert supervisor.wait(run.id, 10)["state"] == "done"


def test_a_training_that_a_command_line_took_up_meanwhile_is_seen(office: Office) -> None:
    """Its row says interrupted since the last service; now another process works on it."""
    first = office.open()
    run = runs.create_run(office.home, "training", options={})
    runs.append_event(run, Event("interrupted", "Lost."))
    assert [job["state"] for job in first.list_jobs()] == ["interrupted"]
    first.close()
    with hold_run(run):
        runs.append_event(run, Event("running", "epoch 2"))
        second = office.open()
        assert second.count_jobs() == {"queued": 0, "running": 1}
        runs.append_event(run, DONE)
    assert second.wait(run.id, 10)["state"] == "done"


def test_rows_without_folders_go(office: Office) -> None:
    """A folder that somebody removed blocks neither the list nor the queue."""
    first = office.open()
    gone = office.submit(first)
    office.await_worker(0)
    waiting = office.submit(first)
    first.close()
    boxes.remove_mailbox(office.workers[0].mailbox)
    for job in (gone, waiting):
        shutil.rmtree(office.home / "runs" / job)
    second = office.open()
    assert second.list_jobs() == []
    office.submit(second)
    worker = office.await_worker(1)
    worker.finish(worker.begin(), DONE)
