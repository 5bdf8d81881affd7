"""Half-written files: those of killed processes go, those of living ones stay."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deepflash_service.store import locks
from deepflash_service.store.image_records import FOLDER, read_record, write_record
from deepflash_service.store.leftovers import announce_writer, remove_leftovers
from deepflash_service.store.locks import FileLock
from deepflash_service.store.scratch import open_scratch

BE_KILLED = """
import os, pathlib, sys
from deepflash_service.store.leftovers import announce_writer
from deepflash_service.store.scratch import open_scratch

output = pathlib.Path(sys.argv[1])
with announce_writer(output), open_scratch(output, "big") as folder:
    (folder / "half.tif").write_text("half")
    (output / ".partial-1.tif").write_text("half")
    os._exit(9)
"""


def list_hidden(output: Path) -> list[str]:
    """Return the names of all half-written files and folders."""
    return sorted(path.name for path in output.rglob(".partial-*"))


def test_leftovers_of_killed_processes_go(tmp_path: Path) -> None:
    """Half-written files are removed, all others stay."""
    write_record(tmp_path, "a", record={"key": "k"})
    for folder in (tmp_path, tmp_path / FOLDER / "images"):
        (folder / ".partial-1.tif").write_text("half")
        (folder / ".partial-2").mkdir()
        (folder / ".partial-2" / "inside").write_text("half")
        (folder / "keep.tif").write_text("whole")
    remove_leftovers(tmp_path)
    assert list_hidden(tmp_path) == []
    assert len(list(tmp_path.rglob("keep.tif"))) == 2
    assert read_record(tmp_path, "a", key="k") is not None


def test_a_killed_process_protects_nothing(tmp_path: Path) -> None:
    """Its sign that it writes, and its lock on a scratch folder, end with it."""
    command = [sys.executable, "-c", BE_KILLED, str(tmp_path)]
    assert subprocess.run(command, check=False, timeout=60).returncode == 9
    assert list_hidden(tmp_path) == [".partial-1.tif", ".partial-big"]
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == [FOLDER]


def test_what_living_processes_write_stays(tmp_path: Path) -> None:
    """Scratch folders in use stay in any case, single files while somebody writes."""
    with open_scratch(tmp_path, "a") as first, open_scratch(tmp_path, "a") as second:
        assert first != second
        with announce_writer(tmp_path):
            (tmp_path / ".partial-1.tif").write_text("half")
            remove_leftovers(tmp_path)
            assert list_hidden(tmp_path) == sorted([".partial-1.tif", first.name, second.name])
        remove_leftovers(tmp_path)
        assert list_hidden(tmp_path) == sorted([first.name, second.name])
    assert list_hidden(tmp_path) == []


def test_what_is_days_old_goes_even_while_others_write(tmp_path: Path) -> None:
    """A folder that always has a writer is cleaned none the less."""
    with announce_writer(tmp_path):
        (tmp_path / ".partial-1.tif").write_text("half")
        os.utime(tmp_path / ".partial-1.tif", (1, 1))
        remove_leftovers(tmp_path)
    assert list_hidden(tmp_path) == []


@pytest.mark.parametrize("is_old", [False, True])
def test_where_no_locks_are_known_age_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_old: bool
) -> None:
    """Nobody can tell there who is alive, so a day is waited for."""
    monkeypatch.setattr(locks, "_lock", lambda _stream: None)
    with open_scratch(tmp_path, "a") as folder, announce_writer(tmp_path):
        (tmp_path / ".partial-1.tif").write_text("half")
        for path in (folder, tmp_path / ".partial-1.tif", *(tmp_path / FOLDER).iterdir()):
            if is_old:
                os.utime(path, (1, 1))
        remove_leftovers(tmp_path)
        assert len(list_hidden(tmp_path)) == (0 if is_old else 2)


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed on Windows")
def test_a_scratch_folder_is_gone_before_its_lock_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gets the lock next does not lose what he begins in the folder."""
    seen: list[bool] = []
    release: Callable[[FileLock], None] = FileLock.release

    def look(lock: FileLock) -> None:
        seen.append(folder.exists())
        release(lock)

    with open_scratch(tmp_path, "a") as folder:
        (folder / "half.tif").write_text("half")
        monkeypatch.setattr(FileLock, "release", look)
    assert seen == [False]
