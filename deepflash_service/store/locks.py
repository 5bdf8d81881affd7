"""Locks on files; the system frees them when the process that holds them ends in any way."""

from __future__ import annotations

import errno
import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from deepflash_service.store.atomic import explain_disk_fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POLL_SECONDS = 0.01
_HELD = frozenset({errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK})


class FileLock:
    """An exclusive lock on one file, for one holder among all processes and threads.

    Where the file system knows no locks, everybody gets it.

    Parameters
    ----------
    path : Path
        File to lock; made if missing, never removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: IO[bytes] | None = None

    @property
    def is_mine(self) -> bool:
        """Whether this object holds the lock."""
        return self._stream is not None

    def acquire(self, *, seconds: float = 0.0) -> bool:
        """Take the lock, waiting at most `seconds`; False when another one kept it.

        Raises
        ------
        SetupError
            As :meth:`try_acquire`.
        """
        deadline = time.monotonic() + seconds
        while not self.try_acquire():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def try_acquire(self) -> bool:
        """Take the lock if it is free.

        Raises
        ------
        SetupError
            Code ``disk_fault`` when the file may not be written.
        FileNotFoundError
            When its folder is not there (any more).
        """
        if self._stream is not None:
            return True
        try:
            stream = self._path.open("ab")
        except FileNotFoundError:
            raise
        except OSError as error:
            raise explain_disk_fault(self._path, error) from error
        if _lock(stream) is False:
            stream.close()
            return False
        self._stream = stream
        return True

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


@contextmanager
def hold_lock(path: Path, *, seconds: float = 0.0) -> Iterator[bool]:
    """Hold an exclusive lock on a file while the block runs.

    Parameters
    ----------
    path : Path
        File to lock; made if missing.
    seconds : float, optional
        How long to wait for another holder.

    Yields
    ------
    bool
        False when another process holds it.

    Raises
    ------
    SetupError
        Code ``disk_fault`` when the file may not be written.
    """
    lock = FileLock(path)
    try:
        yield lock.acquire(seconds=seconds)
    finally:
        lock.release()


def probe_lock(path: Path) -> bool | None:
    """Tell whether somebody holds the lock; None where that cannot be known.

    Nothing is written: a folder that may only be read can be looked at.
    """
    # a network disk may lock only what is open for writing
    for mode in ("rb+", "rb"):
        try:
            with path.open(mode) as stream:
                answer = _lock(stream)
        except FileNotFoundError:
            return False
        except OSError:
            continue
        return None if answer is None else not answer
    return None


def _lock(stream: IO[bytes]) -> bool | None:
    """Lock without waiting; None where the file system knows no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True
