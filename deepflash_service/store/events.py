"""The event file of a job: one JSON object per line, only ever appended to."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any, get_args

from deepflash_service.records import JobState

if TYPE_CHECKING:
    from pathlib import Path

_STATES: frozenset[str] = frozenset(get_args(JobState))
_LARGEST_FIGURE = 1e308


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


def decode_event(line: bytes) -> dict[str, Any] | None:
    """Return the event in a line; None where the line tells no state that is known here.

    Anything else that is missing, or of another type than :func:`encode_event` writes, is
    empty: a damaged line, or one of another version, hides no other.
    """
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return None
    state = facts.get("state") if isinstance(facts, dict) else None
    if not isinstance(state, str) or state not in _STATES:
        return None
    metrics = _take(facts, "metrics", dict, default={})
    event = {
        "time": _take(facts, "time", str, default=""),
        "state": state,
        "message": _take(facts, "message", str, default=""),
        "current": _take(facts, "current", int, default=0),
        "maximum": _take(facts, "maximum", int, default=0),
        "metrics": {key: one for key, one in metrics.items() if _is_figure(one)},
        "model": _take(facts, "model", str, default=None),
    }
    error = _take(facts, "error", dict, default={})
    if error:
        event["error"] = {
            "code": _take(error, "code", str, default="internal_error"),
            "message": _take(error, "message", str, default=event["message"]),
            "details": _take(error, "details", dict, default={}),
        }
    return event


def _take(facts: dict[str, Any], key: str, kind: type, *, default: object) -> Any:
    value = facts.get(key)
    return value if isinstance(value, kind) else default


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) <= _LARGEST_FIGURE


def make_lost_event(path: Path, fault: str, *, time: str, can_resume: bool) -> dict[str, Any]:
    """Return what stands for the newest event of a job whose event file tells none.

    Parameters
    ----------
    path : Path
        The event file.
    fault : str
        What is wrong with it, to be read after its name.
    time : str
        When the job was made.
    can_resume : bool
        Whether it is a training, which goes on from its checkpoints.
    """
    again = "resume the training" if can_resume else "start the job again"
    message = (
        f"{path} {fault}, so nobody knows what became of the job: restore it from a copy, correct "
        f"the rights on its folder, or {again}."
    )
    return {
        "state": "interrupted" if can_resume else "failed",
        "time": time,
        "message": message,
        "error": {"code": "damaged_job", "message": message, "details": {"path": str(path)}},
    }


def describe_event(event: Event, time: str) -> str:
    """Return an event as one line that people read in the log of a job."""
    figures = "".join(f", {key} {value:.4g}" for key, value in event.metrics.items())
    code = f" [{event.error['code']}]" if event.error else ""
    return f"{time} {event.state}: {' '.join(event.message.split())}{figures}{code}\n"


def write_lines(path: Path, lines: bytes) -> None:
    """Append lines in a single write, after ending a line that a killed writer left torn.

    A file that somebody removed is made again.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666)
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
