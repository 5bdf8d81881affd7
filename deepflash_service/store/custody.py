"""Who works on a run, and who looks after it.

One process at a time works on a run: it holds the lock of the folder, which the system frees
when the process ends in any way. ``owner.json`` tells which process that is.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from deepflash_service.store.atomic import write_json
from deepflash_service.store.last_words import set_marker
from deepflash_service.store.locks import hold_lock, probe_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deepflash_service.store.runs import Run

_LOCK = "lock"
_OWNER = "owner.json"
_ENTRUSTED = "service"
_PATIENCE_SECONDS = 2.0


@contextmanager
def hold_run(run: Run) -> Iterator[bool]:
    """Be the only process that works on a run while the block runs.

    Yields
    ------
    bool
        False when another process works on it; then nothing in the folder may be changed.
    """
    # others look at the lock by taking it for a moment
    with hold_lock(run.folder / _LOCK, seconds=_PATIENCE_SECONDS) as is_mine:
        yield is_mine


def is_held(run: Run) -> bool | None:
    """Tell whether a process works on the run; None where the file system knows no locks."""
    return probe_lock(run.folder / _LOCK)


def write_owner(run: Run, *, facts: Mapping[str, object]) -> None:
    """Write which process works on a run (pid and creation time), and what it noted."""
    write_json(run.folder / _OWNER, dict(facts))


def read_owner(run: Run) -> dict[str, Any]:
    """Return which process works, or worked, on a run; empty when none did."""
    try:
        facts = json.loads((run.folder / _OWNER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def entrust_to_service(run: Run) -> None:
    """Note that services look after the run: start it, and go on with it when it was lost."""
    set_marker(run.folder, _ENTRUSTED)


def is_entrusted(run: Run) -> bool:
    """Tell whether services look after the run; else the command that made it does."""
    return (run.folder / _ENTRUSTED).exists()
