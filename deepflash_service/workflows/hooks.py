"""What a workflow tells and asks while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from deepflash_service.errors import JobCancelled
from deepflash_service.records import IsCancelled, Progress, Report


def _ignore(_progress: Progress) -> None:
    return


def _ignore_text(_text: str) -> None:
    return


def _go_on() -> None:
    return


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Hooks:
    """Callables that a workflow uses; all optional.

    Attributes
    ----------
    report : callable
        Told how far the work is.
    warn : callable
        Told sentences that the user should read but that stop nothing.
    is_cancelled : callable
        Asked often; True ends the work with ``JobCancelled``.
    is_stopping : callable
        Asked by trainings; True ends early and keeps the best.
    share_device : callable
        Called by trainings before every step; may wait while another job has the device.
    end_early : callable
        Told why a training ends, with a usable model, although nobody stopped it.
    """

    report: Report = _ignore
    warn: Callable[[str], None] = _ignore_text
    is_cancelled: IsCancelled = _never
    is_stopping: IsCancelled = _never
    share_device: Callable[[], None] = _go_on
    end_early: Callable[[str], None] = _ignore_text

    def check(self) -> None:
        """Raise ``JobCancelled`` if the user cancelled."""
        if self.is_cancelled():
            raise JobCancelled("Cancelled by the user; nothing was kept.")

    def without_repeats(self) -> Hooks:
        """Return hooks that tell the same warning only once."""
        told: set[str] = set()

        def warn(text: str) -> None:
            if text not in told:
                told.add(text)
                self.warn(text)

        return replace(self, warn=warn)

    def for_step(self, step: int, steps: int, *, prefix: str = "") -> Hooks:
        """Return hooks whose reports count as one of several equal steps.

        Parameters
        ----------
        step : int
            0-based number of the step.
        steps : int
            How many there are.
        prefix : str, optional
            Put before each message.
        """

        def report(progress: Progress) -> None:
            whole = max(progress.maximum, 1)
            done = min(max(progress.current, 0), whole)
            self.report(
                Progress(
                    f"{prefix}{progress.message}",
                    step * whole + done,
                    steps * whole,
                    progress.metrics,
                )
            )

        return replace(self, report=report)
