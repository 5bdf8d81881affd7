"""Folders of arrays that appear whole or not at all, and are read only when whole."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from deepflash_service.errors import InputError
from deepflash_service.store.atomic import TEMPORARY_PREFIX, rename_folder
from deepflash_service.store.reading import hash_file, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    Arrays = Mapping[str, npt.NDArray[Any]]

UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, InputError)
"""What reading a damaged folder can raise."""

_ARRAYS = "arrays.npz"
_STATE = "state.json"


def write_folder(target: Path, facts: Mapping[str, Any], *, arrays: Arrays) -> None:
    """Write facts and arrays to a hidden folder, synchronise it, and rename it.

    Parameters
    ----------
    target : Path
        Its final name; a folder of this name is replaced.
    facts : mapping
        JSON object.
    arrays : mapping of str to ndarray
        No object arrays.

    Raises
    ------
    OSError
        When the disk fails; the hidden folder stays then.
    """
    temporary = target.parent / f"{TEMPORARY_PREFIX}{uuid4().hex[:12]}"
    temporary.mkdir()
    np.savez(temporary / _ARRAYS, allow_pickle=False, **dict(arrays))
    path = temporary / _ARRAYS
    state = {
        "facts": dict(facts),
        "facts_sha256": _hash_facts(facts),
        "arrays_sha256": hash_file(path),
        "arrays_bytes": path.stat().st_size,
    }
    (temporary / _STATE).write_text(json.dumps(state), encoding="utf-8")
    # what has the same name is damaged: a whole one would have been taken up
    remove_folder(target)
    rename_folder(temporary, target)


def read_folder(folder: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return the facts and arrays of a folder.

    Raises
    ------
    UNREADABLE
        When anything in it is missing or differs from what was written.
    """
    state = read_json(folder / _STATE)
    facts = state["facts"]
    is_whole = state["facts_sha256"] == _hash_facts(facts)
    if not is_whole or state["arrays_sha256"] != hash_file(folder / _ARRAYS):
        raise ValueError(folder.name)
    with np.load(folder / _ARRAYS, allow_pickle=False) as stored:
        return facts, {name: stored[name] for name in stored.files}


def _hash_facts(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def peek_facts(folder: Path) -> dict[str, Any] | None:
    """Return the facts of a folder that looks whole, without reading its arrays, else None."""
    state = peek_json(folder / _STATE)
    try:
        is_whole = state is not None and state["arrays_bytes"] == (folder / _ARRAYS).stat().st_size
        return dict(state["facts"]) if state is not None and is_whole else None
    except UNREADABLE:
        return None


def peek_json(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file, or None when there is none."""
    try:
        return read_json(path)
    except UNREADABLE:
        return None


def remove_folder(folder: Path) -> None:
    """Remove a folder, if it is there; it is renamed first, so that no part of it looks whole."""
    if folder.exists():
        hidden = folder.parent / f"{TEMPORARY_PREFIX}{uuid4().hex[:12]}"
        folder.rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)
