"""A home folder, and workers that do what a test tells them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deepflash_service.jobs.supervisor import Supervisor
from deepflash_service.records import JobKind
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.custody import entrust_to_service
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.events import Event
from deepflash_service.store.mailbox import Mailbox, WorkerRole


@dataclass
class PuppetWorker:
    """A worker without a process: the test writes its events and lets it die."""

    home: Path
    role: WorkerRole
    mailbox: Mailbox
    exit_code: int | None = None
    is_dead: bool = False
    was_killed: bool = False

    def is_alive(self) -> bool:
        """Say whether the test let it die."""
        return not self.is_dead

    def read_exit_code(self) -> int | None:
        """Return what the test set."""
        return self.exit_code

    def kill(self) -> None:
        """Die as the supervisor wishes."""
        self.was_killed = True
        self.die(-9)

    def die(self, exit_code: int | None) -> None:
        """Die with an exit code."""
        self.exit_code = exit_code
        self.is_dead = True

    def begin(self) -> runs.Run:
        """Take the job in hand and say that it runs."""
        (job_id,) = await_that(lambda: boxes.list_posted(self.mailbox))
        run = runs.open_run(self.home, job_id)
        runs.append_event(run, Event("running", "Started."))
        return run

    def finish(self, run: runs.Run, event: Event) -> None:
        """Write the last event of a job and clear it."""
        runs.append_event(run, event)
        boxes.clear_job(self.mailbox, run.id)


@dataclass
class Office:
    """A home folder with a supervisor and its puppets."""

    home: Path
    workers: list[PuppetWorker] = field(default_factory=list)
    supervisors: list[Supervisor] = field(default_factory=list)
    can_launch: bool = True

    def open(self) -> Supervisor:
        """Start a (further) supervisor on the home folder."""
        supervisor = Supervisor(self.home, launch=self._launch)
        self.supervisors.append(supervisor)
        supervisor.start()
        await_that(supervisor.is_ready)
        return supervisor

    def _launch(self, home: Path, role: WorkerRole) -> PuppetWorker:
        if not self.can_launch:
            raise OSError("no more processes")
        box = boxes.create_mailbox(home, f"{role}-{len(self.workers)}")
        self.workers.append(PuppetWorker(home, role, box))
        return self.workers[-1]

    def submit(self, supervisor: Supervisor, kind: JobKind = "segmentation") -> str:
        """Queue a job and return its id."""
        return str(supervisor.submit(self.make_run(kind))["id"])

    def make_run(self, kind: JobKind = "segmentation") -> runs.Run:
        """Make the folder of a job that services look after."""
        run = runs.create_run(self.home, kind, options={"model": "m"})
        entrust_to_service(run)
        return run

    def await_worker(self, number: int) -> PuppetWorker:
        """Return the worker with this number as soon as it was launched."""
        await_that(lambda: len(self.workers) > number)
        return self.workers[number]


def await_that(condition: Callable[[], Any], *, seconds: float = 10.0) -> Any:
    """Return the first true answer of `condition`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        threading.Event().wait(0.002)
    pytest.fail("what was awaited did not happen in time")


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return the steps that the checkpoints of each job hold, for the test to fill."""
    steps: dict[str, int] = {}

    def read(run: runs.Run) -> int:
        return steps.get(run.id, 0)

    monkeypatch.setattr("deepflash_service.store.checkpoints.read_progress", read)
    return steps


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Return a home folder whose workers are puppets."""
    prepare_home(tmp_path)
    office = Office(tmp_path)
    yield office
    for supervisor in office.supervisors:
        supervisor.close()
