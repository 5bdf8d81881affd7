"""Who may compute on the device: processes take turns on one GPU.

Two locks, freed by the system when a process ends in any way, make a queue of one: whoever
wants the device first takes the place next in line, then the device, then leaves the place.
A training looks before each step whether the place is taken, and if so lets the device go and
gets in line behind. So a short job waits for one step at most, and of short jobs that come one
after the other, as those of the warm worker do, the next one waits until a step was taken.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from deepflash_service.store.locks import FileLock, probe_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FOLDER = "devices"
_HOLDER = "holder.txt"
_POLL_SECONDS = 0.005
_SILENT_SECONDS = 0.5


class DeviceLease:
    """The right of one job to compute on the GPU of this computer.

    Parameters
    ----------
    home : Path
        Home folder; the locks lie in its folder ``devices``.
    who : str
        Kind and id of the job, told to those who wait for it.
    tell : callable
        Told for whom the job waits.
    check : callable
        Called while waiting; raises when the job was cancelled.
    """

    def __init__(
        self, home: Path, *, who: str, tell: Callable[[str], None], check: Callable[[], None]
    ) -> None:
        self._folder = home / _FOLDER
        self._who = who
        self._tell = tell
        self._check = check
        self._next = FileLock(self._folder / "next.lock")
        self._device = FileLock(self._folder / "device.lock")

    def hold(self) -> None:
        """Wait for the device and keep it until :meth:`release`."""
        if self._device.is_mine:
            return
        self._folder.mkdir(exist_ok=True)
        try:
            self._wait(self._next)
            self._wait(self._device)
            with suppress(OSError):
                (self._folder / _HOLDER).write_text(self._who, encoding="utf-8")
        finally:
            self._next.release()

    def share(self) -> None:
        """Keep the device, or take it; but let a job that waits for it go first."""
        if self._device.is_mine and probe_lock(self._folder / "next.lock"):
            self._device.release()
        self.hold()

    def release(self) -> None:
        """Let others have the device."""
        self._device.release()

    def _wait(self, lock: FileLock) -> None:
        start = time.monotonic()
        is_told = False
        while not lock.try_acquire():
            self._check()
            if not is_told and time.monotonic() - start > _SILENT_SECONDS:
                is_told = True
                self._tell(_describe_wait(self._read_holder()))
            time.sleep(_POLL_SECONDS)

    def _read_holder(self) -> str:
        with suppress(OSError, ValueError):
            return (self._folder / _HOLDER).read_text(encoding="utf-8") or "another job"
        return "another job"


def _describe_wait(other: str) -> str:
    end = "to pause" if other.startswith("training") else "to leave the GPU"
    return f"Waits for {other} {end}."
