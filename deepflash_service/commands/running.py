"""Run a job of the command line in this process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import DeepFlashError, JobCancelled, ServiceUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deepflash_service.bridge.service import Service
    from deepflash_service.records import Report
    from deepflash_service.store.runs import Run


LOG = "log.txt"
"""In the home folder: what libraries print while commands run."""


def start_home(home: str | None) -> Path:
    """Return the home folder, made if it was missing.

    Raises
    ------
    SetupError
        Code ``disk_fault``.
    """
    from deepflash_service.settings import load_settings
    from deepflash_service.store.disk import prepare_home

    folder = load_settings(home).home
    prepare_home(folder)
    return folder


def perform_job(home: Path, run: Run, *, report: Report) -> dict[str, Any]:
    """Run a job to its end and return its JSON.

    Raises
    ------
    DeepFlashError
        The error of the job, if it failed.
    JobCancelled
        If somebody cancelled it.
    KeyboardInterrupt
        After noting in the job folder that it can be resumed; its text names the command.
    """
    from deepflash_service.store.events import Event
    from deepflash_service.store.runs import append_event
    from deepflash_service.worker import run_job

    try:
        job = run_job(home, run.id, report=report)
    except KeyboardInterrupt:
        remedy = name_resumption(run)
        append_event(run, Event("interrupted", f"Interrupted by the keyboard. {remedy}"))
        raise KeyboardInterrupt(remedy) from None
    if job["state"] == "cancelled":
        raise JobCancelled(f"Job {run.id} was cancelled; nothing was kept.")
    if job["error"] is not None:
        error = job["error"]
        raise DeepFlashError(error["message"], code=error["code"], details=error["details"])
    return job


def name_resumption(run: Run) -> str:
    """Return the sentence that names the command with which an interrupted training goes on."""
    return f"`deepflash jobs resume {run.id}` goes on with it."


@contextmanager
def connect_running(home: Path) -> Iterator[Service | None]:
    """Yield a connection to the service that runs on the home folder, or None."""
    from deepflash_service.bridge import connect

    try:
        service = connect(home=home, start=False)
    except ServiceUnreachableError:
        yield None
        return
    with service:
        yield service


def follow_job(service: Service, job: str, *, after: int, report: Report) -> None:
    """Report the events of a job of the service until it has ended.

    Parameters
    ----------
    service : Service
        Where it runs.
    job : str
        Its id.
    after : int
        Number of the event after which to begin.
    report : callable
        Told of each event.

    Raises
    ------
    DeepFlashError
        The error of the job, if it failed.
    JobCancelled
        If somebody cancelled it.
    """
    for event in service.events(job, after=after):
        report(event.progress)
    service.job(job).raise_failure()
