"""Folders for results in the making that outgrow the memory; nothing of them survives."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from deepflash_service.store.atomic import TEMPORARY_PREFIX, explain_disk_fault, move_file
from deepflash_service.store.locks import FileLock, probe_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_LOCK = "lock"


@contextmanager
def open_scratch(output: Path, name: str) -> Iterator[Path]:
    """Yield an empty hidden folder beside results; it is removed when the block ends in any way.

    What a killed process left under the same name is removed first. A folder that a living
    process uses is left alone, and another one is made.

    Parameters
    ----------
    output : Path
        Folder of the results, on the same disk.
    name : str
        Name of the results.

    Raises
    ------
    SetupError
        Codes ``disk_full`` and ``disk_fault``.
    """
    folder = output / f"{TEMPORARY_PREFIX}{name}"
    try:
        lock = _claim(folder)
        while lock is None:
            folder = output / f"{TEMPORARY_PREFIX}{name}-{uuid4().hex[:12]}"
            lock = _claim(folder)
        _empty(folder)
    except OSError as error:
        raise explain_disk_fault(folder, error) from error
    try:
        yield folder
    finally:
        _remove(folder, lock)


def remove_abandoned(folder: Path, *, even_unlocked: bool = False) -> None:
    """Remove a scratch folder unless a living process uses it.

    Parameters
    ----------
    folder : Path
        The folder.
    even_unlocked : bool, optional
        Remove it also where the file system knows no locks.

    Raises
    ------
    OSError or SetupError
        When the folder may not be written.
    """
    lock = _claim(folder, even_unlocked=even_unlocked)
    if lock is not None:
        _remove(folder, lock)


def _claim(folder: Path, *, even_unlocked: bool = False) -> FileLock | None:
    """Return the lock of a folder, made if missing; None when another process has it."""
    lock = FileLock(folder / _LOCK)
    # between two steps, the process that had the folder may remove it
    with suppress(FileNotFoundError):
        is_new = _make(folder)
        is_held = probe_lock(folder / _LOCK)
        is_free = is_held is False or (is_held is None and (is_new or even_unlocked))
        if is_free and lock.try_acquire() and (folder / _LOCK).exists():
            return lock
    lock.release()
    return None


def _make(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def _remove(folder: Path, lock: FileLock) -> None:
    """Remove a folder; its lock goes last, lest the next process loses what it begins there."""
    with suppress(OSError):
        _empty(folder)
    if os.name == "nt":
        lock.release()
    with suppress(OSError):
        (folder / _LOCK).unlink(missing_ok=True)
        folder.rmdir()
    lock.release()
    # network disks keep an open file, and so the folder, until it is closed
    with suppress(OSError):
        folder.rmdir()


def publish_files(files: Mapping[Path, Path]) -> None:
    """Move complete files from a scratch folder to their names, in the order given.

    Parameters
    ----------
    files : mapping from Path to Path
        Name by file; an older file of that name is replaced.

    Raises
    ------
    SetupError
        Codes ``disk_full`` and ``disk_fault``.
    """
    for source, target in files.items():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            move_file(source, target)
        except OSError as error:
            raise explain_disk_fault(target, error) from error


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != _LOCK:
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
