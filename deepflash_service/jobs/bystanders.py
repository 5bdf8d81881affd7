"""Jobs that no lane has in hand, but that need to be looked after.

Some are worked on by other processes (a command line, a batch system), some lost their
process while the disk was full, some wait until the disk has room again.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from deepflash_service.jobs import endings
from deepflash_service.jobs.ledger import is_passing, is_worked_on
from deepflash_service.store import runs
from deepflash_service.store.custody import is_entrusted
from deepflash_service.store.disk import free_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepflash_service.jobs.ledger import Ledger
    from deepflash_service.store.runs import Run

LOOK_SECONDS = 2.0
"""How often these jobs are looked at."""
_LEAST_ROOM = 64 * 1024**2
_BEGIN_SECONDS = 60.0


class Bystanders:
    """The jobs beside the lanes of one home folder.

    Parameters
    ----------
    ledger : Ledger
        Where their ends are written.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._foreign: dict[str, tuple[Run, float]] = {}
        self._parked: dict[str, Run] = {}
        self._due = 0.0

    def __bool__(self) -> bool:
        return bool(self._foreign or self._parked)

    @property
    def foreign_ids(self) -> frozenset[str]:
        """Ids of the jobs in the hand of other processes."""
        return frozenset(self._foreign)

    def watch(self, run: Run) -> None:
        """Look after a job that another process works on, or was about to."""
        if run.id not in self._foreign:
            self._foreign[run.id] = (run, time.monotonic())
            self._due = 0.0

    def park(self, run: Run) -> None:
        """Let a training that stopped on a full disk go on when there is room."""
        if _find_full_disk(run) is not None and is_entrusted(run):
            self._parked[run.id] = run

    def observe(self) -> bool:
        """Note what became of the jobs; True when one needs no more care."""
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + LOOK_SECONDS
        before = len(self._foreign) + len(self._parked)
        for run, since in list(self._foreign.values()):
            if self._ask(run, partial(self._has_left, since=since)):
                del self._foreign[run.id]
        for run in list(self._parked.values()):
            if self._ask(run, self._has_room):
                del self._parked[run.id]
        return len(self._foreign) + len(self._parked) < before

    def _ask(self, run: Run, question: Callable[[Run], bool]) -> bool:
        """Return the answer; on a full disk it is asked again, other faults end the job."""
        try:
            return question(run)
        except Exception as error:  # noqa: BLE001 - one damaged folder holds up no other job
            if not is_passing(error):
                self._ledger.set_aside(run.id, error)
            return not is_passing(error)

    def _has_left(self, run: Run, *, since: float) -> bool:
        if not run.folder.exists():
            return True
        if self._ledger.note_end(run):
            self.park(run)
            return True
        if is_worked_on(run):
            return False
        is_beginning = runs.read_state(run) == "queued" and not is_entrusted(run)
        if is_beginning and time.monotonic() - since < _BEGIN_SECONDS:
            return False
        # a process that ended between the two questions above has told its end
        self._ledger.lose(run, None)
        return True

    def _has_room(self, run: Run) -> bool:
        """Queue a parked job again when the disk has room; True when it needs no more care."""
        error = _find_full_disk(run)
        if error is None:
            return True
        needed = int(error.get("details", {}).get("needed_bytes") or 0)
        if free_bytes(run.folder) < (needed + needed // 10 or _LEAST_ROOM):
            return False
        self._go_on(run)
        return True

    def _go_on(self, run: Run) -> None:
        from deepflash_service.store.checkpoints import read_progress

        losses = endings.read_losses(run).note(read_progress(run))
        if losses.count >= endings.MOST_LOSSES:
            self._ledger.settle(run, endings.give_up(run, losses=losses))
            return
        text = f"The disk has room again. {endings.tell_again(losses.steps)}"
        self._ledger.settle(run, endings.queued(text, losses=losses))


def _find_full_disk(run: Run) -> dict[str, Any] | None:
    """Return the fault of a job that a full disk interrupted; None for any other job."""
    job = runs.read_summary(run)
    error: dict[str, Any] = job["error"] or {}
    is_full = job["state"] == "interrupted" and error.get("code") == "disk_full"
    return error if is_full else None
