"""What is done already in a folder of results: a small record per image.

Several processes on several computers may work on one folder. Every record is written whole or
not at all, and only after the results that it vouches for; so a run that was killed goes on
where it ended, and a task that runs twice finds its work done. All lies in ``.deepflash/``.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from deepflash_service.errors import InputError
from deepflash_service.store.atomic import write_json, write_text
from deepflash_service.store.reading import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FOLDER = ".deepflash"
_KEY_LENGTH = 16
_POLL_SECONDS = 0.25


def describe_files(paths: Sequence[Path]) -> list[list[int]] | None:
    """Return size and time of the last change of each file, or None when one is missing."""
    found = []
    for path in paths:
        try:
            facts = path.stat()
        except OSError:
            return None
        found.append([facts.st_size, facts.st_mtime_ns])
    return found


def describe_source(path: Path) -> list[int] | None:
    """Return numbers that change whenever an image does, or None when it is missing.

    Parameters
    ----------
    path : Path
        File, or folder of a zarr image.

    Returns
    -------
    list of int or None
        Files and folders, bytes, and the latest times (ns) of a change of content and of a
        change of any kind: the latter is set anew when a file takes the place of another one.
    """
    try:
        facts = [path.stat()]
        if path.is_dir():
            facts += [one.lstat() for one in path.rglob("*")]
    except OSError:
        return None
    sizes = sum(one.st_size for one in facts)
    changed = max(one.st_mtime_ns for one in facts)
    return [len(facts), sizes, changed, max(one.st_ctime_ns for one in facts)]


def write_record(output: Path, name: str, *, record: dict[str, Any]) -> None:
    """Write the record of one image.

    Raises
    ------
    SetupError
        When the disk is full or may not be written.
    """
    write_text(_find_record(output, name), json.dumps(record, separators=(",", ":")) + "\n")


def read_record(output: Path, name: str, *, key: str) -> dict[str, Any] | None:
    """Return the record of one image, or None unless one of the same ``key`` is there."""
    return _read(_find_record(output, name), key)


def _find_record(output: Path, name: str) -> Path:
    return output / FOLDER / "images" / f"{name}.json"


def _read(path: Path, key: str) -> dict[str, Any] | None:
    try:
        found = read_json(path)
    except (OSError, InputError):
        return None
    return found if found.get("key") == key else None


def mark_shard(output: Path, number: int, *, count: int, key: str) -> list[int]:
    """Note that a shard ended; return the numbers of those that did not yet.

    Of shards that end at the same moment, at least one sees that none is missing.

    Parameters
    ----------
    output : Path
        Folder of the results.
    number, count : int
        Shard ``number`` of ``count``, from 1.
    key : str
        Names model, options and images; shards of another run do not count.

    Raises
    ------
    SetupError
        When the disk is full or may not be written.
    """
    folder = output / FOLDER / "shards"
    write_json(folder / f"{number}_of_{count}.json", {"key": key})
    return [
        other
        for other in range(1, count + 1)
        if _read(folder / f"{other}_of_{count}.json", key) is None
    ]


def settle_choice(output: Path, key: str, *, choice: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the first process of a run chose; with ``choice``, be the first if none was.

    Parameters
    ----------
    output : Path
        Folder of the results.
    key : str
        Names the run.
    choice : dict or None
        What this process would choose.

    Returns
    -------
    dict
        Empty when nobody chose yet.
    """
    path = output / FOLDER / f"engine-{key[:_KEY_LENGTH]}.json"
    if choice is not None and _read(path, key) is None:
        # a link fails where the name exists: of several processes exactly one is the first
        draft = path.with_name(f"{path.stem}-{uuid4().hex[:12]}.json")
        write_json(draft, {"key": key, **choice})
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError:
            write_json(path, {"key": key, **choice})
        finally:
            draft.unlink(missing_ok=True)
    found = _read(path, key) or {}
    return {name: value for name, value in found.items() if name != "key"}


def place_token(output: Path) -> Path:
    """Write a small file by which other computers see that they share this folder.

    Raises
    ------
    SetupError
        When the disk is full or may not be written.
    """
    path = output.absolute() / FOLDER / f"here-{uuid4().hex[:12]}"
    write_text(path, "")
    return path


def await_token(path: Path, *, seconds: float) -> bool:
    """Tell whether a file is seen here within a time; shared disks may show it late."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
