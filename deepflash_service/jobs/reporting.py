"""Progress of a job, written as its events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from deepflash_service.store import runs
from deepflash_service.store.events import Event

if TYPE_CHECKING:
    from deepflash_service.records import Progress, Report
    from deepflash_service.store.runs import Run

_EVENT_SECONDS = 0.2


class Reporter:
    """Writes progress as events, at most five a second, and passes it on.

    Parameters
    ----------
    run : Run
        The job.
    report : callable, optional
        Told of everything, too.
    """

    def __init__(self, run: Run, report: Report | None = None) -> None:
        self._run = run
        self._report = report
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        """Write progress; what carries metrics or ends a job part is never left out."""
        if self._report is not None:
            self._report(progress)
        now = time.monotonic()
        is_last = progress.current >= progress.maximum > 0
        if now - self._last < _EVENT_SECONDS and not progress.metrics and not is_last:
            return
        self._last = now
        event = Event(
            state="running",
            message=progress.message,
            current=progress.current,
            maximum=progress.maximum,
            metrics=dict(progress.metrics),
        )
        runs.append_event(self._run, event)

    def tell(self, message: str) -> None:
        """Write a sentence."""
        runs.append_event(self._run, Event("running", message))
