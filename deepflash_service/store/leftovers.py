"""What killed processes left half-written in a folder of results that several write into."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from deepflash_service.errors import SetupError
from deepflash_service.store.atomic import TEMPORARY_PREFIX, explain_disk_fault
from deepflash_service.store.image_records import FOLDER
from deepflash_service.store.locks import FileLock, probe_lock
from deepflash_service.store.scratch import remove_abandoned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PREFIX = "writer-"
_LOCK_SECONDS = 1.0
_OLD_SECONDS = 24 * 3600.0


@contextmanager
def announce_writer(output: Path) -> Iterator[None]:
    """Let others know, while the block runs, that this process writes into a folder of results.

    The sign is a lock, so that it ends with the process, in whatever way.

    Parameters
    ----------
    output : Path
        Folder of the results.

    Raises
    ------
    SetupError
        Codes ``disk_full`` and ``disk_fault``.
    """
    path = output / FOLDER / f"{_PREFIX}{uuid4().hex[:12]}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock_new(path)
    except OSError as error:
        raise explain_disk_fault(path, error) from error
    try:
        yield
    finally:
        lock.release()
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _lock_new(path: Path) -> FileLock:
    while True:
        lock = FileLock(path)
        lock.acquire(seconds=_LOCK_SECONDS)
        # whoever cleans up may have removed it before it was locked
        if path.exists():
            return lock
        lock.release()


def remove_leftovers(output: Path) -> None:
    """Remove what killed processes left half-written; what a living one writes stays.

    While another process has announced itself, and where the file system knows no locks, only
    what is older than a day is removed.

    Parameters
    ----------
    output : Path
        Folder of the results.
    """
    folders = (output, output / FOLDER, output / FOLDER / "images", output / FOLDER / "shards")
    # listed before writers are looked for: who begins later owns nothing in this list
    found = [path for folder in folders for path in folder.glob(f"{TEMPORARY_PREFIX}*")]
    is_alone = not _find_writers(output)
    for path in found:
        with suppress(OSError, SetupError):
            if path.is_dir():
                remove_abandoned(path, even_unlocked=_is_old(path))
            elif is_alone or _is_old(path):
                path.unlink()


def _find_writers(output: Path) -> list[Path]:
    found = []
    for path in (output / FOLDER).glob(f"{_PREFIX}*"):
        try:
            is_held = probe_lock(path)
            if is_held is False or (is_held is None and _is_old(path)):
                path.unlink(missing_ok=True)
                continue
        except OSError:
            pass
        found.append(path)
    return found


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _OLD_SECONDS
