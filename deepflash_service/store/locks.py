"""A lock that one process holds on a home folder; the system frees it when the process ends."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def hold_lock(path: Path) -> Iterator[bool]:
    """Hold an exclusive lock on a file while the block runs.

    Yields
    ------
    bool
        False when another process holds it.
    """
    with path.open("ab") as stream:
        is_mine = _try_lock(stream)
        yield is_mine


def _try_lock(stream: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
