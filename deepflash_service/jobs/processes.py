"""Worker processes: start, recognise, adopt, end."""

from __future__ import annotations

import subprocess
import sys
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from deepflash_service.store import mailbox as boxes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deepflash_service.store.mailbox import Mailbox, WorkerRole

_CLOCK_SLACK_SECONDS = 1.0


class WorkerHandle(Protocol):
    """What the supervisor needs to know of a worker, real or faked."""

    mailbox: Mailbox

    def is_alive(self) -> bool:
        """Say whether the process runs."""

    def read_exit_code(self) -> int | None:
        """Return the exit code (negative = signal), or None if it cannot be known."""

    def kill(self) -> None:
        """End the process and its children at once."""


def identify_process(pid: int | None = None) -> dict[str, Any]:
    """Return pid and creation time (seconds), which together name a process for good."""
    process = psutil.Process(pid)
    return {"pid": process.pid, "created": process.create_time()}


def is_process_alive(facts: Mapping[str, Any]) -> bool:
    """Say whether the process that :func:`identify_process` described still runs."""
    try:
        process = psutil.Process(int(facts["pid"]))
        same = abs(process.create_time() - float(facts["created"])) < _CLOCK_SLACK_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (KeyError, TypeError, ValueError, psutil.Error):
        return False


@dataclass(slots=True)
class WorkerProcess:
    """A worker of this computer; `child` is None when it was adopted."""

    mailbox: Mailbox
    identity: dict[str, Any]
    child: subprocess.Popen[bytes] | None = None

    def is_alive(self) -> bool:
        """Say whether the process runs."""
        if self.child is not None:
            return self.child.poll() is None
        return is_process_alive(self.identity)

    def read_exit_code(self) -> int | None:
        """Return the exit code (negative = signal), or None if it cannot be known."""
        return self.child.poll() if self.child is not None else None

    def kill(self) -> None:
        """End the process and its children at once."""
        if not self.is_alive():
            return
        try:
            process = psutil.Process(int(self.identity["pid"]))
            family = [*process.children(recursive=True), process]
        except psutil.Error:
            return
        for member in family:
            try:
                member.kill()
            except psutil.Error:
                continue
        if self.child is not None:
            self.child.wait(timeout=10)


def launch_worker(home: Path, role: WorkerRole) -> WorkerProcess:
    """Start ``python -m deepflash_service.worker``, its output in a file of its mailbox.

    Parameters
    ----------
    home : Path
        Home folder.
    role : {"warm", "training"}
        ``warm`` serves jobs until told to quit, ``training`` ends after one job.
    """
    mailbox = boxes.create_mailbox(home, f"{role}-{uuid.uuid4().hex[:12]}")
    command = [sys.executable, "-m", "deepflash_service.worker"]
    command += ["--home", str(home), "--worker", mailbox.id, "--role", role]
    with mailbox.log.open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - our own module, no shell, ids made by us
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=home,
            **_detach(),
        )
    return WorkerProcess(mailbox, _identify_child(child), child)


def _detach() -> dict[str, Any]:
    """Keep Ctrl+C in the service's terminal away from its workers."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    return {"start_new_session": True}


def _identify_child(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    try:
        return identify_process(child.pid)
    except psutil.Error:
        return {"pid": child.pid, "created": 0.0}


def adopt_worker(mailbox: Mailbox) -> WorkerProcess | None:
    """Return the live worker of a mailbox that another service process left, or None."""
    facts = boxes.read_worker(mailbox)
    if not is_process_alive(facts):
        return None
    return WorkerProcess(mailbox, {"pid": facts["pid"], "created": facts["created"]})
