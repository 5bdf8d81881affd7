"""Writes what happens to jobs: into their folders, which hold the truth, and into the table."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import DeepFlashError
from deepflash_service.jobs import endings
from deepflash_service.jobs.exits import Exit
from deepflash_service.jobs.processes import is_process_alive
from deepflash_service.records import ENDED_STATES
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.clock import format_now
from deepflash_service.store.custody import is_held, read_owner
from deepflash_service.store.disk import is_full_disk
from deepflash_service.store.memory_kills import find_memory_kill

if TYPE_CHECKING:
    import threading

    from deepflash_service.jobs.processes import WorkerHandle
    from deepflash_service.jobs.table import JobTable
    from deepflash_service.store.events import Event
    from deepflash_service.store.memory_kills import MemoryKill
    from deepflash_service.store.runs import Run

_LOGGER = logging.getLogger(__name__)
_PASSING = frozenset({"disk_full", "table_fault"})


class Ledger:
    """The book of all jobs; a full disk delays its entries and loses none.

    Parameters
    ----------
    table : JobTable
        The table of the home folder.
    ended : Condition
        Told of each settled job.
    """

    def __init__(self, table: JobTable, *, ended: threading.Condition) -> None:
        self._table = table
        self._ended = ended
        self._unsaved: dict[str, Run] = {}
        self._aside: dict[str, dict[str, Any]] = {}

    @property
    def unsaved_ids(self) -> frozenset[str]:
        """Ids of the jobs whose rows are older than their folders: they could not be written."""
        return frozenset(self._unsaved)

    def settle(self, run: Run, *events: Event) -> None:
        """Write events to the run, store it in the table and tell those who wait.

        Raises
        ------
        SetupError
            Codes ``disk_full`` and ``disk_fault``: nothing was written.
        """
        runs.append_event(run, *events)
        self._aside.pop(run.id, None)
        self.store(run)
        self._ended.notify_all()

    def store(self, run: Run, *, state: str | None = None) -> None:
        """Store the present JSON of a job in the table, now or as soon as there is room."""
        job = self.show(run)
        try:
            self._table.update(job if state is None else {**job, "state": state})
            self._unsaved.pop(run.id, None)
        except DeepFlashError as error:
            _LOGGER.warning("the row of %s could not be stored: %s", run.id, error.message)
            self._unsaved[run.id] = run

    def show(self, run: Run) -> dict[str, Any]:
        """Return the summary of a job: what its folder tells, and what could not be told there."""
        job = runs.read_summary(run)
        return job if job["state"] in ENDED_STATES else {**job, **self._aside.get(run.id, {})}

    def set_aside(self, job_id: str, error: Exception) -> None:
        """Note that a job failed whose folder cannot be used, in the table alone.

        It is not taken up again before something can be written to its folder.
        """
        row = self._table.find(job_id)
        if row is None:
            _LOGGER.error("job %s cannot be used: %s", job_id, error)
            return
        _LOGGER.error("job %s is set aside: %s", job_id, error)
        end = endings.failed(getattr(error, "code", "disk_fault"), str(error))
        ended = {"state": end.state, "message": end.message, "error": end.error}
        self._aside[job_id] = {**ended, "finished": format_now()}
        self._table.update({**json.loads(row.job), **self._aside[job_id]})
        self._unsaved.pop(job_id, None)
        self._ended.notify_all()

    def store_unsaved(self) -> None:
        """Try again what could not be stored."""
        for run in list(self._unsaved.values()):
            self.store(run)

    def note_end(self, run: Run) -> bool:
        """Store the end of a job in the table; False when it has not ended."""
        if not run.folder.exists():
            self._table.remove(run.id)
        elif has_ended(run):
            self.store(run)
        else:
            return False
        self._ended.notify_all()
        return True

    def lose(self, run: Run, worker: WorkerHandle | None, *, is_watched: bool = True) -> None:
        """Give a job whose process is gone its plain end, or queue it once more.

        Raises
        ------
        SetupError
            Codes ``disk_full`` (ask again later) and ``disk_fault``.
        """
        if self.note_end(run):
            return
        output = endings.keep_log(run, worker.mailbox) if worker else b""
        end = Exit(
            code=worker.read_exit_code() if worker else None,
            is_watched=is_watched,
            memory_kill=_find_memory_kill(run, worker),
            output=output,
        )
        events = endings.judge_loss(run, end)
        self.settle(run, *events)
        state = events[-1].state
        _LOGGER.warning("job %s lost its process (exit code %s): %s", run.id, end.code, state)


def _find_memory_kill(run: Run, worker: WorkerHandle | None) -> MemoryKill:
    """Compare the counters with what the process noted that died, not with another one's note."""
    owner = read_owner(run)
    note = owner.get("memory_kills")
    pid = boxes.read_worker(worker.mailbox).get("pid") if worker else None
    is_another = pid is not None and pid != owner.get("pid")
    if is_another or not isinstance(note, dict) or is_process_alive(owner):
        return "none"
    return find_memory_kill(note)


def has_ended(run: Run) -> bool:
    """Say whether a job has ended; one that lost its events and is to be cancelled has not."""
    job = runs.read_summary(run)
    is_lost = (job["error"] or {}).get("code") == "damaged_job"
    return job["state"] in ENDED_STATES and not (is_lost and runs.is_cancel_requested(run))


def is_worked_on(run: Run) -> bool:
    """Say whether a process works on the run."""
    answer = is_held(run)
    return is_process_alive(read_owner(run)) if answer is None else answer


def is_passing(error: Exception) -> bool:
    """Say whether a fault passes by itself: the disk is full, or the table cannot be written."""
    if isinstance(error, DeepFlashError):
        return error.code in _PASSING
    return isinstance(error, OSError) and is_full_disk(error)
