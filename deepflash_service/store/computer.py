"""Cheap facts about this computer, known without loading any engine."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path


@cache
def find_cpu_name() -> str:
    """Return the name of the processor as people know it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    except (OSError, UnicodeDecodeError):
        pass
    return platform.processor() or platform.machine() or "CPU"
