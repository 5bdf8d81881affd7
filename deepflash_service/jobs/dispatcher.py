"""The thread that hands jobs to workers and notices their ends.

One thread looks at the job in each lane's hand; requests only change files, rows and flags
under the lock and wake it. The run folders hold the truth, so a restarted service finds
everything again.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deepflash_service.errors import DeepFlashError, NotFoundError
from deepflash_service.jobs import endings
from deepflash_service.jobs.bystanders import LOOK_SECONDS, Bystanders
from deepflash_service.jobs.lanes import Lane, adopt_workers
from deepflash_service.jobs.ledger import Ledger, is_passing, is_worked_on
from deepflash_service.records import ENDED_STATES
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.custody import is_entrusted
from deepflash_service.store.disk import explain_full_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from deepflash_service.jobs.processes import WorkerHandle
    from deepflash_service.jobs.table import JobTable
    from deepflash_service.store.mailbox import WorkerRole
    from deepflash_service.store.runs import Run

_LOGGER = logging.getLogger(__name__)
_BUSY_SECONDS = {"warm": 0.03, "training": 0.25}
_IDLE_SECONDS = 60.0
UNFINISHED = ("queued", "running", "stopping")
_OVER = ("done", "cancelled")
_SETTLED_NANOSECONDS = 1_000_000_000


class Dispatcher:
    """Queue, hand-over, adoption and lost workers of one home folder.

    Parameters
    ----------
    home : Path
        Home folder.
    table : JobTable
        Its job table.
    launch : callable
        Starts a worker of a role.
    """

    def __init__(
        self,
        home: Path,
        *,
        table: JobTable,
        launch: Callable[[Path, WorkerRole], WorkerHandle],
    ) -> None:
        self._home = home
        self._table = table
        self._launch = launch
        self.lock = threading.RLock()
        self.ended = threading.Condition(self.lock)
        self.ledger = Ledger(table, ended=self.ended)
        self.is_closing = False
        self._wake = threading.Event()
        self._recovered = threading.Event()
        self._beside = Bystanders(self.ledger)
        self._warm = Lane("warm", frozenset({"segmentation", "evaluation"}))
        self._training = Lane("training", frozenset({"training"}))
        self._lanes = {"warm": self._warm, "training": self._training}
        self._known: set[str] = set()
        self._runs_changed = 0
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the thread: it first takes up what an earlier service left, then the queue."""
        self._thread.start()

    def is_ready(self) -> bool:
        """Say whether the jobs of an earlier service were taken up and the thread lives."""
        return self._recovered.is_set() and self._thread.is_alive() and not self.is_closing

    def close(self, *, timeout: float) -> None:
        """End the thread; workers finish what they have in hand and can be adopted later."""
        with self.lock:
            self.is_closing = True
            if self._warm.worker is not None:
                boxes.request_quit(self._warm.worker.mailbox)
            self.ended.notify_all()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def wake(self) -> None:
        """Make the thread look at the queue and the requests now."""
        self._warm.may_have_queue = self._training.may_have_queue = True
        self._wake.set()

    def is_in_hand(self, run: Run) -> bool:
        """Say whether some process works on the run (else it waits, or was interrupted)."""
        return run.id in self._list_in_lanes() | self._beside.foreign_ids

    def list_changing(self) -> frozenset[str]:
        """Return the ids of jobs whose folders may tell more than their rows."""
        return self._beside.foreign_ids | self.ledger.unsaved_ids

    def find_warm_worker(self) -> WorkerHandle | None:
        """Return the worker for short jobs, if one was started."""
        return self._warm.worker

    def take_up_folders(self) -> None:
        """Take up run folders that other programs made since the last call."""
        changed = (self._home / "runs").stat().st_mtime_ns
        if changed == self._runs_changed or not self._recovered.is_set():
            return
        for run in runs.list_runs(self._home, known=self._known):
            with self._guard(run.id):
                self.look_at(run)
        if time.time_ns() - changed > _SETTLED_NANOSECONDS:
            # clocks of file systems are coarse: a folder may come with the same time stamp
            self._runs_changed = changed

    def enter(self, run: Run) -> None:
        """Add the row of a run, if it has none."""
        self._table.add(runs.read_summary(run))
        self._known.add(run.id)

    def look_at(self, run: Run) -> None:
        """Find out in whose hand a run is that no lane holds, and note it."""
        if run.id not in self._known:
            self.enter(run)
        if run.id in self._list_in_lanes():
            return
        state = runs.read_state(run)
        if is_worked_on(run) or (state == "queued" and not is_entrusted(run)):
            self._beside.watch(run)
            self.ledger.store(run)
            self._wake.set()
        elif self.ledger.note_end(run):
            self._beside.park(run)
        elif state == "queued":
            self.ledger.store(run)
        else:
            self._lose(run, None, is_watched=False)

    def _list_in_lanes(self) -> set[str | None]:
        return {self._warm.job_id, self._training.job_id}

    def _run(self) -> None:
        pause = 0.0
        while not self.is_closing:
            try:
                with self.lock:
                    if not self._recovered.is_set():
                        self._recover()
                        self._recovered.set()
                    pause = self._tick()
            except Exception:
                _LOGGER.exception("supervision failed once; it goes on")
                pause = 1.0
            self._wake.wait(pause)
            self._wake.clear()

    def _tick(self) -> float:
        is_held_up = False
        for lane in self._lanes.values():
            try:
                self._observe(lane)
                self._feed(lane)
            except (DeepFlashError, OSError) as error:
                # most likely a full disk: the same is tried again until there is room
                _LOGGER.warning("the %s lane is held up: %s", lane.role, error)
                is_held_up = True
            lane.sweep_retired()
        if self._beside.observe():
            self.wake()
        self.ledger.store_unsaved()
        lanes = [lane for lane in self._lanes.values() if lane.run or lane.is_retiring]
        busy = [_BUSY_SECONDS[lane.role] for lane in lanes]
        if is_held_up or self._beside or self.ledger.unsaved_ids:
            busy.append(LOOK_SECONDS)
        return min(busy, default=_IDLE_SECONDS)

    def _observe(self, lane: Lane) -> None:
        run, worker = lane.run, lane.worker
        if run is None or worker is None:
            return
        is_alive = worker.is_alive()
        was_put_down = lane.was_put_down()
        is_settled = not is_alive or was_put_down
        if (is_settled or lane.has_news()) and self.ledger.note_end(run):
            lane.release()
            self._beside.park(run)
        elif is_settled:
            lane.release()
            self._lose(run, None if is_alive else worker)
        elif lane.is_cancel_overdue():
            worker.kill()
        if not is_alive and lane.worker is worker:
            lane.drop_worker()

    def _feed(self, lane: Lane) -> None:
        while lane.run is None and lane.may_have_queue:
            busy = self._beside.foreign_ids | self.ledger.unsaved_ids
            row = self._table.find_next(lane.kinds, without=busy)
            if row is None:
                lane.may_have_queue = False
                return
            with self._guard(row.id):
                self._begin(lane, row.id)

    def _begin(self, lane: Lane, job_id: str) -> None:
        try:
            run = runs.open_run(self._home, job_id)
        except NotFoundError:
            self._table.remove(job_id)
            return
        if runs.read_state(run) != "queued" or is_worked_on(run) or not is_entrusted(run):
            # the row is older than the folder
            self.look_at(run)
        elif runs.is_cancel_requested(run):
            self.ledger.settle(run, endings.withdraw(run))
        else:
            self._hand_over(lane, run)

    def _hand_over(self, lane: Lane, run: Run) -> None:
        try:
            if lane.worker is None or not lane.worker.is_alive():
                lane.worker = self._launch(self._home, lane.role)
            boxes.post_job(lane.worker.mailbox, run.id)
            if lane.role == "training":
                boxes.request_quit(lane.worker.mailbox)
        except (OSError, DeepFlashError) as error:
            if is_passing(error):
                raise explain_full_disk(self._home, 0, remedy="Jobs wait for room.") from error
            _LOGGER.exception("no worker could be started")
            event = endings.failed("setup_fault", f"No worker could be started: {error}")
            self.ledger.settle(run, event)
            return
        lane.take(run)
        self.ledger.store(run, state="running")

    def _lose(self, run: Run, worker: WorkerHandle | None, *, is_watched: bool = True) -> None:
        try:
            with self._guard(run.id):
                self.ledger.lose(run, worker, is_watched=is_watched)
        except (DeepFlashError, OSError) as error:
            _LOGGER.warning("the end of %s could not be written: %s", run.id, error)
            self._beside.watch(run)
        self.wake()

    @contextmanager
    def _guard(self, job_id: str) -> Iterator[None]:
        """Set a job aside whose folder cannot be used, so that it holds up no other job."""
        try:
            yield
        except Exception as error:
            if is_passing(error):
                raise
            self.ledger.set_aside(job_id, error)

    def _recover(self) -> None:
        self._runs_changed = (self._home / "runs").stat().st_mtime_ns
        adopt_workers(self._home, self._lanes)
        rows = self._table.list_all_states()
        for run in runs.list_runs(self._home):
            row_state = rows.pop(run.id, None)
            if row_state is not None:
                self._known.add(run.id)
            if row_state in _OVER:
                continue
            with self._guard(run.id):
                if row_state in ENDED_STATES and row_state == runs.read_state(run):
                    self._beside.park(run)
                else:
                    self.look_at(run)
        for ghost, row_state in rows.items():
            self._find_ghost(ghost, is_unfinished=row_state in UNFINISHED)

    def _find_ghost(self, job_id: str, *, is_unfinished: bool) -> None:
        """Remove the row of a folder that is gone; tell of one that cannot be read."""
        try:
            runs.open_run(self._home, job_id)
        except NotFoundError:
            self._table.remove(job_id)
        except DeepFlashError as error:
            if is_unfinished:
                self.ledger.set_aside(job_id, error)
            else:
                _LOGGER.warning("job %s cannot be used: %s", job_id, error)
