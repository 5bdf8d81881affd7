"""How the service hands jobs to worker processes: files in a folder per worker.

::

    workers/<id>/worker.json     written by the worker: pid, creation time, role, device
    workers/<id>/inbox/<job>     one empty file per job in hand, removed when the job has ended
    workers/<id>/quit            the worker ends after its present job
    workers/<id>/log.txt         output of the worker

Files outlive both processes, so either may be killed and restarted; a pipe would end with
its first owner.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from deepflash_service.store.atomic import write_json
from deepflash_service.store.names import check_id

if TYPE_CHECKING:
    from collections.abc import Mapping

WorkerRole = Literal["warm", "training"]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The folder of one worker process."""

    id: str
    folder: Path

    @property
    def log(self) -> Path:
        """File that receives the worker's output."""
        return self.folder / "log.txt"

    @property
    def inbox(self) -> Path:
        """Folder with one file per job in hand."""
        return self.folder / "inbox"

    @property
    def quit_marker(self) -> Path:
        """The worker ends when this file exists and no job is in hand."""
        return self.folder / "quit"


def open_mailbox(home: Path, worker_id: str) -> Mailbox:
    """Return the mailbox of a worker; the folder need not exist yet."""
    return Mailbox(id=worker_id, folder=home / "workers" / check_id(worker_id))


def create_mailbox(home: Path, worker_id: str) -> Mailbox:
    """Make the folder of a new worker."""
    mailbox = open_mailbox(home, worker_id)
    mailbox.inbox.mkdir(parents=True)
    return mailbox


def list_mailboxes(home: Path) -> list[Mailbox]:
    """Return the mailboxes of all workers that were not cleared away, oldest first."""
    folders = sorted((home / "workers").glob("*/inbox"))
    return [Mailbox(id=inbox.parent.name, folder=inbox.parent) for inbox in folders]


def post_job(mailbox: Mailbox, job_id: str) -> None:
    """Put a job into the worker's inbox."""
    (mailbox.inbox / check_id(job_id)).touch()


def list_posted(mailbox: Mailbox) -> list[str]:
    """Return the ids of the jobs that the worker has in hand, oldest first."""
    try:
        entries = [(entry.stat().st_mtime_ns, entry.name) for entry in mailbox.inbox.iterdir()]
    except FileNotFoundError:
        return []
    return [name for _, name in sorted(entries)]


def is_posted(mailbox: Mailbox, job_id: str) -> bool:
    """Say whether the worker has the job in hand."""
    return (mailbox.inbox / check_id(job_id)).exists()


def clear_job(mailbox: Mailbox, job_id: str) -> None:
    """Take an ended job out of the inbox."""
    (mailbox.inbox / check_id(job_id)).unlink(missing_ok=True)


def request_quit(mailbox: Mailbox) -> None:
    """Ask the worker to end after its present job."""
    with suppress(FileNotFoundError):
        mailbox.quit_marker.touch()


def is_quit_requested(mailbox: Mailbox) -> bool:
    """Say whether the worker shall end; also true when its folder was removed."""
    return mailbox.quit_marker.exists() or not mailbox.inbox.exists()


def write_worker(mailbox: Mailbox, *, facts: Mapping[str, object]) -> None:
    """Write what a worker tells of itself (pid, creation time, role, device).

    Nothing is written when the folder was removed: then nobody waits for this worker.
    """
    if mailbox.inbox.exists():
        write_json(mailbox.folder / "worker.json", dict(facts))


def read_worker(mailbox: Mailbox) -> dict[str, Any]:
    """Return what the worker told of itself; empty before it did."""
    try:
        facts = json.loads((mailbox.folder / "worker.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def read_log_tail(mailbox: Mailbox, *, most_bytes: int = 32_768) -> bytes:
    """Return the end of the worker's output."""
    try:
        with mailbox.log.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - most_bytes))
            return stream.read()
    except OSError:
        return b""


def remove_mailbox(mailbox: Mailbox) -> None:
    """Remove the folder of a worker that has ended."""
    shutil.rmtree(mailbox.folder, ignore_errors=True)
