"""Writing that leaves the old state or the new one, never half of either."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from deepflash_service.errors import SetupError
from deepflash_service.store.disk import explain_full_disk, is_full_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEMPORARY_PREFIX = ".partial-"


@contextmanager
def open_atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it there when the block succeeds.

    Parameters
    ----------
    path : Path
        The file to make or replace; missing folders are made.

    Raises
    ------
    SetupError
        Code ``disk_full``, or ``disk_fault`` when the disk may not be written.
    """
    temporary = path.parent / f"{TEMPORARY_PREFIX}{uuid4().hex[:12]}{path.suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync_file(temporary)
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise explain_disk_fault(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def stage_folder(target: Path) -> Iterator[Path]:
    """Yield a new temporary folder; rename it to `target` when the block succeeds.

    Parameters
    ----------
    target : Path
        A folder that does not exist yet.

    Raises
    ------
    FileExistsError
        When `target` exists (the staged folder is removed).
    SetupError
        Codes ``disk_full`` and ``disk_fault``.
    """
    temporary = target.parent / f"{TEMPORARY_PREFIX}{uuid4().hex[:12]}"
    try:
        temporary.mkdir(parents=True)
        yield temporary
        rename_folder(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:
        raise explain_disk_fault(target, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def rename_folder(source: Path, target: Path, *, check: Callable[[], None] | None = None) -> None:
    """Move a complete folder to a name that does not exist yet.

    Parameters
    ----------
    source : Path
        Synchronised here, which may take seconds.
    target : Path
        On the same disk.
    check : callable, optional
        Called just before the folder gets its name; may raise.

    Raises
    ------
    FileExistsError
        When `target` exists.
    """
    for member in source.rglob("*"):
        if member.is_file():
            _sync_file(member)
        elif member.is_dir():
            _sync_folder(member)
    _sync_folder(source)
    if target.exists():
        raise FileExistsError(target)
    if check is not None:
        check()
    try:
        source.rename(target)
    except OSError as error:
        if target.exists():
            raise FileExistsError(target) from error
        raise
    _sync_folder(target.parent)


def move_file(source: Path, target: Path) -> None:
    """Give a complete, flushed file another name on the same disk, replacing an older file."""
    source.replace(target)
    _sync_folder(target.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with open_atomic(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, in UTF-8 with line feeds."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object) -> None:
    """Write `value` to `path` atomically, as indented JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _sync_file(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _sync_folder(path: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _find_visible(path: Path) -> Path:
    """Return a path, or the folder in which it is staged: nobody knows temporary names."""
    every = (path, *path.parents)
    hidden = [one for one in every if one.name.startswith(TEMPORARY_PREFIX)]
    return hidden[-1].parent if hidden else path


def explain_disk_fault(path: Path, error: OSError) -> SetupError:
    """Return the error for a file or folder that could not be written.

    Its code is ``disk_full`` or ``disk_fault``.
    """
    if is_full_disk(error):
        remedy = f"{path.name} was not written: free some space and try again."
        return explain_full_disk(_find_visible(path.parent), 0, remedy=remedy)
    reason = error.strerror or str(error)
    return SetupError(
        f"{_find_visible(path)} cannot be written: {reason}. Check the free space and the rights "
        "on that folder.",
        code="disk_fault",
        details={"path": str(path)},
    )
