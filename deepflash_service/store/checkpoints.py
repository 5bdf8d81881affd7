"""Checkpoints of a training: each appears whole or not at all, and is read only when whole.

::

    checkpoints/data.json                 what the training began with
    checkpoints/publishing.json           what was in the library before the model is added to it
    checkpoints/member-1.weights.h5       a finished member, when there is
    checkpoints/member-1.json             this beside it
    checkpoints/member-2-step-000123/     arrays.npz, state.json: the member in hand; two are kept
    checkpoints/member-2-best-000100/     the best weights so far, where a checkpoint names them

A checkpoint is written to a hidden folder, synchronised, renamed, and the rename synchronised;
only then is an older one removed. So a process killed at any moment leaves the one before.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import InputError
from deepflash_service.store.atomic import explain_disk_fault, write_json
from deepflash_service.store.checkpoint_folders import (
    UNREADABLE,
    peek_facts,
    peek_json,
    read_folder,
    remove_folder,
    write_folder,
)
from deepflash_service.store.disk import check_space, explain_full_disk, is_full_disk
from deepflash_service.store.reading import hash_file, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from deepflash_service.store.runs import Run

    Arrays = Mapping[str, npt.NDArray[Any]]

KEPT = 2


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
            write_folder(root / best, {}, arrays=checkpoint.best)
        name = f"member-{member}-step-{int(checkpoint.facts['step']):06d}"
        write_folder(root / name, checkpoint.facts, arrays=checkpoint.arrays)
    except OSError as error:
        remove_partial(run)
        if is_full_disk(error):
            raise explain_full_disk(root, needed, remedy=remedy) from error
        raise explain_disk_fault(root, error) from error
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
            facts, arrays = read_folder(folder)
            best = str(facts.get("best", ""))
            return Checkpoint(
                facts, arrays, read_folder(run.checkpoints / best)[1] if best else {}
            ), damaged
        except UNREADABLE:
            damaged.append(folder.name)
    return None, damaged


def clear_checkpoints(run: Run, member: int) -> None:
    """Remove all checkpoints of a member that is finished."""
    for folder in run.checkpoints.glob(f"member-{member}-*/"):
        remove_folder(folder)


def forget_member(run: Run, member: int) -> None:
    """Remove all that is kept of a member: it begins again."""
    (run.checkpoints / f"member-{member}.json").unlink(missing_ok=True)
    name_weights(run, member).unlink(missing_ok=True)
    clear_checkpoints(run, member)


def read_progress(run: Run) -> int:
    """Return how many training steps, of all members together, a resumption does not repeat.

    Reads only small JSON files; 0 when nothing was kept.
    """
    return sum(int(facts.get("step", 1)) for facts in _read_kept(run).values())


def read_seconds(run: Run) -> float:
    """Return how long a training had worked, in all its attempts, when it last kept something."""
    kept = _read_kept(run).values()
    return max((float(facts.get("job_seconds", 0.0)) for facts in kept), default=0.0)


def _read_kept(run: Run) -> dict[str, dict[str, Any]]:
    """Return what is kept of each member: that it is finished, or its newest checkpoint."""
    kept: dict[str, dict[str, Any]] = {}
    for folder in sorted(run.checkpoints.glob("member-*-step-*/"), key=_read_step):
        facts = peek_facts(folder)
        if facts is not None:
            kept[folder.name.partition("-step-")[0]] = facts
    for path in run.checkpoints.glob("member-*.json"):
        facts = peek_json(path)
        if facts is not None:
            kept[path.stem] = facts
    return kept


def write_finished(run: Run, member: int, *, facts: Mapping[str, Any]) -> None:
    """Note that a member is finished; its weights file is there already.

    Parameters
    ----------
    run : Run
        The training.
    member : int
        1-based number.
    facts : mapping
        JSON object with ``step``, the steps taken.
    """
    weights = name_weights(run, member)
    digest = hash_file(weights)
    write_json(run.checkpoints / f"member-{member}.json", {**facts, "weights_sha256": digest})
    clear_checkpoints(run, member)


def read_finished(run: Run, member: int) -> dict[str, Any] | None:
    """Return the facts of a finished member, or None when it is not finished.

    Raises
    ------
    InputError
        Code ``damaged_file`` when its files are not as they were written.
    """
    path = run.checkpoints / f"member-{member}.json"
    weights = name_weights(run, member)
    if not path.exists():
        return None
    facts = read_json(path)
    if not weights.exists() or facts.get("weights_sha256") != hash_file(weights):
        raise InputError(
            f"{weights} is damaged; the member is trained again.",
            code="damaged_file",
            details={"path": str(weights)},
        )
    return facts


def name_weights(run: Run, member: int) -> Path:
    """Return the path of the weights of a finished member."""
    return run.checkpoints / f"member-{member}.weights.h5"


def write_note(run: Run, name: str, *, facts: Mapping[str, Any]) -> None:
    """Write a JSON file beside the checkpoints: ``data``, ``publishing``."""
    run.checkpoints.mkdir(exist_ok=True)
    write_json(run.checkpoints / f"{name}.json", dict(facts))


def read_note(run: Run, name: str) -> dict[str, Any] | None:
    """Return what :func:`write_note` wrote, or None where nothing was.

    Raises
    ------
    InputError
        Code ``damaged_file``.
    """
    try:
        return read_json(run.checkpoints / f"{name}.json")
    except FileNotFoundError:
        return None


def remove_partial(run: Run) -> None:
    """Remove what a killed or failed writer left."""
    for path in run.checkpoints.glob(".*partial*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _remove_old(run: Run, member: int, step: int) -> None:
    every = _list_steps(run.checkpoints, member)
    # a later one was damaged, so the training went on from an earlier one
    kept = [folder for folder in every if _read_step(folder) <= step][-KEPT:]
    for folder in every:
        if folder not in kept:
            remove_folder(folder)
    named = {(peek_facts(folder) or {}).get("best") for folder in kept}
    for folder in run.checkpoints.glob(f"member-{member}-best-*/"):
        if folder.name not in named:
            remove_folder(folder)


def _list_steps(root: Path, member: int) -> list[Path]:
    return sorted(root.glob(f"member-{member}-step-*/"), key=_read_step)


def _read_step(folder: Path) -> int:
    text = folder.name.rpartition("-")[2]
    return int(text) if text.isdecimal() else 0
