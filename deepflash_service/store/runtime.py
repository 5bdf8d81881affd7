"""The owner-only file that tells clients where the service listens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deepflash_service.store.atomic import open_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NAME = "service.json"


def find_service_file(home: Path) -> Path:
    """Return where ``service.json`` lies, whether it is there or not."""
    return home / _NAME


def write_service_file(home: Path, *, facts: Mapping[str, object]) -> Path:
    """Write ``service.json`` (mode 0600) and return its path."""
    path = home / _NAME
    with open_atomic(path) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(dict(facts), indent=2) + "\n", encoding="utf-8")
    return path


def read_service_file(home: Path) -> dict[str, Any] | None:
    """Return the facts of ``service.json``, or None when there is no readable one."""
    try:
        facts = json.loads((home / _NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def remove_service_file(home: Path, *, pid: int) -> None:
    """Remove ``service.json`` if the process `pid` wrote it."""
    facts = read_service_file(home)
    if facts is not None and facts.get("pid") == pid:
        (home / _NAME).unlink(missing_ok=True)
