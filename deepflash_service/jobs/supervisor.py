"""What requests may do with jobs: submit, read, wait, stop, cancel, resume."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import ConflictError, DeepFlashError
from deepflash_service.jobs import endings
from deepflash_service.jobs.dispatcher import UNFINISHED, Dispatcher
from deepflash_service.jobs.processes import launch_worker
from deepflash_service.jobs.table import JobTable
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.custody import entrust_to_service
from deepflash_service.store.discarding import remove_run
from deepflash_service.store.results import list_results

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deepflash_service.jobs.processes import WorkerHandle
    from deepflash_service.jobs.table import JobRow
    from deepflash_service.records import JobState
    from deepflash_service.store.mailbox import WorkerRole
    from deepflash_service.store.runs import Run

_IN_HAND = ("running", "stopping")


@lru_cache(maxsize=512)
def _list_kept(folder: Path, _finished: str) -> tuple[str, ...]:
    """Return the results of an ended job; read once for each time that it ended."""
    return tuple(list_results(folder))


class Supervisor:
    """Runs the jobs of one home folder in worker processes.

    Parameters
    ----------
    home : Path
        Home folder.
    launch : callable, optional
        Starts a worker; tests pass a fake.
    """

    def __init__(
        self, home: Path, *, launch: Callable[[Path, WorkerRole], WorkerHandle] = launch_worker
    ) -> None:
        self._home = home
        self._table = JobTable(home)
        self._dispatcher = Dispatcher(home, table=self._table, launch=launch)

    def start(self) -> None:
        """Start the thread: it first takes up what an earlier service left, then the queue."""
        self._dispatcher.start()

    def is_ready(self) -> bool:
        """Say whether the jobs of an earlier service were taken up and the thread lives."""
        return self._dispatcher.is_ready()

    def close(self, *, timeout: float = 5.0) -> None:
        """Stop supervising; workers finish what they have in hand and can be adopted later."""
        self._dispatcher.close(timeout=timeout)
        self._table.close()

    def submit(self, run: Run) -> dict[str, Any]:
        """Queue a new job and return its JSON.

        Raises
        ------
        ConflictError
            Code ``service_stopping``; the run stays on disk for the next start.
        SetupError
            Codes ``disk_full`` and ``table_fault``; the run is removed.
        """
        with self._dispatcher.lock:
            self._refuse_when_closing()
            try:
                self._dispatcher.enter(run)
            except DeepFlashError:
                remove_run(run)
                raise
        self._dispatcher.wake()
        return {**runs.read_summary(run), "results": []}

    def read(self, job_id: str) -> dict[str, Any]:
        """Return the present JSON of a job.

        Raises
        ------
        NotFoundError
            Code ``unknown_job``.
        """
        run = runs.open_run(self._home, job_id)
        return self._add_results(self._show(run))

    def read_state(self, job_id: str) -> JobState:
        """Return the present state of a job, without looking at its results.

        Raises
        ------
        NotFoundError
            Code ``unknown_job``.
        """
        state: JobState = self._show(runs.open_run(self._home, job_id))["state"]
        return state

    def _show(self, run: Run) -> dict[str, Any]:
        job = self._dispatcher.ledger.show(run)
        return job if job["finished"] is not None else {**job, "state": endings.show_state(run)}

    def list_jobs(self, *, limit: int = 200) -> list[dict[str, Any]]:
        """Return the JSON of the newest jobs first, also of those that other programs made."""
        with self._dispatcher.lock:
            with suppress(DeepFlashError):
                self._dispatcher.take_up_folders()
            changing = self._dispatcher.list_changing()
        return [
            self._show_row(row, is_changing=row.id in changing or row.state in _IN_HAND)
            for row in self._table.list_jobs(limit=limit)
        ]

    def wait(self, job_id: str, seconds: float) -> dict[str, Any]:
        """Return the JSON of a job when it has ended, or after `seconds`."""
        with self._dispatcher.ended:
            self._dispatcher.ended.wait_for(
                lambda: self._dispatcher.is_closing or self._is_settled(job_id), timeout=seconds
            )
        return self.read(job_id)

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Ask for the end of a job whose results are not wanted.

        Raises
        ------
        NotFoundError, ConflictError
            Codes ``unknown_job``, ``job_finished``.
        """
        with self._dispatcher.lock:
            run = self._open_unfinished(job_id)
            self._dispatcher.look_at(run)
            runs.request_cancel(run)
            if not self._dispatcher.is_in_hand(run):
                self._dispatcher.ledger.settle(run, endings.withdraw(run))
        self._dispatcher.wake()
        return self.read(job_id)

    def stop(self, job_id: str) -> dict[str, Any]:
        """Ask a training to end early and keep its best weights.

        Raises
        ------
        NotFoundError, ConflictError
            Codes ``unknown_job``, ``job_finished``, ``not_stoppable``.
        """
        with self._dispatcher.lock:
            run = self._open_unfinished(job_id)
            self._dispatcher.look_at(run)
            endings.check_stoppable(run, is_begun=self._dispatcher.is_in_hand(run))
            runs.request_stop(run)
        self._dispatcher.wake()
        return self.read(job_id)

    def resume(self, job_id: str) -> dict[str, Any]:
        """Queue an interrupted, failed or stopped training again.

        Raises
        ------
        NotFoundError, ConflictError
            Codes ``unknown_job``, ``not_resumable``.
        """
        with self._dispatcher.lock:
            self._refuse_when_closing()
            run = runs.open_run(self._home, job_id)
            self._dispatcher.look_at(run)
            endings.check_resumable(self._show(run))
            runs.clear_requests(run)
            entrust_to_service(run)
            event = endings.queued("Waits to be resumed.", losses=endings.Losses())
            self._dispatcher.ledger.settle(run, event)
        self._dispatcher.wake()
        return self.read(job_id)

    def count_jobs(self) -> dict[str, int]:
        """Return the number of queued and of running jobs."""
        counts = self._table.count_states()
        running = counts.get("running", 0) + counts.get("stopping", 0)
        return {"queued": counts.get("queued", 0), "running": running}

    def describe_device(self) -> dict[str, Any] | None:
        """Return what the warm worker told of its device; None before it loaded a model."""
        worker = self._dispatcher.find_warm_worker()
        device = boxes.read_worker(worker.mailbox).get("device") if worker else None
        return device if isinstance(device, dict) else None

    def _refuse_when_closing(self) -> None:
        if self._dispatcher.is_closing:
            raise ConflictError(
                "The service is ending and takes no new jobs. Start it again, then repeat this.",
                code="service_stopping",
            )

    def _open_unfinished(self, job_id: str) -> Run:
        run = runs.open_run(self._home, job_id)
        endings.check_unfinished(runs.read_summary(run))
        return run

    def _is_settled(self, job_id: str) -> bool:
        row = self._table.find(job_id)
        return row is None or row.state not in UNFINISHED

    def _show_row(self, row: JobRow, *, is_changing: bool) -> dict[str, Any]:
        if is_changing:
            with suppress(DeepFlashError):
                return self._add_results(self._show(runs.open_run(self._home, row.id)))
        job: dict[str, Any] = json.loads(row.job)
        return self._add_results(job)

    def _add_results(self, job: dict[str, Any]) -> dict[str, Any]:
        """Add the result files, none before the end: everybody asks, and they may be thousands."""
        if job["finished"] is None:
            return {**job, "results": []}
        folder = self._home / "runs" / job["id"] / "results"
        return {**job, "results": list(_list_kept(folder, job["finished"]))}
