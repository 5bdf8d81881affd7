"""Reading the events of jobs again and again, cheaply.

Every open window asks once a second, so what was parsed is kept, and only the bytes that
came since are read.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepflash_service.store.events import decode_event

if TYPE_CHECKING:
    import os
    from pathlib import Path

_MOST_FILES = 512


@dataclass(slots=True)
class EventLog:
    """The parsed events of one file; readers must not change them.

    Attributes
    ----------
    events : list of dict
        Complete events, ``seq`` = line number from 1; torn and damaged lines are left out.
    fault : str
        Why there are none, to be read after the name of the file.
    model : str or None
        The model that was told last.
    progress : dict
        The last event with a known maximum; empty before.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    fault: str = "holds no event"
    model: str | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    _seqs: list[int] = field(default_factory=list)
    _state: tuple[int, ...] = ()
    _offset: int = 0
    _lines: int = 0
    _last_line: bytes = b""

    @property
    def last(self) -> dict[str, Any] | None:
        """The newest event."""
        return self.events[-1] if self.events else None

    def list_after(self, seq: int) -> list[dict[str, Any]]:
        """Return the events with a number above `seq`."""
        return self.events[bisect_right(self._seqs, seq) :]

    def follow(self, path: Path, facts: os.stat_result) -> bool:
        """Read what came since; False when the file is another one than before."""
        state = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
        if state == self._state:
            return True
        if self._state[:2] not in {(), state[:2]}:
            return False
        with path.open("rb") as stream:
            stream.seek(self._offset - len(self._last_line))
            data = stream.read()
        if not data.startswith(self._last_line):
            return False
        self._take(data[len(self._last_line) :])
        self._state = state
        return True

    def _take(self, data: bytes) -> None:
        *lines, _torn = data.split(b"\n")
        for line in lines:
            self._lines += 1
            self._offset += len(line) + 1
            self._last_line = line + b"\n"
            self._add(line)

    def _add(self, line: bytes) -> None:
        event = decode_event(line)
        if event is None:
            return
        event["seq"] = self._lines
        self.model = event["model"] or self.model
        if event["maximum"]:
            self.progress = event
        self._seqs.append(self._lines)
        self.events.append(event)


_logs: OrderedDict[Path, EventLog] = OrderedDict()
_guard = threading.Lock()


def read_log(path: Path) -> EventLog:
    """Return the events of a file as it is now; none where it is missing or cannot be read.

    Parameters
    ----------
    path : Path
        File that :func:`~deepflash_service.store.events.write_lines` appends to.
    """
    with _guard:
        try:
            facts = path.stat()
            log = _logs.pop(path, None) or EventLog()
            if not log.follow(path, facts):
                log = EventLog()
                log.follow(path, facts)
        except OSError as error:
            _logs.pop(path, None)
            is_missing = isinstance(error, FileNotFoundError)
            return EventLog(fault="is missing" if is_missing else f"cannot be read ({error})")
        _logs[path] = log
        while len(_logs) > _MOST_FILES:
            _logs.popitem(last=False)
        return log
