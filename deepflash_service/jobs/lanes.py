"""One lane = one worker process and the job in its hand."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs

if TYPE_CHECKING:
    from deepflash_service.jobs.processes import WorkerHandle
    from deepflash_service.records import JobKind
    from deepflash_service.store.mailbox import WorkerRole
    from deepflash_service.store.runs import Run


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
    _retired: list[WorkerHandle] = field(default_factory=list)

    @property
    def job_id(self) -> str | None:
        """Id of the job in hand."""
        return self.run.id if self.run else None

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
            self._retired.append(self.worker)
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

    def is_cancel_overdue(self, grace_seconds: float) -> bool:
        """Say whether a cancel was asked for longer ago than the grace time."""
        if self.run is None or not runs.is_cancel_requested(self.run):
            return False
        now = time.monotonic()
        if self._cancel_seen is None:
            self._cancel_seen = now
        return now - self._cancel_seen > grace_seconds

    def sweep_retired(self) -> None:
        """Collect workers that have ended, and remove their folders."""
        for worker in list(self._retired):
            if not worker.is_alive():
                boxes.remove_mailbox(worker.mailbox)
                self._retired.remove(worker)
