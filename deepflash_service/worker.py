"""Worker process: runs jobs, one at a time, with the models kept loaded between them.

``python -m deepflash_service.worker --home H --worker ID --role warm`` is started by the
service and takes jobs from its mailbox; ``--job ID`` runs one job folder and ends, for batch
systems. Everything that outlives the process is written to files at once.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import ConflictError, DeepFlashError, JobCancelled
from deepflash_service.jobs.endings import explain_fault
from deepflash_service.jobs.processes import identify_process, is_process_alive
from deepflash_service.jobs.reporting import Reporter
from deepflash_service.records import FINAL_STATES, Progress
from deepflash_service.settings import load_settings
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs, runtime
from deepflash_service.store.atomic import write_json
from deepflash_service.store.custody import hold_run, write_owner
from deepflash_service.store.discarding import discard_results
from deepflash_service.store.events import Event
from deepflash_service.store.last_words import keep_reserve
from deepflash_service.store.memory_kills import note_memory_kills
from deepflash_service.workflows.leases import lease_device
from deepflash_service.workflows.model_cache import ModelCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepflash_service.records import Report
    from deepflash_service.store.mailbox import Mailbox
    from deepflash_service.store.runs import Run
    from deepflash_service.workflows.hooks import Hooks
    from deepflash_service.workflows.prediction import LoadedModel

_BUSY_POLL_SECONDS = 0.01
_IDLE_POLL_SECONDS = 0.05
_BUSY_PERIOD_SECONDS = 5.0
_ORPHAN_SECONDS = 600.0


class _Ending:
    """Keeps why a training ended early although nobody stopped it."""

    def __init__(self) -> None:
        self.reason = ""

    def note(self, reason: str) -> None:
        """Remember the reason."""
        self.reason = reason


def run_job(
    home: Path,
    job_id: str,
    *,
    report: Report | None = None,
    models: ModelCache | None = None,
) -> dict[str, Any]:
    """Run one job folder in this process and return its final JSON.

    Parameters
    ----------
    home : Path
        Home folder.
    job_id : str
        Id of the run.
    report : callable, optional
        Told of the progress, beside the events of the run.
    models : ModelCache, optional
        Models kept loaded between jobs.

    Returns
    -------
    dict
        The job JSON; faults of the job are in ``state`` and ``error``, they are not raised.

    Raises
    ------
    NotFoundError
        Code ``unknown_job``.
    ConflictError
        Code ``job_in_hand`` when another process works on the job.
    SetupError
        Codes ``disk_full`` and ``disk_fault`` when not even the end of the job can be written.
    """
    run = runs.open_run(home, job_id)
    with hold_run(run) as is_mine:
        if not is_mine:
            raise ConflictError(
                f"Another process works on job {job_id}. Wait for its end, or cancel it there.",
                code="job_in_hand",
                details={"job": job_id},
            )
        return _work(home, run, report=report, models=models)


def _work(
    home: Path, run: Run, *, report: Report | None = None, models: ModelCache | None = None
) -> dict[str, Any]:
    """Run a job that is held by this process."""
    try:
        facts = {**identify_process(), "memory_kills": note_memory_kills()}
        write_owner(run, facts=facts)
        keep_reserve(run.folder)
        runs.append_event(run, Event(state="running", message="Started."))
        final = _perform(home, run, reporter=Reporter(run, report), models=models)
    except JobCancelled:
        discard_results(run)
        final = Event(state="cancelled", message="Cancelled.")
    except DeepFlashError as error:
        final = _fail(run, error.code, message=error.message, details=error.details)
    except MemoryError:
        final = _fail(run, *explain_fault(MemoryError()))
    except Exception as error:  # noqa: BLE001 - a job may fail in any way; the worker goes on
        final = _fail(run, *explain_fault(error))
    if final.error is not None and runs.is_cancel_requested(run):
        # whoever cancelled the job need not care what else happened to it
        discard_results(run)
        final = Event(state="cancelled", message="Cancelled.")
    runs.append_event(run, final)
    return runs.read_job(run)


def _fail(run: Run, code: str, message: str, *, details: dict[str, object] | None = None) -> Event:
    runs.append_log(run, traceback.format_exc().encode())
    error = {"code": code, "message": message, "details": details or {}}
    can_go_on = code == "disk_full" and run.kind == "training"
    return Event("interrupted" if can_go_on else "failed", message, error=error)


def _perform(home: Path, run: Run, *, reporter: Reporter, models: ModelCache | None) -> Event:
    from deepflash_service.workflows.hooks import Hooks

    settings = load_settings(home)
    ending = _Ending()
    hooks = Hooks(
        report=reporter,
        warn=reporter.tell,
        is_cancelled=lambda: runs.is_cancel_requested(run),
        is_stopping=lambda: runs.is_stop_requested(run),
        end_early=ending.note,
    )
    hooks.check()
    with lease_device(home, run, sharing=settings.share_device, hooks=hooks) as share:
        hooks = replace(hooks, share_device=share)
        if run.kind == "segmentation":
            return _segment(home, run, models or ModelCache(home), hooks=hooks)
        if run.kind == "evaluation":
            return _evaluate(home, run, models or ModelCache(home), hooks=hooks)
        return _train(home, run, seconds=settings.checkpoint_seconds, hooks=hooks, ending=ending)


def _train(home: Path, run: Run, *, seconds: float, hooks: Hooks, ending: _Ending) -> Event:
    from deepflash_service.workflows.train import run_training

    card = run_training(home, run, hooks=hooks, checkpoint_seconds=seconds)
    if card is None:
        return Event("stopped", ending.reason)
    reference = f"{card.name}@{card.version}"
    is_early = bool(ending.reason) or runs.is_stop_requested(run)
    told = [ending.reason, card.ending, f"Saved {reference}.", card.advice]
    message = " ".join(part for part in told if part)
    return Event("stopped" if is_early else "done", message, model=reference)


def _evaluate(home: Path, run: Run, models: ModelCache, *, hooks: Hooks) -> Event:
    from deepflash_service.workflows.evaluate import run_evaluation

    model = None
    if run.options.get("model"):
        hooks.report(Progress("Loading the model."))
        model = models.load(str(run.options["model"]))
        hooks.share_device()
    result = run_evaluation(home, run, model=model, hooks=hooks)
    count = len(result["images"])
    return Event("done", f"Compared {count} images.", current=count, maximum=count)


def _segment(home: Path, run: Run, models: ModelCache, *, hooks: Hooks) -> Event:
    from deepflash_service.workflows.segment import run_segmentation

    hooks.report(Progress("Loading the model."))
    model = models.load(str(run.options["model"]))
    hooks.share_device()
    result = run_segmentation(home, run, model, hooks=hooks)
    write_json(run.results / "segmentation.json", result)
    images = result["images"]
    faults = [image["error"]["message"] for image in images if image["error"]]
    rois = sum(image["rois"] or 0 for image in images)
    message = f"{rois} ROIs in {len(images) - len(faults)} of {len(images)} images."
    return Event(
        state="done",
        message=" ".join([message, *faults]),
        current=len(images),
        maximum=len(images),
        model=model.reference,
    )


def serve_mailbox(home: Path, mailbox: Mailbox, *, role: str) -> None:
    """Run the jobs of a mailbox until told to quit, or until no service is there any more.

    Parameters
    ----------
    home : Path
        Home folder.
    mailbox : Mailbox
        Where the service puts jobs.
    role : str
        ``warm`` or ``training``, told back in ``worker.json``.
    """
    facts: dict[str, object] = {**identify_process(), "role": role}
    _introduce(mailbox, facts)

    def publish_device(model: LoadedModel) -> None:
        device = {"name": model.device, "engine": model.engine, "precision": model.precision}
        _introduce(mailbox, {**facts, "device": device})

    models = ModelCache(home, on_load=publish_device)
    last_job = last_service = time.monotonic()
    while True:
        posted = boxes.list_posted(mailbox)
        now = time.monotonic()
        if posted:
            _run_posted(home, mailbox, job_id=posted[0], models=models)
            last_job = last_service = time.monotonic()
            continue
        if boxes.is_quit_requested(mailbox):
            return
        if now - last_service > _ORPHAN_SECONDS:
            if not _is_service_alive(home):
                return
            last_service = now
        is_busy = now - last_job < _BUSY_PERIOD_SECONDS
        time.sleep(_BUSY_POLL_SECONDS if is_busy else _IDLE_POLL_SECONDS)


def _introduce(mailbox: Mailbox, facts: dict[str, object]) -> None:
    """Tell of this worker; on a full disk it works all the same, but cannot be adopted."""
    with suppress(DeepFlashError):
        boxes.write_worker(mailbox, facts=facts)


def _run_posted(home: Path, mailbox: Mailbox, *, job_id: str, models: ModelCache) -> None:
    """Run a job of the inbox, unless it has ended, or was taken away meanwhile."""
    try:
        run = runs.open_run(home, job_id)
        with hold_run(run) as is_mine:
            is_wanted = is_mine and boxes.is_posted(mailbox, job_id)
            if is_wanted and runs.read_state(run) not in FINAL_STATES:
                _work(home, run, models=models)
    except (DeepFlashError, OSError):
        traceback.print_exc()
    finally:
        boxes.clear_job(mailbox, job_id)


def _is_service_alive(home: Path) -> bool:
    facts = runtime.read_service_file(home)
    if facts is None:
        return False
    with suppress(Exception):
        return is_process_alive(identify_process(int(facts["pid"])))
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the process; returns the exit code."""
    parser = argparse.ArgumentParser(prog="deepflash_service.worker")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--worker", default="")
    parser.add_argument("--role", choices=("warm", "training"), default="warm")
    parser.add_argument("--job", default="")
    chosen = parser.parse_args(arguments)
    home = chosen.home.absolute()
    if chosen.job:
        return 0 if run_job(home, chosen.job)["state"] in {"done", "stopped"} else 1
    serve_mailbox(home, boxes.open_mailbox(home, chosen.worker), role=chosen.role)
    return 0


if __name__ == "__main__":
    sys.exit(main())
