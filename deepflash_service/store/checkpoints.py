"""Checkpoints of a training: each appears whole or not at all, and is read only when whole.

::

    checkpoints/data.json                 what the training began with
    checkpoints/member-1.weights.h5/.json a finished member
    checkpoints/member-2-step-000123/     arrays.npz, state.json: the member in hand; two are kept
    checkpoints/member-2-best-000100/     the best weights so far, where a checkpoint names them

A checkpoint is written to a hidden folder, synchronised, renamed, and the rename synchronised;
only then is an older one removed. So a process killed at any moment leaves the one before.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from deepflash_service.errors import InputError
from deepflash_service.store.atomic import TEMPORARY_PREFIX, rename_folder, write_json
from deepflash_service.store.disk import check_space, explain_full_disk, is_full_disk
from deepflash_service.store.reading import hash_file, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from deepflash_service.store.runs import Run

    Arrays = Mapping[str, npt.NDArray[Any]]

KEPT = 2
_ARRAYS = "arrays.npz"
_STATE = "state.json"
_DATA = "data.json"
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, InputError)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A member in the middle of its training.

    Attributes
    ----------
    facts : dict
        JSON object; ``step`` counts the steps taken, ``best`` names the folder of the best
        weights (empty without any).
    arrays : mapping of str to ndarray
        Network, optimiser, averaged weights.
    best : mapping of str to ndarray
        Best weights; empty without any.
    """

    facts: dict[str, Any]
    arrays: Arrays
    best: Arrays = field(default_factory=dict)


def write_checkpoint(run: Run, member: int, *, checkpoint: Checkpoint) -> None:
    """Write the checkpoint of a member, then remove what is older than the one before.

    Best weights are written only when no folder of the name in ``facts["best"]`` is there.

    Parameters
    ----------
    run : Run
        The training.
    member : int
        1-based number.
    checkpoint : Checkpoint
        What to keep.

    Raises
    ------
    SetupError
        Code ``disk_full`` (the checkpoints before stay as they are) or ``disk_fault``.
    """
    root = run.checkpoints
    best = str(checkpoint.facts.get("best", ""))
    is_new_best = bool(best) and not (root / best).is_dir()
    parts = [checkpoint.arrays, *([checkpoint.best] if is_new_best else [])]
    needed = sum(array.nbytes for part in parts for array in part.values())
    remedy = f"Free some space, then resume job {run.id}."
    root.mkdir(exist_ok=True)
    remove_partial(run)
    check_space(root, needed, remedy=remedy)
    try:
        if is_new_best:
            _write_folder(root / best, {}, checkpoint.best)
        name = f"member-{member}-step-{int(checkpoint.facts['step']):06d}"
        _write_folder(root / name, checkpoint.facts, checkpoint.arrays)
    except OSError as error:
        remove_partial(run)
        if is_full_disk(error):
            raise explain_full_disk(root, needed, remedy=remedy) from error
        raise
    _remove_old(run, member, int(checkpoint.facts["step"]))


def read_checkpoint(run: Run, member: int) -> tuple[Checkpoint | None, list[str]]:
    """Return the newest checkpoint of a member that is whole, and the names of damaged ones.

    Parameters
    ----------
    run : Run
        The training.
    member : int
        1-based number.
    """
    damaged: list[str] = []
    for folder in reversed(_list_steps(run.checkpoints, member)):
        try:
            facts, arrays = _read_folder(folder)
            best = str(facts.get("best", ""))
            return Checkpoint(
                facts, arrays, _read_folder(run.checkpoints / best)[1] if best else {}
            ), damaged
        except _UNREADABLE:
            damaged.append(folder.name)
    return None, damaged


def clear_checkpoints(run: Run, member: int) -> None:
    """Remove all checkpoints of a member: it is finished, or begins again."""
    for folder in run.checkpoints.glob(f"member-{member}-*/"):
        _remove_folder(folder)


def read_progress(run: Run) -> int:
    """Return how many training steps, of all members together, a resumption does not repeat.

    Reads only small JSON files; 0 when nothing was kept.
    """
    finished = {
        path.stem: int(facts.get("steps", 1))
        for path in run.checkpoints.glob("member-*.json")
        if (facts := _peek(path)) is not None
    }
    begun: dict[str, int] = {}
    for folder in run.checkpoints.glob("member-*-step-*/"):
        member = folder.name.partition("-step-")[0]
        state = _peek(folder / _STATE)
        if state is not None and _fits_size(folder, state):
            begun[member] = max(begun.get(member, 0), _read_step(folder))
    return sum((begun | finished).values())


def write_data(run: Run, facts: Mapping[str, Any]) -> None:
    """Write what a training began with."""
    run.checkpoints.mkdir(exist_ok=True)
    write_json(run.checkpoints / _DATA, dict(facts))


def read_data(run: Run) -> dict[str, Any] | None:
    """Return what a training began with, or None when it has not begun."""
    try:
        return read_json(run.checkpoints / _DATA)
    except FileNotFoundError:
        return None


def remove_partial(run: Run) -> None:
    """Remove what a killed or failed writer left."""
    for path in run.checkpoints.glob(f"{TEMPORARY_PREFIX}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _write_folder(target: Path, facts: Mapping[str, Any], arrays: Arrays) -> None:
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
    _remove_folder(target)
    rename_folder(temporary, target)


def _read_folder(folder: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    state = read_json(folder / _STATE)
    facts = state["facts"]
    is_whole = state["facts_sha256"] == _hash_facts(facts)
    if not is_whole or state["arrays_sha256"] != hash_file(folder / _ARRAYS):
        raise ValueError(folder.name)
    with np.load(folder / _ARRAYS, allow_pickle=False) as stored:
        return facts, {name: stored[name] for name in stored.files}


def _hash_facts(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _remove_old(run: Run, member: int, step: int) -> None:
    every = _list_steps(run.checkpoints, member)
    # a later one was damaged, so the training went on from an earlier one
    kept = [folder for folder in every if _read_step(folder) <= step][-KEPT:]
    for folder in every:
        if folder not in kept:
            _remove_folder(folder)
    named = {(_peek(folder / _STATE) or {}).get("facts", {}).get("best") for folder in kept}
    for folder in run.checkpoints.glob(f"member-{member}-best-*/"):
        if folder.name not in named:
            _remove_folder(folder)


def _remove_folder(folder: Path) -> None:
    """Rename first: what is being removed must not look like a checkpoint."""
    if folder.exists():
        hidden = folder.parent / f"{TEMPORARY_PREFIX}{uuid4().hex[:12]}"
        folder.rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def _list_steps(root: Path, member: int) -> list[Path]:
    return sorted(root.glob(f"member-{member}-step-*/"), key=_read_step)


def _read_step(folder: Path) -> int:
    text = folder.name.rpartition("-")[2]
    return int(text) if text.isdecimal() else 0


def _peek(path: Path) -> dict[str, Any] | None:
    try:
        return read_json(path)
    except _UNREADABLE:
        return None


def _fits_size(folder: Path, state: Mapping[str, Any]) -> bool:
    try:
        return (folder / _ARRAYS).stat().st_size == state.get("arrays_bytes")
    except OSError:
        return False
