"""One lane = one worker process and the job in its hand."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepflash_service.errors import DeepFlashError
from deepflash_service.jobs.processes import adopt_worker
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deepflash_service.jobs.processes import WorkerHandle
    from deepflash_service.records import JobKind
    from deepflash_service.store.mailbox import Mailbox, WorkerRole
    from deepflash_service.store.runs import Run

_LOGGER = logging.getLogger(__name__)
CANCEL_SECONDS = 3.5
"""After this time a worker that did not follow a cancel is ended, so that 5 s suffice."""
_FAREWELL_SECONDS = 30.0


@dataclass(slots=True)
class Lane:
    """State of one lane; changed by the supervisor's thread only, under its lock.

    Parameters
    ----------
    role : {"warm", "training"}
        Kind of worker that runs here.
    kinds : frozenset of str
        Kinds of jobs that this lane takes.
    """

    role: WorkerRole
    kinds: frozenset[JobKind]
    worker: WorkerHandle | None = None
    run: Run | None = None
    may_have_queue: bool = True
    _seen_bytes: int = -1
    _cancel_seen: float | None = None
    _retired: list[tuple[WorkerHandle, float]] = field(default_factory=list)

    @property
    def job_id(self) -> str | None:
        """Id of the job in hand."""
        return self.run.id if self.run else None

    @property
    def is_retiring(self) -> bool:
        """Whether workers that are done have not ended yet."""
        return bool(self._retired)

    def take(self, run: Run) -> None:
        """Remember the job in hand."""
        self.run = run
        self._seen_bytes = -1
        self._cancel_seen = None

    def release(self) -> None:
        """Forget the job; the worker of a training ends with it."""
        self.run = None
        self.may_have_queue = True
        if self.role == "training" and self.worker is not None:
            boxes.request_quit(self.worker.mailbox)
            now = time.monotonic()
            asked = self._cancel_seen
            limit = now + _FAREWELL_SECONDS if asked is None else asked + CANCEL_SECONDS
            self._retired.append((self.worker, limit))
            self.worker = None

    def drop_worker(self) -> None:
        """Forget a worker that has ended."""
        if self.worker is not None:
            boxes.remove_mailbox(self.worker.mailbox)
            self.worker = None

    def has_news(self) -> bool:
        """Say whether the job's event file changed since the last call."""
        if self.run is None:
            return False
        try:
            size = (self.run.folder / "events.jsonl").stat().st_size
        except OSError:
            return False
        changed = size != self._seen_bytes
        self._seen_bytes = size
        return changed

    def was_put_down(self) -> bool:
        """Say whether the worker took the job out of its inbox."""
        if self.run is None or self.worker is None:
            return False
        return not boxes.is_posted(self.worker.mailbox, self.run.id)

    def is_cancel_overdue(self) -> bool:
        """Say whether a cancel was asked for longer ago than the time to follow it."""
        if self.run is None or not runs.is_cancel_requested(self.run):
            return False
        now = time.monotonic()
        if self._cancel_seen is None:
            self._cancel_seen = now
        return now - self._cancel_seen > CANCEL_SECONDS

    def sweep_retired(self) -> None:
        """Collect workers that have ended, remove their folders, end those that linger."""
        for worker, limit in list(self._retired):
            if worker.is_alive() and time.monotonic() > limit:
                worker.kill()
            if not worker.is_alive():
                boxes.remove_mailbox(worker.mailbox)
                self._retired.remove((worker, limit))


def adopt_workers(home: Path, lanes: Mapping[str, Lane]) -> None:
    """Give the live workers that an earlier service left to their lanes.

    The folder of a dead worker is removed. So is that of a worker that has not told of itself
    yet: it finds no inbox and ends, and its job is handed over again.
    """
    for mailbox in boxes.list_mailboxes(home):
        worker = adopt_worker(mailbox)
        if worker is None:
            boxes.remove_mailbox(mailbox)
            continue
        lane = lanes[boxes.read_worker(mailbox).get("role", "warm")]
        if lane.worker is not None and lane.worker.mailbox == mailbox:
            continue
        run = _find_posted(home, mailbox)
        if lane.worker is not None or (run is None and boxes.is_quit_requested(mailbox)):
            boxes.request_quit(mailbox)
            continue
        lane.worker = worker
        if run is not None:
            lane.take(run)
        _LOGGER.info("adopted %s with job %s", mailbox.id, lane.job_id)


def _find_posted(home: Path, mailbox: Mailbox) -> Run | None:
    for job_id in boxes.list_posted(mailbox):
        try:
            return runs.open_run(home, job_id)
        except DeepFlashError:
            boxes.clear_job(mailbox, job_id)
    return None
