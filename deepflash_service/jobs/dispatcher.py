"""The thread that hands jobs to workers and notices their ends.

One thread looks at the job in each lane's hand; requests only change files, rows and flags
under the lock and wake it. The run folders hold the truth, so a restarted service finds
everything again.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from deepflash_service.errors import DeepFlashError
from deepflash_service.jobs import endings
from deepflash_service.jobs.lanes import Lane
from deepflash_service.jobs.processes import adopt_worker, is_process_alive
from deepflash_service.jobs.table import add_missing
from deepflash_service.records import FINAL_STATES
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deepflash_service.jobs.processes import WorkerHandle
    from deepflash_service.jobs.table import JobRow, JobTable
    from deepflash_service.store.events import Event
    from deepflash_service.store.mailbox import WorkerRole
    from deepflash_service.store.runs import Run

_LOGGER = logging.getLogger(__name__)
_BUSY_SECONDS = {"warm": 0.03, "training": 0.25}
_FOREIGN_SECONDS = 2.0
_IDLE_SECONDS = 60.0
_CANCEL_GRACE_SECONDS = 5.0
UNFINISHED = ("queued", "running", "stopping")


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
        self.is_closing = False
        self._wake = threading.Event()
        self._recovered = threading.Event()
        self._foreign: dict[str, Run] = {}
        self._warm = Lane("warm", frozenset({"segmentation", "evaluation"}))
        self._training = Lane("training", frozenset({"training"}))
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
        return run.id in {self._warm.job_id, self._training.job_id, *self._foreign}

    def find_warm_worker(self) -> WorkerHandle | None:
        """Return the worker for short jobs, if one was started."""
        return self._warm.worker

    def settle(self, run: Run, event: Event) -> None:
        """Write an event to the run, store it in the table and tell those who wait."""
        runs.append_event(run, event)
        self._table.update(runs.read_job(run), worker="")
        self.ended.notify_all()

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
        for lane in (self._warm, self._training):
            self._observe(lane)
            self._feed(lane)
            lane.sweep_retired()
        self._observe_foreign()
        busy = [_BUSY_SECONDS[lane.role] for lane in (self._warm, self._training) if lane.run]
        if self._foreign:
            busy.append(_FOREIGN_SECONDS)
        return min(busy, default=_IDLE_SECONDS)

    def _observe(self, lane: Lane) -> None:
        run, worker = lane.run, lane.worker
        if run is None or worker is None:
            return
        is_alive = worker.is_alive()
        if (lane.has_news() or not is_alive) and self._note_end(run):
            lane.release()
        elif not is_alive:
            lane.release()
            self._lose(run, worker)
        elif lane.is_cancel_overdue(_CANCEL_GRACE_SECONDS):
            worker.kill()
        if not is_alive and lane.worker is worker:
            lane.worker = None
            boxes.remove_mailbox(worker.mailbox)

    def _feed(self, lane: Lane) -> None:
        while lane.run is None and lane.may_have_queue:
            row = self._find_next(lane)
            if row is None:
                lane.may_have_queue = False
                return
            run = runs.open_run(self._home, row.id)
            if runs.is_cancel_requested(run):
                self.settle(run, endings.withdraw(run))
            else:
                self._hand_over(lane, run, row)

    def _find_next(self, lane: Lane) -> JobRow | None:
        rows = self._table.list_states(("queued",))
        return next((row for row in rows if row.kind in lane.kinds), None)

    def _hand_over(self, lane: Lane, run: Run, row: JobRow) -> None:
        try:
            if lane.worker is None or not lane.worker.is_alive():
                lane.worker = self._launch(self._home, lane.role)
            boxes.post_job(lane.worker.mailbox, run.id)
            if lane.role == "training":
                boxes.request_quit(lane.worker.mailbox)
        except (OSError, DeepFlashError) as error:
            _LOGGER.exception("no worker could be started")
            self.settle(run, endings.failed("setup_fault", f"No worker could be started: {error}"))
            return
        lane.take(run)
        job = {**runs.read_job(run), "state": "running"}
        self._table.update(job, worker=lane.worker.mailbox.id, attempts=row.attempts + 1)

    def _observe_foreign(self) -> None:
        """Look after jobs that a command line runs on the same home folder."""
        for job_id, run in list(self._foreign.items()):
            if self._note_end(run) or not is_process_alive(boxes.read_owner(run.folder)):
                del self._foreign[job_id]
                self._lose(run, None)

    def _note_end(self, run: Run) -> bool:
        """Store the end of a job in the table; False when it has not ended."""
        job = runs.read_job(run)
        if job["state"] not in FINAL_STATES:
            return False
        self._table.update(job, worker="")
        self.ended.notify_all()
        return True

    def _lose(self, run: Run, worker: WorkerHandle | None, *, is_watched: bool = True) -> None:
        """Give a job whose process is gone its plain end, or queue it once more."""
        if self._note_end(run):
            return
        row = self._table.find(run.id)
        code = worker.read_exit_code() if worker else None
        if worker is not None:
            endings.keep_log(run, worker.mailbox)
        attempts = row.attempts if row else 0
        event = endings.judge_loss(run, exit_code=code, attempts=attempts, is_watched=is_watched)
        _LOGGER.warning("job %s lost its process (exit code %s): %s", run.id, code, event.state)
        self.settle(run, event)
        self.wake()

    def _recover(self) -> None:
        add_missing(self._table, self._home)
        self._adopt_workers()
        in_hand = {self._warm.job_id, self._training.job_id}
        for row in self._table.list_states(UNFINISHED):
            run = runs.open_run(self._home, row.id)
            if row.id in in_hand or self._note_end(run):
                continue
            if is_process_alive(boxes.read_owner(run.folder)):
                self._foreign[run.id] = run
            elif runs.read_job(run)["state"] != "queued" or row.state != "queued":
                self._lose(run, None, is_watched=False)

    def _adopt_workers(self) -> None:
        lanes = {"warm": self._warm, "training": self._training}
        for mailbox in boxes.list_mailboxes(self._home):
            worker = adopt_worker(mailbox)
            if worker is None:
                boxes.remove_mailbox(mailbox)
                continue
            lane = lanes[boxes.read_worker(mailbox).get("role", "warm")]
            posted = boxes.list_posted(mailbox)
            if lane.worker is not None or (not posted and boxes.is_quit_requested(mailbox)):
                boxes.request_quit(mailbox)
                continue
            lane.worker = worker
            if posted:
                lane.take(runs.open_run(self._home, posted[0]))
            _LOGGER.info("adopted %s with job %s", mailbox.id, lane.job_id)
