"""Room for the last words of a job on a disk that ran full.

While a job runs, its folder holds a small reserve file; when the disk is full, the reserve is
removed and its space takes the event that tells what happened.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from deepflash_service.store.atomic import explain_disk_fault
from deepflash_service.store.disk import explain_full_disk, is_full_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = "reserve"
_RESERVE_BYTES = 64 * 1024


def keep_reserve(folder: Path) -> None:
    """Make the reserve of a folder, if there is room for it."""
    path = folder / _NAME
    try:
        if not path.exists():
            # random, because some file systems store zeros without taking space
            path.write_bytes(os.urandom(_RESERVE_BYTES))
    except OSError:
        free_reserve(folder)


def free_reserve(folder: Path) -> None:
    """Remove the reserve of a folder."""
    with suppress(OSError):
        (folder / _NAME).unlink(missing_ok=True)


@contextmanager
def make_room(folder: Path) -> Iterator[None]:
    """Remove the reserve and run the block, which writes last words.

    Raises
    ------
    SetupError
        Code ``disk_full`` when the reserve did not suffice, or was used before;
        ``disk_fault`` when the folder may not be written.
    """
    free_reserve(folder)
    try:
        yield
    except OSError as error:
        if not is_full_disk(error):
            raise explain_disk_fault(folder, error) from error
        raise explain_full_disk(folder, 0, remedy="Free some space.") from error


def set_marker(folder: Path, name: str) -> None:
    """Make an empty file by which processes ask something of each other.

    Raises
    ------
    SetupError
        Codes ``disk_full`` and ``disk_fault``.
    """
    try:
        (folder / name).touch()
    except OSError as error:
        if not is_full_disk(error):
            raise explain_disk_fault(folder / name, error) from error
        with make_room(folder):
            (folder / name).touch()
