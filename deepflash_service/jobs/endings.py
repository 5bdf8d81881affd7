"""Plain ends and shown states: which event a job gets, and what its reader sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepflash_service.errors import ConflictError
from deepflash_service.jobs.processes import explain_exit
from deepflash_service.records import FINAL_STATES
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.events import Event

if TYPE_CHECKING:
    from deepflash_service.records import JobKind
    from deepflash_service.store.mailbox import Mailbox
    from deepflash_service.store.runs import Run

_MOST_ATTEMPTS = 2
_RESUMABLE_STATES = frozenset({"interrupted", "failed", "stopped"})


def queued(message: str) -> Event:
    """Return the event of a job that waits (again)."""
    return Event(state="queued", message=message)


def cancelled(message: str) -> Event:
    """Return the event of a cancelled job."""
    return Event(state="cancelled", message=message)


def failed(code: str, message: str) -> Event:
    """Return the event of a failed job."""
    return Event(
        state="failed",
        message=message,
        error={"code": code, "message": message, "details": {}},
    )


def explain_fault(error: Exception) -> tuple[str, str]:
    """Return an error code and a sentence for a fault that no other code explains."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return "out_of_memory", (
            "The memory did not suffice: close other programs, or use smaller images or fewer at "
            "once, and start the job again."
        )
    return "internal_error", (
        f"The job failed with an unexpected fault ({type(error).__name__}); its log tells more. "
        "Start it again, and report the log if it fails again."
    )


def withdraw(run: Run) -> Event:
    """Return the event of a cancelled job that is in nobody's hand: it waits, or lost its worker.

    Results of an earlier attempt are discarded.
    """
    if not any(event["state"] == "running" for event in runs.read_events(run)):
        return cancelled("Cancelled before it began.")
    boxes.discard_results(run.folder)
    return cancelled("Cancelled; it does not go on, and its results were discarded.")


def judge_loss(run: Run, *, exit_code: int | None, attempts: int, is_watched: bool = True) -> Event:
    """Return the event of a job whose process is gone.

    A cancelled job is cancelled. A training is interrupted and can be resumed. A short job
    starts once more, because its results are made from scratch in seconds; the second loss
    is a failure.
    """
    if runs.is_cancel_requested(run):
        boxes.discard_results(run.folder)
        return cancelled("Cancelled; its process was ended.")
    if run.kind == "training":
        code, sentence = explain_exit(
            exit_code, is_watched=is_watched, remedy="resume the training"
        )
        message = f"{sentence} {_tell_kept(run)}"
        error: dict[str, Any] = {"code": code, "message": message, "details": {}}
        return Event(state="interrupted", message=message, error=error)
    code, sentence = explain_exit(exit_code, is_watched=is_watched)
    if attempts < _MOST_ATTEMPTS:
        return queued("The worker process ended in the middle; the job starts once more.")
    return failed(code, sentence)


def _tell_kept(run: Run) -> str:
    count = runs.count_finished_members(run)
    if not count:
        return "It then begins again: no member of the model was finished."
    members = "1 member that was" if count == 1 else f"{count} members that were"
    return f"It then keeps the {members} finished, unless the data set has changed."


def show_requests(run: Run) -> dict[str, Any]:
    """Return the job JSON; a running job that was asked to end is shown as ``stopping``."""
    job = runs.read_job(run)
    if job["state"] == "running" and (runs.is_stop_requested(run) or runs.is_cancel_requested(run)):
        job["state"] = "stopping"
    return job


def check_resumable(job: dict[str, Any]) -> None:
    """Refuse to resume what is no training, still runs, or ended well.

    Raises
    ------
    ConflictError
        Code ``not_resumable``.
    """
    if job["kind"] == "training" and job["state"] in _RESUMABLE_STATES:
        return
    raise ConflictError(
        f"Job {job['id']} is a {job['kind']} and {job['state']}; only trainings that were "
        "interrupted, failed or were stopped can be resumed. Start a new job instead.",
        code="not_resumable",
        details={"kind": job["kind"], "state": job["state"]},
    )


def check_stoppable(kind: JobKind, *, is_begun: bool) -> None:
    """Refuse to stop where nothing could be kept.

    Raises
    ------
    ConflictError
        Code ``not_stoppable``.
    """
    if kind == "training" and is_begun:
        return
    raise ConflictError(
        "Only a running training can be stopped with its best result kept. Cancel this job "
        "instead.",
        code="not_stoppable",
    )


def check_unfinished(job: dict[str, Any]) -> None:
    """Refuse to end a job that has ended.

    Raises
    ------
    ConflictError
        Code ``job_finished``.
    """
    if job["state"] in FINAL_STATES:
        raise ConflictError(
            f"Job {job['id']} has ended already ({job['state']}); nothing is left to end.",
            code="job_finished",
            details={"state": job["state"]},
        )


def keep_log(run: Run, mailbox: Mailbox) -> None:
    """Append the last output of a lost worker to the log of its job."""
    text = boxes.read_log_tail(mailbox)
    if text:
        with run.log.open("ab") as log:
            log.write(b"\n--- last output of the worker ---\n" + text)
