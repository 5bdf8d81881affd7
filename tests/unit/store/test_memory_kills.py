"""Counters of the system for processes that it ended for want of memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepflash_service.store import memory_kills
from deepflash_service.store.memory_kills import count_memory_kills, has_memory_kill_since


@pytest.mark.parametrize(
    ("group", "name", "text"),
    [
        ("0::/service/worker", "service/worker/memory.events", "oom 3\noom_kill {}\n"),
        ("0::/", "memory.events", "low 0\noom_kill {}\n"),
        (
            "4:memory,hugetlb:/jobs/7",
            "memory/jobs/7/memory.oom_control",
            "under_oom 0\noom_kill {}\n",
        ),
    ],
)
def test_a_kill_is_seen_by_the_counter_of_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, group: str, name: str, text: str
) -> None:
    """Both versions of control groups are read; the file is read again, not the own group."""
    counter = tmp_path / name
    counter.parent.mkdir(parents=True, exist_ok=True)
    counter.write_text(text.format(2))
    own = tmp_path / "own"
    own.write_text(f"9:pids:/other\n{group}\n")
    monkeypatch.setattr(memory_kills, "_GROUPS", tmp_path)
    monkeypatch.setattr(memory_kills, "_OWN_GROUPS", own)
    monkeypatch.setattr(memory_kills, "_COMPUTER", tmp_path / "none")
    before = count_memory_kills()
    assert before == {str(counter): 2}
    assert not has_memory_kill_since(before)
    counter.write_text(text.format(3))
    own.write_text("")
    assert has_memory_kill_since(before)


def test_a_kill_anywhere_on_the_computer_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without control groups there is the counter of the whole computer."""
    counter = tmp_path / "vmstat"
    counter.write_text("nr_free_pages 7\noom_kill 0\n")
    monkeypatch.setattr(memory_kills, "_COMPUTER", counter)
    monkeypatch.setattr(memory_kills, "_OWN_GROUPS", tmp_path / "none")
    before = count_memory_kills()
    counter.write_text("nr_free_pages 7\noom_kill 1\n")
    assert has_memory_kill_since(before)


def test_what_cannot_be_read_counts_nothing(tmp_path: Path) -> None:
    """Other systems have no counters; files of a copied job name none that exist here."""
    broken = tmp_path / "broken"
    broken.write_text("oom_kill many\n")
    assert not has_memory_kill_since({str(broken): 0, str(tmp_path / "none"): 0})
    assert not has_memory_kill_since({})
