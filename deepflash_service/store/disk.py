"""The home folder and its free space."""

from __future__ import annotations

import errno
import os
import shutil
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from deepflash_service.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = ("datasets", "models", "runs")
_MEGABYTE = 10**6
_TRIED_BYTES = 64 * 1024
RESERVE = 16 * 1024**2
"""Bytes that a checkpoint leaves free, for events and for the log."""


def prepare_home(home: Path) -> None:
    """Make the home folder, readable by its owner only, and its sub-folders.

    Raises
    ------
    SetupError
        Code ``disk_fault`` when it cannot be made.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in FOLDERS:
            (home / name).mkdir(exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"The home folder {home} cannot be made: {error.strerror or error}. "
            "Choose another one with --home or DEEPFLASH_HOME.",
            code="disk_fault",
        ) from error


def try_writing(home: Path) -> None:
    """Write a small file into the home folder, and remove it.

    Raises
    ------
    SetupError
        Code ``disk_full`` or ``disk_fault``.
    """
    remedy = "Free some space, or choose another folder with --home or DEEPFLASH_HOME."
    try:
        # random, because some file systems store zeros without taking space
        with NamedTemporaryFile(dir=home, prefix=".partial-") as stream:
            stream.write(os.urandom(_TRIED_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        if is_full_disk(error):
            raise explain_full_disk(home, 0, remedy=remedy) from error
        raise SetupError(
            f"The home folder {home} cannot be written: {error.strerror or error}. Check the "
            "rights on it, or choose another one with --home or DEEPFLASH_HOME.",
            code="disk_fault",
            details={"path": str(home)},
        ) from error


def free_bytes(home: Path) -> int:
    """Return the free space, in bytes, of the disk that holds `home` or its nearest parent."""
    folder = home
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def is_full_disk(error: OSError) -> bool:
    """Say whether a write failed because the disk, or the user's share of it, is full."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def check_space(folder: Path, needed: int, *, remedy: str) -> None:
    """Refuse to begin a write for which the disk has too little room.

    Parameters
    ----------
    folder : Path
        Where the files will lie.
    needed : int
        Their size in bytes; ``RESERVE`` is added.
    remedy : str
        What the user can do.

    Raises
    ------
    SetupError
        Code ``disk_full``.
    """
    if free_bytes(folder) < needed + RESERVE:
        raise explain_full_disk(folder, needed, remedy=remedy)


def explain_full_disk(folder: Path, needed: int, *, remedy: str) -> SetupError:
    """Return the error that tells how much space is missing, and where.

    Parameters
    ----------
    folder : Path
        Where a file could not be written.
    needed : int
        Bytes to write; 0 = unknown.
    remedy : str
        What the user can do.
    """
    free = free_bytes(folder)
    wanted = f"{_format_size(needed + RESERVE)} are needed, " if needed else ""
    return SetupError(
        f"The disk with {folder} is full: {wanted}{_format_size(free)} are free. {remedy}",
        code="disk_full",
        details={
            "needed_bytes": needed + RESERVE if needed else 0,
            "free_bytes": free,
            "folder": str(folder),
        },
    )


def _format_size(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= _MEGABYTE or not size else f"{size / 1e3:,.0f} kB"
