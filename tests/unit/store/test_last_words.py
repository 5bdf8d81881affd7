"""A disk that is full takes the last words of a job, and nothing dies of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from deepflash_service.errors import SetupError
from deepflash_service.store import last_words, runs
from deepflash_service.store.events import Event
from deepflash_service.store.last_words import keep_reserve, set_marker


@pytest.fixture
def run(tmp_path: Path) -> runs.Run:
    """Return a training with its reserve."""
    run = runs.create_run(tmp_path, "training", options={})
    keep_reserve(run.folder)
    assert (run.folder / "reserve").stat().st_size >= 65_536
    return run


@pytest.fixture
def full_disk(run: runs.Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let every write fail for want of space, until the reserve is gone."""
    write, touch = os.write, Path.touch

    def refuse() -> None:
        if (run.folder / "reserve").exists():
            raise OSError(errno.ENOSPC, "No space left on device")

    def write_or_fail(descriptor: int, data: bytes) -> int:
        refuse()
        return write(descriptor, data)

    def touch_or_fail(path: Path, *arguments: Any, **options: Any) -> None:
        refuse()
        touch(path, *arguments, **options)

    monkeypatch.setattr(os, "write", write_or_fail)
    monkeypatch.setattr(Path, "touch", touch_or_fail)
    return run.folder / "reserve"


def test_progress_is_dropped_and_last_words_are_written(run: runs.Run, full_disk: Path) -> None:
    """The reserve is not spent on progress."""
    runs.append_event(run, Event("running", "epoch 1"))
    assert full_disk.exists()
    assert len(runs.read_events(run)) == 1
    runs.append_event(run, Event("interrupted", "The disk is full."))
    assert not full_disk.exists()
    assert runs.read_job(run)["message"] == "The disk is full."


def test_a_cancel_gets_through_to_free_the_disk(run: runs.Run, full_disk: Path) -> None:
    """The marker file takes the place of the reserve."""
    runs.request_cancel(run)
    assert runs.is_cancel_requested(run)


def test_without_a_reserve_the_fault_is_told(
    run: runs.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who writes last words learns that they were not written, and can try again."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", fail)
        broken.setattr(Path, "touch", fail)
        with pytest.raises(SetupError) as caught:
            runs.append_event(run, Event("failed", "No."))
        assert caught.value.code == "disk_full"
        with pytest.raises(SetupError) as caught:
            set_marker(run.folder, "stop")
        assert caught.value.code == "disk_full"
    runs.append_event(run, Event("failed", "No."))
    assert runs.read_state(run) == "failed"


def test_a_write_that_takes_a_part_goes_on_with_the_rest(
    run: runs.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may write less than it was given."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    runs.append_event(run, Event("running", "a long message, in small parts"))
    assert runs.read_job(run)["message"] == "a long message, in small parts"


def test_an_end_gives_the_reserve_back(run: runs.Run) -> None:
    """Folders of jobs that ended hold no reserve."""
    runs.append_event(run, Event("running", "epoch 1"))
    assert (run.folder / "reserve").exists()
    runs.append_event(run, Event("done", "Saved."))
    assert not (run.folder / "reserve").exists()


def test_a_disk_without_room_for_a_reserve_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a reserve is removed; the job begins all the same."""

    def fail(path: Path, _data: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    last_words.keep_reserve(tmp_path)
    assert list(tmp_path.iterdir()) == []
