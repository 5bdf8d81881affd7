"""Writes what happens to jobs: into their folders, which hold the truth, and into the table."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from deepflash_service.errors import DeepFlashError
from deepflash_service.jobs import endings
from deepflash_service.jobs.exits import Exit
from deepflash_service.jobs.processes import is_process_alive
from deepflash_service.records import FINAL_STATES
from deepflash_service.store import runs
from deepflash_service.store.custody import is_held, read_owner
from deepflash_service.store.memory_kills import has_memory_kill_since

if TYPE_CHECKING:
    import threading

    from deepflash_service.jobs.processes import WorkerHandle
    from deepflash_service.jobs.table import JobTable
    from deepflash_service.store.events import Event
    from deepflash_service.store.runs import Run

_LOGGER = logging.getLogger(__name__)
ENDED = FINAL_STATES | {"interrupted"}


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

    @property
    def unsaved_ids(self) -> frozenset[str]:
        """Ids of the jobs whose rows are older than their folders: they could not be written."""
        return frozenset(self._unsaved)

    def settle(self, run: Run, *events: Event) -> None:
        """Write events to the run, store it in the table and tell those who wait.

        Raises
        ------
        SetupError
            Code ``disk_full``: nothing was written.
        """
        runs.append_event(run, *events)
        self.store(run)
        self._ended.notify_all()

    def store(self, run: Run, *, state: str | None = None) -> None:
        """Store the present JSON of a job in the table, now or as soon as there is room."""
        job = runs.read_job(run)
        try:
            self._table.update(job if state is None else {**job, "state": state})
            self._unsaved.pop(run.id, None)
        except DeepFlashError as error:
            _LOGGER.warning("the row of %s could not be stored: %s", run.id, error.message)
            self._unsaved[run.id] = run

    def store_unsaved(self) -> None:
        """Try again what could not be stored."""
        for run in list(self._unsaved.values()):
            self.store(run)

    def note_end(self, run: Run) -> bool:
        """Store the end of a job in the table; False when it has not ended."""
        if runs.read_state(run) not in ENDED:
            return False
        self.store(run)
        self._ended.notify_all()
        return True

    def lose(self, run: Run, worker: WorkerHandle | None, *, is_watched: bool = True) -> None:
        """Give a job whose process is gone its plain end, or queue it once more.

        Raises
        ------
        SetupError
            Code ``disk_full``: ask again later.
        """
        if self.note_end(run):
            return
        output = endings.keep_log(run, worker.mailbox) if worker else b""
        end = Exit(
            code=worker.read_exit_code() if worker else None,
            is_watched=is_watched,
            had_memory_kill=has_memory_kill_since(read_owner(run).get("memory_kills") or {}),
            output=output,
        )
        events = endings.judge_loss(run, end)
        self.settle(run, *events)
        state = events[-1].state
        _LOGGER.warning("job %s lost its process (exit code %s): %s", run.id, end.code, state)


def is_worked_on(run: Run) -> bool:
    """Say whether a process works on the run."""
    answer = is_held(run)
    return is_process_alive(read_owner(run)) if answer is None else answer
