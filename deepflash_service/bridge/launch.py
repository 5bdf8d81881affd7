"""Finding the running service of a home folder, and starting one."""

from __future__ import annotations

import atexit
import contextlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from deepflash_service.bridge.transport import CONNECT_SECONDS, PREFIX
from deepflash_service.errors import SetupError

_POLL_SECONDS: Final = 0.05
_OUTPUT_NAME: Final = "launch.log"
_children: Final[list[subprocess.Popen[bytes]]] = []


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service listens: URL without path, token, process id."""

    url: str
    token: str
    pid: int


def read_address(home: Path) -> Address | None:
    """Return what ``service.json`` of the home folder says; None when there is none."""
    try:
        facts = json.loads((home / "service.json").read_text(encoding="utf-8"))
        return Address(str(facts["url"]), str(facts["token"]), int(facts["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def answers(url: str) -> bool:
    """Whether a DeepFLaSH service answers ``/live`` at `url` within two seconds."""
    import httpx

    try:
        answer = httpx.get(url + PREFIX + "/live", timeout=CONNECT_SECONDS, trust_env=False)
        return answer.status_code == HTTPStatus.OK and answer.json().get("status") == "live"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError):
        return False


def find_service(home: Path) -> Address | None:
    """Return the address of the service that runs on the home folder, if it answers."""
    address = read_address(home)
    return address if address is not None and answers(address.url) else None


def start_service(home: Path, *, timeout: float = 60.0) -> tuple[Address, bool]:
    """Start ``deepflash serve`` on the home folder as a process of its own.

    The process outlives this one; its output goes to ``launch.log`` in the home folder.

    Parameters
    ----------
    home : Path
        Home folder; made if missing.
    timeout : float
        Seconds to wait for the service to answer.

    Returns
    -------
    tuple of Address and bool
        The address, and whether the process started here is the one that answers (another
        program may have been faster).

    Raises
    ------
    SetupError
        Code ``service_not_started``; the message ends with what the service printed last.
    """
    process = _spawn(home)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        has_ended = process.poll() is not None
        address = find_service(home)
        if address is not None:
            return address, address.pid == process.pid
        if has_ended:
            break
        time.sleep(_POLL_SECONDS)
    _stop_child(process)
    raise SetupError(
        f"`deepflash serve` did not start on {home}: {_last_output(home)} Run `deepflash "
        f"doctor`; the whole output is in {home / _OUTPUT_NAME}.",
        code="service_not_started",
    )


def _spawn(home: Path) -> subprocess.Popen[bytes]:
    run_cli = "from deepflash_service.cli import main; main()"
    command = [sys.executable, "-c", run_cli, "serve", "--no-browser"]
    try:
        home.mkdir(parents=True, exist_ok=True)
        # The service prints a link that opens the dashboard: for the owner's eyes only.
        (home / _OUTPUT_NAME).touch(mode=0o600)
        with (home / _OUTPUT_NAME).open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [*command, "--home", str(home)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise SetupError(
            f"The home folder {home} cannot be used ({error}). Name another with home=, or "
            "mend its permissions.",
            code="service_not_started",
        ) from error
    # A collected Popen of a living process is a ResourceWarning; this one is meant to live.
    _children.append(process)
    return process


def stop_service(pid: int, *, timeout: float = 20.0) -> bool:
    """Ask a service started here to end (SIGTERM) and wait for it.

    Returns
    -------
    bool
        False when `pid` was not started by this process, or does not end in time.
    """
    for process in _children:
        if process.pid == pid:
            return _stop_child(process, timeout=timeout)
    return False


def _stop_child(process: subprocess.Popen[bytes], *, timeout: float = 20.0) -> bool:
    with contextlib.suppress(OSError):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    if process in _children:
        _children.remove(process)
    return True


@atexit.register
def _disown() -> None:
    """Let go of services that go on, so that Python does not complain about them at its end."""
    for process in _children:
        if process.poll() is None:
            process.returncode = 0


def _last_output(home: Path) -> str:
    with contextlib.suppress(OSError):
        lines = (home / _OUTPUT_NAME).read_text(encoding="utf-8", errors="replace").split("\n")
        last = [line.strip() for line in lines if line.strip()][-3:]
        if last:
            return " ".join(last)
    return "it printed nothing."
