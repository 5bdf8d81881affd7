"""How often the system has ended processes because memory ran out, where it counts that.

Linux counts in the control group of a process (``memory.events`` of version 2,
``memory.oom_control`` of version 1) and for the whole computer (``/proc/vmstat``).
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MemoryKill = Literal["none", "elsewhere", "own"]
_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_COMPUTER = Path("/proc/vmstat")
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def note_memory_kills() -> dict[str, object]:
    """Return the counters that hold for this process, to be compared later.

    Returns
    -------
    dict
        ``counts`` by the files of the counters, and the ``computer`` and boot that they
        belong to. The count of the whole computer, which other programs raise, too, is there
        only where the control group has none.
    """
    own = {str(path): _read_counter(path) for path in _list_group_counters()}
    counts = {path: count for path, count in own.items() if count is not None}
    if not counts and (count := _read_counter(_COMPUTER)) is not None:
        counts = {str(_COMPUTER): count}
    return {"computer": _identify_computer(), "counts": counts}


def find_memory_kill(note: Mapping[str, object]) -> MemoryKill:
    """Tell whether the system has ended a process for want of memory since a note was made.

    Parameters
    ----------
    note : mapping
        What :func:`note_memory_kills` returned earlier, here or in another process.

    Returns
    -------
    str
        ``own``: a process of the noted control group; ``elsewhere``: some process of this
        computer; ``none``, also where the note was made on another computer or before this one
        was started again.
    """
    counts = note.get("counts")
    if note.get("computer") != _identify_computer() or not isinstance(counts, dict):
        return "none"
    for path, before in counts.items():
        now = _read_counter(Path(path))
        if now is not None and isinstance(before, int) and now > before:
            return "elsewhere" if path == str(_COMPUTER) else "own"
    return "none"


def _identify_computer() -> str:
    try:
        boot = _BOOT.read_text(encoding="utf-8").strip()
    except OSError:
        boot = ""
    return f"{platform.node()} {boot}"


def _list_group_counters() -> Iterator[Path]:
    try:
        lines = _OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        below = group.strip("/")
        if not controllers:
            yield _GROUPS / below / "memory.events"
        elif "memory" in controllers.split(","):
            yield _GROUPS / "memory" / below / "memory.oom_control"


def _read_counter(path: Path) -> int | None:
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    except (OSError, ValueError):
        pass
    return None
