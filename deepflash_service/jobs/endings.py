"""Plain ends and shown states: which events a job gets, and what its reader sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import ConflictError
from deepflash_service.jobs.exits import Cause, Exit, explain_exit
from deepflash_service.records import ENDED_STATES, FINAL_STATES
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs
from deepflash_service.store.custody import is_entrusted
from deepflash_service.store.discarding import discard_results
from deepflash_service.store.event_reading import read_log
from deepflash_service.store.events import Event

if TYPE_CHECKING:
    from deepflash_service.records import JobState
    from deepflash_service.store.mailbox import Mailbox
    from deepflash_service.store.runs import Run

MOST_LOSSES = 3
"""Losses without progress after which a training is not taken up by itself any more."""
_MOST_OWN_LOSSES = 2
_MOST_KILLS = 8
_UNDER_WAY = frozenset({"queued", "running"})
_RESUMABLE_STATES = frozenset({"interrupted", "failed", "stopped"})


@dataclass(frozen=True, slots=True)
class Losses:
    """How often a job lost its process since it last got further.

    ``steps`` is the progress that was kept when that was last noted.
    """

    count: int = 0
    steps: int = 0

    def note(self, steps: int) -> Losses:
        """Return what holds after one more loss with `steps` kept."""
        return Losses(1 if steps > self.steps else self.count + 1, steps)

    @property
    def metrics(self) -> dict[str, float]:
        """The same as metrics of an event, so that it outlives every process."""
        return {"losses": float(self.count), "kept_steps": float(self.steps)}


def queued(message: str, *, losses: Losses) -> Event:
    """Return the event of a job that waits again."""
    return Event(state="queued", message=message, metrics=losses.metrics)


def cancelled(message: str) -> Event:
    """Return the event of a cancelled job."""
    return Event(state="cancelled", message=message)


def failed(code: str, message: str) -> Event:
    """Return the event of a failed job."""
    return Event("failed", message, error=_make_error(code, message))


def _make_error(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "details": {}}


def explain_fault(error: Exception) -> tuple[str, str]:
    """Return an error code and a sentence for a fault that no other code explains."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return "out_of_memory", (
            "The job ran out of memory: close other programs, or use smaller images or fewer at "
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
    discard_results(run)
    return cancelled("Cancelled; it does not go on, and its results were discarded.")


def read_losses(run: Run) -> Losses:
    """Return what the events tell of earlier losses."""
    for event in reversed(read_log(run.folder / "events.jsonl").events):
        metrics = event["metrics"]
        if "losses" in metrics:
            return Losses(int(metrics["losses"]), int(metrics.get("kept_steps", 0)))
    return Losses()


def judge_loss(run: Run, end: Exit) -> tuple[Event, ...]:
    """Return the events of a job whose process is gone.

    A cancelled job is cancelled. A training that a service looks after is interrupted and
    queued again, unless it was lost too often without getting further. A short job starts once
    more, because its results are made from scratch in seconds; if its own doing seems to end
    the process, the second loss is a failure. A worker that was killed before it began a job
    is no loss of that job.
    """
    if runs.is_cancel_requested(run):
        discard_results(run)
        return (cancelled("Cancelled; its process was ended."),)
    losses = read_losses(run)
    if runs.read_state(run) == "queued" and is_entrusted(run) and _is_harmless(end):
        return (queued("Waits for another worker.", losses=losses),)
    if run.kind == "training":
        return _judge_training(run, end, losses=losses)
    losses = losses.note(0)
    cause = explain_exit(end)
    most = _MOST_KILLS if cause.is_external else _MOST_OWN_LOSSES
    if losses.count < most and is_entrusted(run):
        text = "The worker process ended in the middle; the job starts once more."
        return (queued(text, losses=losses),)
    return (failed(cause.code, cause.sentence),)


def _is_harmless(end: Exit) -> bool:
    return end.code == 0 or explain_exit(end).is_external


def _judge_training(run: Run, end: Exit, *, losses: Losses) -> tuple[Event, ...]:
    from deepflash_service.store.checkpoints import read_progress

    losses = losses.note(read_progress(run))
    if is_entrusted(run) and losses.count < MOST_LOSSES:
        cause = explain_exit(end, remedy="the training goes on by itself")
        again = queued(tell_again(losses.steps), losses=losses)
        return (_interrupt(cause, "", losses=losses), again)
    cause = explain_exit(end, remedy="resume the training")
    often = f"It was lost {losses.count} times without getting further. "
    text = (often if is_entrusted(run) else "") + _tell_kept(losses.steps)
    return (_interrupt(cause, f" {text}", losses=losses),)


def _interrupt(cause: Cause, text: str, *, losses: Losses) -> Event:
    message = f"{cause.sentence}{text}"
    error = _make_error(cause.code, message)
    return Event("interrupted", message, metrics=losses.metrics, error=error)


def give_up(run: Run, *, losses: Losses) -> Event:
    """Return the event of a training that met a full disk too often to go on by itself."""
    sentence = f"The disk with {run.folder} ran full {losses.count} times, and has room again: "
    cause = Cause("worker_lost", f"{sentence}free more space, then resume the training.")
    return _interrupt(cause, f" {_tell_kept(losses.steps)}", losses=losses)


def _tell_kept(steps: int) -> str:
    if not steps:
        return "It then begins again: no checkpoint was written yet."
    return f"It then goes on from step {steps}, unless the data set has changed."


def tell_again(steps: int) -> str:
    """Return the sentence of a training that is taken up by itself."""
    if not steps:
        return "Begins again by itself: no checkpoint was written yet."
    return f"Goes on by itself from step {steps}."


def show_state(run: Run) -> JobState:
    """Return the state for readers: a job that was asked to end is ``stopping`` until it does."""
    state = runs.read_state(run)
    if state in _UNDER_WAY and (runs.is_stop_requested(run) or runs.is_cancel_requested(run)):
        return "stopping"
    return state


def check_resumable(job: dict[str, Any]) -> None:
    """Refuse to resume what is no training, still runs, or ended well.

    Raises
    ------
    ConflictError
        Code ``not_resumable``.
    """
    if job["kind"] == "training" and job["state"] in _RESUMABLE_STATES:
        return
    is_under_way = job["state"] not in ENDED_STATES
    remedy = (
        "It goes on by itself: wait for its end." if is_under_way else "Start a new job instead."
    )
    raise ConflictError(
        f"Job {job['id']} is a {job['kind']} and {job['state']}; only trainings that were "
        f"interrupted, failed or were stopped can be resumed. {remedy}",
        code="not_resumable",
        details={"kind": job["kind"], "state": job["state"]},
    )


def check_stoppable(run: Run, *, is_begun: bool) -> None:
    """Refuse to stop where no process could keep anything.

    Raises
    ------
    ConflictError
        Code ``not_stoppable``.
    """
    from deepflash_service.store.checkpoints import read_progress

    if run.kind == "training" and is_begun:
        return
    remedy = "Cancel this job instead."
    if run.kind == "training" and read_progress(run):
        remedy = "This one kept its progress: resume it first, and stop it when it runs."
    raise ConflictError(
        f"Only a running training can be stopped with its best result kept. {remedy}",
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


def keep_log(run: Run, mailbox: Mailbox) -> bytes:
    """Append the last output of a lost worker to the log of its job, and return it."""
    text = boxes.read_log_tail(mailbox)
    if text:
        runs.append_log(run, b"\n--- last output of the worker ---\n" + text)
    return text
