"""The event file of a job: one JSON object per line, only ever appended to."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

from deepflash_service.records import JobState

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a job.

    Attributes
    ----------
    state : str
        State of the job from now on.
    message : str
        One sentence for people.
    current, maximum : int
        Progress; 0 = unknown.
    metrics : dict
        Figures of an epoch.
    error : dict, optional
        ``{"code", "message", "details"}`` of a failure.
    model : str, optional
        ``NAME@VERSION`` that the job used or made.
    """

    state: JobState
    message: str = ""
    current: int = 0
    maximum: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    model: str | None = None


def encode_event(event: Event, time: str) -> bytes:
    """Return an event as one line of JSON."""
    facts: dict[str, Any] = {
        "time": time,
        "state": event.state,
        "message": event.message,
        "current": event.current,
        "maximum": event.maximum,
        "metrics": {key: float(one) for key, one in event.metrics.items() if isfinite(one)},
    }
    if event.error is not None:
        facts["error"] = event.error
    if event.model is not None:
        facts["model"] = event.model
    return json.dumps(facts, ensure_ascii=False, allow_nan=False, default=str).encode() + b"\n"


def describe_event(event: Event, time: str) -> str:
    """Return an event as one line that people read in the log of a job."""
    figures = "".join(f", {key} {value:.4g}" for key, value in event.metrics.items())
    code = f" [{event.error['code']}]" if event.error else ""
    return f"{time} {event.state}: {' '.join(event.message.split())}{figures}{code}\n"


def write_lines(path: Path, lines: bytes) -> None:
    """Append lines in a single write, after ending a line that a killed writer left torn."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(descriptor).st_size
        if size:
            os.lseek(descriptor, size - 1, os.SEEK_SET)
            if os.read(descriptor, 1) != b"\n":
                lines = b"\n" + lines
        while lines:
            # a disk that is nearly full takes a part first, and fails on the rest
            lines = lines[os.write(descriptor, lines) :]
    finally:
        os.close(descriptor)
