"""Locks that the system frees, and who works on a run."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

from deepflash_service.errors import SetupError
from deepflash_service.store import locks, runs
from deepflash_service.store.custody import (
    entrust_to_service,
    hold_run,
    is_entrusted,
    is_held,
    read_owner,
    write_owner,
)
from deepflash_service.store.locks import FileLock, hold_lock, probe_lock

_HOLD = """
import sys
from pathlib import Path
from deepflash_service.store.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    """After kill -9 the lock is free at once, without any file to remove."""
    path = tmp_path / "lock"
    command = [sys.executable, "-c", _HOLD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "True"
        assert probe_lock(path)
        assert not FileLock(path).acquire(seconds=0.05)
        child.kill()
    assert probe_lock(path) is False
    with hold_lock(path) as is_mine:
        assert is_mine


def test_a_look_takes_nothing(tmp_path: Path) -> None:
    """A lock that nobody made is free; a look makes no file."""
    assert probe_lock(tmp_path / "none") is False
    assert list(tmp_path.iterdir()) == []
    lock = FileLock(tmp_path / "lock")
    assert lock.try_acquire()
    assert lock.try_acquire()
    assert probe_lock(tmp_path / "lock")
    lock.release()
    lock.release()
    assert probe_lock(tmp_path / "lock") is False


def test_a_file_system_without_locks_refuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work goes on there; a look says that it cannot know."""

    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", fail)
    with hold_lock(tmp_path / "lock") as is_mine:
        assert is_mine
        assert probe_lock(tmp_path / "lock") is None


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to open any file for writing, as a disk does that may only be read."""
    original = Path.open

    def open_to_read(path: Path, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if set(mode) & set("wax+"):
            raise OSError(errno.EROFS, "Read-only file system")
        return original(path, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", open_to_read)


def test_a_lock_can_be_looked_at_without_writing(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Jobs can be listed in a folder that may only be read; taking a lock names the folder."""
    lock = FileLock(tmp_path / "lock")
    lock.acquire()
    request.getfixturevalue("read_only")
    assert probe_lock(tmp_path / "lock") is True
    lock.release()
    assert probe_lock(tmp_path / "lock") is False
    with pytest.raises(SetupError) as caught, hold_lock(tmp_path / "lock"):
        pytest.fail("it is held")
    assert caught.value.code == "disk_fault"
    assert caught.value.message.startswith(f"{tmp_path / 'lock'} cannot be written: Read-only")


def test_one_process_works_on_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one is refused while the first holds it, and told afterwards who it was."""
    monkeypatch.setattr("deepflash_service.store.custody._PATIENCE_SECONDS", 0.05)
    run = runs.create_run(tmp_path, "training", options={})
    assert is_held(run) is False
    assert read_owner(run) == {}
    with hold_run(run) as first:
        write_owner(run, facts={"pid": 1})
        assert first
        assert is_held(run)
        with hold_run(run) as second:
            assert not second
    assert is_held(run) is False
    assert read_owner(run) == {"pid": 1}
    (run.folder / "owner.json").write_text("[")
    assert read_owner(run) == {}


def test_services_look_after_what_is_entrusted_to_them(tmp_path: Path) -> None:
    """A run of the command line is its own until somebody hands it over."""
    run = runs.create_run(tmp_path, "training", options={})
    assert not is_entrusted(run)
    entrust_to_service(run)
    assert is_entrusted(run)


def test_waiting_ends_when_the_lock_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others look at a lock by taking it for a moment; that refuses nobody."""
    path = tmp_path / "lock"
    first = FileLock(path)
    assert first.acquire()
    tries: list[IO[bytes]] = []
    original = locks._lock

    def try_once(stream: IO[bytes]) -> bool | None:
        tries.append(stream)
        if len(tries) == 3:
            first.release()
        return original(stream)

    monkeypatch.setattr(locks, "_lock", try_once)
    with hold_lock(path, seconds=5) as is_mine:
        assert is_mine


def test_a_request_that_cannot_be_forgotten_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job in a folder that may only be read is not resumed; the sentence names the folder."""
    run = runs.create_run(tmp_path, "training", options={})

    def fail(_path: Path, **_options: bool) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", fail)
    with pytest.raises(SetupError) as caught:
        runs.clear_requests(run)
    assert caught.value.code == "disk_fault"
    assert str(run.folder) in caught.value.message
