"""`deepflash serve --stop`: what runs is ended, whether it answers or not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deepflash_service import cli
from deepflash_service.commands import ending
from deepflash_service.store.locks import hold_lock
from tests.integration.service.conftest import LiveService

NOTHING = "there is nothing to end"


@pytest.fixture
def stop(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], tuple[int, str]]:
    """Return a function that runs `serve --stop` and returns exit code and output."""

    def run(home: Path) -> tuple[int, str]:
        code = cli.run(["serve", "--stop", "--home", str(home)])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Return a process that is no service."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_service_that_hangs_is_ended(
    start: Callable[..., LiveService],
    stop: Callable[[Path], tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By force, as it does not hear; the home folder is free for the next one."""
    monkeypatch.setattr(ending, "_HUNG_SECONDS", 0.5)
    service = start()
    service.process.send_signal(signal.SIGSTOP)
    code, told = stop(service.home)
    assert (code, service.process.wait(10)) == (0, -signal.SIGKILL)
    assert told.startswith(f"The service at {service.url} did not answer and has ended.")
    assert not (service.home / "service.json").exists()
    assert NOTHING in stop(service.home)[1]
    start()


def test_one_that_answers_is_not_ended_by_force(
    start: Callable[..., LiveService],
    stop: Callable[[Path], tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its process is named where it does not end in time."""
    monkeypatch.setattr(ending, "_END_SECONDS", 0.2)
    monkeypatch.setattr(psutil.Process, "terminate", lambda _process: None)
    service = start()
    code, told = stop(service.home)
    assert code == 1
    assert f"The service at {service.url} (process {service.process.pid}) does not end." in told
    assert service.process.poll() is None


@pytest.mark.parametrize("text", [None, "{", '{"pid": 1}', '{"pid": "x", "url": 3}'])
def test_a_service_without_its_file_is_ended(
    start: Callable[..., LiveService], stop: Callable[[Path], tuple[int, str]], text: str | None
) -> None:
    """As while it starts: who holds the lock of the home folder is found."""
    service = start()
    (service.home / "service.json").unlink()
    if text is not None:
        (service.home / "service.json").write_text(text, encoding="utf-8")
    code, told = stop(service.home)
    assert (code, service.process.wait(10)) == (0, 0)
    assert f"The service of {service.home} has ended." in told


def test_a_token_that_is_refused_keeps_nobody_from_ending_it(
    start: Callable[..., LiveService], stop: Callable[[Path], tuple[int, str]]
) -> None:
    """The owner of the process may end it."""
    service = start()
    path = service.home / "service.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**facts, "token": "wrong"}), encoding="utf-8")
    code, told = stop(service.home)
    assert (code, service.process.wait(10)) == (0, 0)
    assert f"The service at {service.url} has ended." in told


def test_the_command_that_ends_it_can_be_copied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the home folder has a blank in its name."""
    home = tmp_path / "a home"
    home.mkdir()
    with hold_lock(home / "service.lock"):
        assert cli.run(["serve", "--no-browser", "--home", str(home)]) == 1
    assert f"`deepflash serve --stop --home '{home}'`" in capsys.readouterr().err


def test_what_is_no_service_is_left_alone(
    tmp_path: Path, stop: Callable[[Path], tuple[int, str]], bystander: subprocess.Popen[bytes]
) -> None:
    """Neither a process with the old number, nor one that only holds the lock."""
    (tmp_path / "service.json").write_text(
        json.dumps({"url": "http://127.0.0.1:1", "pid": bystander.pid}), encoding="utf-8"
    )
    assert stop(tmp_path) == (
        0,
        f"No service runs on the home folder {tmp_path}; {NOTHING}.\n",
    )
    with hold_lock(tmp_path / "service.lock") as is_mine:
        assert is_mine
        code, told = stop(tmp_path)
    assert (code, "no service of this computer was found" in told) == (1, True)
    assert bystander.poll() is None
