"""Events are read again and again; only what is new is parsed, and nothing is missed."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from deepflash_service.store import event_reading, runs
from deepflash_service.store.event_reading import EventLog, read_log
from deepflash_service.store.events import Event


def _line(message: str, **facts: Any) -> bytes:
    return json.dumps({"state": "running", "message": message, **facts}).encode() + b"\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return an event file with three events."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(_line("a") + _line("b") + _line("c"))
    return path


def _read(path: Path) -> list[str]:
    return [event["message"] for event in read_log(path).events]


def test_what_was_parsed_is_not_parsed_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question without news reads nothing; one event costs one line."""
    read_log(path)
    parsed: list[bytes] = []
    add = EventLog._add

    def add_and_note(log: EventLog, line: bytes) -> None:
        parsed.append(line)
        add(log, line)

    monkeypatch.setattr(EventLog, "_add", add_and_note)
    read_log(path)
    assert parsed == []
    with path.open("ab") as stream:
        stream.write(_line("d"))
    assert _read(path) == ["a", "b", "c", "d"]
    assert len(parsed) == 1


def test_torn_lines_wait_for_their_end(path: Path) -> None:
    """Half a line is no event yet; once it is whole it has its number."""
    _read(path)
    whole = _line("d")
    for part in (whole[:10], whole[10:-1]):
        with path.open("ab") as stream:
            stream.write(part)
        assert _read(path) == ["a", "b", "c"]
    with path.open("ab") as stream:
        stream.write(b"\n")
    assert read_log(path).events[-1]["seq"] == 4
    with path.open("ab") as stream:
        stream.write(b"torn for ever\n" + _line("f"))
    assert [event["seq"] for event in read_log(path).list_after(3)] == [4, 6]


@pytest.mark.parametrize("way", ["rename", "truncate", "longer", "same size", "shorter"])
def test_a_replaced_file_is_read_anew(path: Path, way: str) -> None:
    """Whether renamed over, or rewritten in place with any length, old events are gone."""
    assert _read(path) == ["a", "b", "c"]
    news = {
        "rename": _line("x") + _line("y") + _line("c") + _line("new"),
        "truncate": b"",
        "longer": _line("x") * 9,
        "same size": _line("x") + _line("y") + _line("z"),
        "shorter": _line("x"),
    }[way]
    if way == "rename":
        other = path.with_name("other")
        other.write_bytes(news)
        other.replace(path)
    else:
        path.write_bytes(news)
        os.utime(path, ns=(time.time_ns(), time.time_ns() + 1_000_000))
    assert _read(path) == [json.loads(line)["message"] for line in news.splitlines()]


def test_a_removed_file_has_no_events(path: Path) -> None:
    """After the folder went to the trash nothing is told, and a new file is read anew."""
    _read(path)
    path.unlink()
    assert read_log(path).events == []
    assert read_log(path).last is None
    path.write_bytes(_line("new"))
    assert _read(path) == ["new"]


def test_the_summary_follows(path: Path) -> None:
    """Model and progress are those that were told last."""
    assert (read_log(path).model, read_log(path).progress) == (None, {})
    with path.open("ab") as stream:
        stream.write(_line("d", model="m@1", current=1, maximum=9) + _line("e", maximum=0))
    log = read_log(path)
    assert (log.model, log.progress["message"]) == ("m@1", "d")
    assert log.last is not None
    assert log.last["message"] == "e"


def test_old_files_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is bounded; a forgotten file is simply read again."""
    monkeypatch.setattr(event_reading, "_MOST_FILES", 4)
    paths = [tmp_path / f"{number}.jsonl" for number in range(10)]
    for one in paths:
        one.write_bytes(_line(one.name))
    for _ in range(2):
        assert [_read(one) for one in paths] == [[one.name] for one in paths]
    assert len(event_reading._logs) <= 4


def test_readers_and_writers_at_once_miss_nothing(tmp_path: Path) -> None:
    """Each reader that follows its cursor sees every event once, in order."""
    run = runs.create_run(tmp_path, "training", options={})
    total, ending = 300, threading.Event()
    seen: list[list[int]] = [[] for _ in range(4)]

    def follow(numbers: list[int]) -> None:
        while not numbers or numbers[-1] < total + 1:
            after = numbers[-1] if numbers else 0
            numbers += [event["seq"] for event in runs.read_events(run, after=after)]
            if ending.is_set() and not numbers:
                return

    threads = [threading.Thread(target=follow, args=(numbers,), daemon=True) for numbers in seen]
    for thread in threads:
        thread.start()
    for number in range(total):
        runs.append_event(run, Event("running", str(number)))
    for thread in threads:
        thread.join(20)
    assert seen == [list(range(1, total + 2))] * 4


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        (b'{"state": "failed"}', {"state": "failed", "message": "", "metrics": {}, "time": ""}),
        (b'{"state": "running", "metrics": null, "current": "x"}', {"metrics": {}, "current": 0}),
        (
            b'{"state": "running", "metrics": {"a": "b", "f1": NaN, "loss": 1}}',
            {"metrics": {"loss": 1}},
        ),
        (b'{"state": "failed", "message": "no", "error": {"code": 7}}', {"message": "no"}),
        (b'{"state": "paused"}', None),
        (b'{"state": ["a"]}', None),
        (b'{"message": "no state"}', None),
        (b"[1]", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
    ],
)
def test_a_damaged_line_is_left_out_or_completed(
    path: Path, line: bytes, seen: dict[str, Any] | None
) -> None:
    """Readers may rely on every key; what no version here wrote costs that line only."""
    with path.open("ab") as stream:
        stream.write(line + b"\n" + _line("after"))
    *_, found, last = read_log(path).events
    assert (last["message"], last["seq"]) == ("after", 5)
    assert found["seq"] == (3 if seen is None else 4)
    assert seen is None or seen.items() <= found.items()
    if "error" in found:
        assert found["error"] == {"code": "internal_error", "message": "no", "details": {}}
