"""Folders for results in the making that outgrow the memory; nothing of them survives."""

from __future__ import annotations

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
    lock = FileLock(folder / _LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_mine = probe_lock(folder / _LOCK) is False and lock.try_acquire()
        if is_mine:
            _empty(folder)
        else:
            folder = folder.with_name(f"{folder.name}-{uuid4().hex[:12]}")
            folder.mkdir()
    except OSError as error:
        raise explain_disk_fault(folder, error) from error
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


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
