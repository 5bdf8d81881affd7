"""Workers that are done, adopted, or in each other's way."""

from __future__ import annotations

import os

import pytest

from deepflash_service.errors import SetupError
from deepflash_service.jobs import lanes
from deepflash_service.jobs.processes import identify_process
from deepflash_service.jobs.table import JobTable
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.custody import hold_run
from deepflash_service.store.events import Event
from tests.unit.jobs.conftest import Office, await_that

DONE = Event("done", "Done.")


def test_a_job_in_other_hands_is_not_handed_over(office: Office) -> None:
    """A queued job that another process holds waits until that process has left it."""
    supervisor = office.open()
    run = office.make_run()
    with hold_run(run):
        supervisor.submit(run)
        other = office.submit(supervisor)
        worker = office.await_worker(0)
        assert boxes.list_posted(worker.mailbox) == [other]
        worker.finish(worker.begin(), DONE)
        supervisor.wait(other, 10)
        assert boxes.list_posted(worker.mailbox) == []
    assert worker.begin().id == run.id


def test_a_worker_that_lingers_after_a_training_is_ended(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device is free although a library hangs at the end of the process."""
    monkeypatch.setattr(lanes, "_FAREWELL_SECONDS", 0.05)
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    worker = office.await_worker(0)
    worker.finish(worker.begin(), DONE)
    assert supervisor.wait(job, 10)["state"] == "done"
    await_that(lambda: worker.was_killed)
    await_that(lambda: not worker.mailbox.folder.exists())


def test_a_worker_that_lingers_after_a_cancel_is_ended_in_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time counts from the request, not from the last event."""
    monkeypatch.setattr(lanes, "CANCEL_SECONDS", 0.3)
    supervisor = office.open()
    job = office.submit(supervisor, "training")
    worker = office.await_worker(0)
    run = worker.begin()
    supervisor.cancel(job)
    await_that(lambda: supervisor._dispatcher._training._cancel_seen is not None)
    worker.finish(run, Event("cancelled", "Cancelled."))
    assert supervisor.wait(job, 10)["state"] == "cancelled"
    await_that(lambda: worker.was_killed, seconds=5)


def _post_adopted(office: Office, kind: str) -> tuple[boxes.Mailbox, runs.Run]:
    box = boxes.create_mailbox(office.home, f"{kind}-old")
    role = "training" if kind == "training" else "warm"
    boxes.write_worker(box, facts={**identify_process(os.getpid()), "role": role})
    run = office.make_run("training" if kind == "training" else "segmentation")
    boxes.post_job(box, run.id)
    runs.append_event(run, Event("running", "Started."))
    return box, run


def test_an_adopted_training_worker_ends_with_its_job(office: Office) -> None:
    """The service was killed between handing over the job and asking the worker to quit."""
    box, run = _post_adopted(office, "training")
    supervisor = office.open()
    assert not boxes.is_quit_requested(box)
    runs.append_event(run, DONE)
    boxes.clear_job(box, run.id)
    assert supervisor.wait(run.id, 10)["state"] == "done"
    assert boxes.is_quit_requested(box)


def test_a_second_attempt_to_take_up_spares_the_adopted_worker(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the table could not be read at first, the worker is not mistaken for a second one."""
    box, run = _post_adopted(office, "warm")
    list_all, tries = JobTable.list_all_states, []

    def fail_once(table: JobTable) -> dict[str, str]:
        tries.append(table)
        if len(tries) == 1:
            raise SetupError("The table is locked.", code="table_fault")
        return list_all(table)

    monkeypatch.setattr(JobTable, "list_all_states", fail_once)
    supervisor = office.open()
    assert len(tries) == 2
    assert not boxes.is_quit_requested(box)
    assert supervisor._dispatcher._warm.job_id == run.id
