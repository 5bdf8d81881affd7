"""Nothing half-written, whatever happens in the middle."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deepflash_service.errors import SetupError
from deepflash_service.store import atomic
from deepflash_service.store.atomic import open_atomic, stage_folder, write_json, write_text

_WRITER = """
import os, sys
from pathlib import Path
from deepflash_service.store.atomic import open_atomic
with open_atomic(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"new " * 100)
    print("half", flush=True)
    sys.stdin.read()
"""


def write_and_fail(path: Path) -> None:
    """Write something, then fail as a full disk or a fault of ours would."""
    path.write_text("new")
    raise ValueError("stop")


def test_a_fault_leaves_the_old_file(tmp_path: Path) -> None:
    """An exception in the middle changes nothing and leaves no temporary file."""
    path = tmp_path / "a" / "b.txt"
    write_text(path, "old")
    with pytest.raises(ValueError, match="stop"), open_atomic(path) as temporary:
        write_and_fail(temporary)
    assert path.read_text() == "old"
    assert [one.name for one in path.parent.iterdir()] == ["b.txt"]


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    """After SIGKILL in the middle of writing the old content is there, whole."""
    path = tmp_path / "b.txt"
    write_text(path, "old")
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        writer.send_signal(signal.SIGKILL)
        writer.wait(timeout=20)
    assert path.read_text() == "old"


def test_a_fault_leaves_no_folder(tmp_path: Path) -> None:
    """A folder appears complete or not at all."""
    with pytest.raises(ValueError, match="stop"), stage_folder(tmp_path / "d") as folder:
        write_and_fail(folder / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_never_replaces_another(tmp_path: Path) -> None:
    """Two writers of the same folder: the second is told, the first is kept."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "mine").touch()
    with pytest.raises(FileExistsError), stage_folder(tmp_path / "d") as folder:
        (folder / "other").touch()
    assert [one.name for one in tmp_path.rglob("*")] == ["d", "mine"]


def test_disk_faults_are_explained(tmp_path: Path) -> None:
    """A path that cannot be written gives one sentence with the remedy."""
    (tmp_path / "file").touch()
    with pytest.raises(SetupError) as caught:
        write_json(tmp_path / "file" / "x.json", {})
    assert caught.value.code == "disk_fault"
    assert "Check the free space" in caught.value.message


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The code, the free space, and that the old content is still there."""
    path = tmp_path / "x.json"
    write_json(path, {"old": 1})

    def fail(_path: Path, _data: bytes) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(SetupError) as caught:
        write_json(path, {"new": 1})
    assert caught.value.code == "disk_full"
    assert caught.value.details["folder"] == str(tmp_path)
    assert caught.value.message.startswith(f"The disk with {tmp_path} is full: ")
    assert caught.value.message.endswith("x.json was not written: free some space and try again.")
    assert path.read_text() == '{\n  "old": 1\n}\n'
    assert [one.name for one in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_temporary_names_are_not_told(tmp_path: Path, number: int) -> None:
    """The sentence names the folder that the user knows."""
    hidden = tmp_path / "runs" / f"{atomic.TEMPORARY_PREFIX}1" / "x" / f"{atomic.TEMPORARY_PREFIX}2"
    (tmp_path / "runs").mkdir()
    error = atomic.explain_disk_fault(hidden / "job.json", OSError(number, "no"))
    assert f"{tmp_path / 'runs'} " in error.message
    assert atomic.TEMPORARY_PREFIX not in error.message
