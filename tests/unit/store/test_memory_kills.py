"""Counters of the system for processes that it ended for want of memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepflash_service.store import memory_kills
from deepflash_service.store.memory_kills import find_memory_kill, note_memory_kills


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
    before = note_memory_kills()
    assert before["counts"] == {str(counter): 2}
    assert find_memory_kill(before) == "none"
    counter.write_text(text.format(3))
    own.write_text("")
    assert find_memory_kill(before) == "own"


def _write_counters(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, has_group: bool
) -> tuple[Path, Path]:
    """Make the counters of a group, if there is one, and of the computer, both at 1."""
    group, computer = folder / "memory.events", folder / "vmstat"
    own, boot = folder / "own", folder / "boot"
    own.write_text("0::/\n")
    boot.write_text("boot-1\n")
    for counter in (group, computer):
        counter.write_text("oom_kill 1\n")
    if not has_group:
        group.unlink()
    for name, path in {"_GROUPS": folder, "_OWN_GROUPS": own, "_BOOT": boot}.items():
        monkeypatch.setattr(memory_kills, name, path)
    monkeypatch.setattr(memory_kills, "_COMPUTER", computer)
    return group, computer


@pytest.mark.parametrize("has_group", [True, False])
def test_kills_of_other_programs_are_not_those_of_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_group: bool
) -> None:
    """Where the group counts, the computer does not matter; else it is a guess, and named so."""
    _, computer = _write_counters(tmp_path, monkeypatch, has_group=has_group)
    before = note_memory_kills()
    computer.write_text("nr_free_pages 7\noom_kill 9\n")
    assert find_memory_kill(before) == ("none" if has_group else "elsewhere")


@pytest.mark.parametrize("what", ["boot", "computer"])
def test_a_note_of_another_computer_or_boot_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Its counters began anew, or were never those of this computer."""
    group, _ = _write_counters(tmp_path, monkeypatch, has_group=True)
    before = note_memory_kills()
    group.write_text("oom_kill 5\n")
    assert find_memory_kill(before) == "own"
    if what == "boot":
        (tmp_path / "boot").write_text("boot-2\n")
    else:
        monkeypatch.setattr("platform.node", lambda: "another")
    assert find_memory_kill(before) == "none"


def test_what_cannot_be_read_counts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other systems have no counters; files of a copied job name none that exist here."""
    monkeypatch.setattr(memory_kills, "_GROUPS", tmp_path)
    monkeypatch.setattr(memory_kills, "_OWN_GROUPS", tmp_path / "none")
    monkeypatch.setattr(memory_kills, "_COMPUTER", tmp_path / "none")
    monkeypatch.setattr(memory_kills, "_BOOT", tmp_path / "none")
    note = note_memory_kills()
    assert note["counts"] == {}
    broken = tmp_path / "broken"
    broken.write_text("oom_kill many\n")
    wrong: list[object] = [
        {str(broken): 0, str(tmp_path / "none"): 0},
        {str(broken): "x"},
        [],
        None,
    ]
    for counts in wrong:
        assert find_memory_kill({**note, "counts": counts}) == "none"
    assert find_memory_kill({}) == "none"
