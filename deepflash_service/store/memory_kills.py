"""How often the system has ended processes because memory ran out, where it counts that.

Linux counts in the control group of a process (``memory.events`` of version 2,
``memory.oom_control`` of version 1) and for the whole computer (``/proc/vmstat``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_COMPUTER = Path("/proc/vmstat")


def count_memory_kills() -> dict[str, int]:
    """Return the counters that hold for this process, by their files; empty where none exist."""
    counts = {str(path): _read_counter(path) for path in _list_counters()}
    return {path: count for path, count in counts.items() if count is not None}


def has_memory_kill_since(counts: Mapping[str, object]) -> bool:
    """Tell whether one of the counters has risen.

    Parameters
    ----------
    counts : mapping
        What :func:`count_memory_kills` returned earlier, here or in another process.
    """
    for path, before in counts.items():
        now = _read_counter(Path(path))
        if now is not None and isinstance(before, int) and now > before:
            return True
    return False


def _list_counters() -> Iterator[Path]:
    yield _COMPUTER
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
