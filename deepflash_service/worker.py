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
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import DeepFlashError, JobCancelled
from deepflash_service.jobs.endings import explain_fault
from deepflash_service.jobs.processes import identify_process, is_process_alive
from deepflash_service.records import FINAL_STATES, JobState, Progress
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import runs, runtime
from deepflash_service.store.atomic import write_json
from deepflash_service.store.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deepflash_service.records import Report
    from deepflash_service.store.mailbox import Mailbox
    from deepflash_service.store.runs import Run
    from deepflash_service.workflows.hooks import Hooks
    from deepflash_service.workflows.prediction import LoadedModel

_MOST_MODELS = 2
_EVENT_SECONDS = 0.2
_BUSY_POLL_SECONDS = 0.01
_IDLE_POLL_SECONDS = 0.05
_BUSY_PERIOD_SECONDS = 5.0
_ORPHAN_SECONDS = 600.0


class ModelCache:
    """The models used last, loaded and ready.

    Parameters
    ----------
    home : Path
        Home folder with the library.
    on_load : callable, optional
        Told of each model that was loaded; the warm worker publishes the device this way.
    """

    def __init__(self, home: Path, *, on_load: Callable[[LoadedModel], None] | None = None) -> None:
        self._home = home
        self._on_load = on_load
        self._models: OrderedDict[str, LoadedModel] = OrderedDict()

    def load(self, reference: str) -> LoadedModel:
        """Return the model ``NAME[@VERSION]``, loading it unless it is at hand."""
        from deepflash_service.store.models import find_model
        from deepflash_service.workflows.prediction import load_model

        exact = find_model(self._home, reference).reference
        if exact not in self._models:
            self._models[exact] = load_model(self._home, exact)
            while len(self._models) > _MOST_MODELS:
                self._models.popitem(last=False)
            if self._on_load is not None:
                self._on_load(self._models[exact])
        self._models.move_to_end(exact)
        return self._models[exact]


class _Reporter:
    """Writes progress as events, at most five a second, and passes it on."""

    def __init__(self, run: Run, report: Report | None) -> None:
        self._run = run
        self._report = report
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        if self._report is not None:
            self._report(progress)
        now = time.monotonic()
        is_last = progress.current >= progress.maximum > 0
        if now - self._last < _EVENT_SECONDS and not progress.metrics and not is_last:
            return
        self._last = now
        event = Event(
            state="running",
            message=progress.message,
            current=progress.current,
            maximum=progress.maximum,
            metrics=dict(progress.metrics),
        )
        runs.append_event(self._run, event)


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
    """
    run = runs.open_run(home, job_id)
    boxes.write_owner(run.folder, facts=identify_process())
    runs.append_event(run, Event(state="running", message="Started."))
    try:
        final = _perform(home, run, report=_Reporter(run, report), models=models)
    except JobCancelled:
        boxes.discard_results(run.folder)
        final = Event(state="cancelled", message="Cancelled.")
    except DeepFlashError as error:
        final = _fail(run, error.code, message=error.message, details=error.details)
    except MemoryError:
        final = _fail(run, *explain_fault(MemoryError()))
    except Exception as error:  # noqa: BLE001 - a job may fail in any way; the worker goes on
        final = _fail(run, *explain_fault(error))
    runs.append_event(run, final)
    return runs.read_job(run)


def _fail(run: Run, code: str, message: str, *, details: dict[str, object] | None = None) -> Event:
    with run.log.open("a", encoding="utf-8") as log:
        log.write(traceback.format_exc())
    error = {"code": code, "message": message, "details": details or {}}
    return Event(state="failed", message=message, error=error)


def _perform(home: Path, run: Run, *, report: Report, models: ModelCache | None) -> Event:
    from deepflash_service.workflows.hooks import Hooks

    hooks = Hooks(
        report=report,
        warn=lambda text: runs.append_event(run, Event(state="running", message=text)),
        is_cancelled=lambda: runs.is_cancel_requested(run),
        is_stopping=lambda: runs.is_stop_requested(run),
    )
    if run.kind == "training":
        from deepflash_service.workflows.train import run_training

        card = run_training(home, run, hooks=hooks)
        reference = f"{card.name}@{card.version}"
        return Event(state=_end_state(run), message=f"Saved {reference}.", model=reference)
    if run.kind == "segmentation":
        return _segment(home, run, models or ModelCache(home), hooks=hooks)
    return _evaluate(home, run, models or ModelCache(home), hooks=hooks)


def _evaluate(home: Path, run: Run, models: ModelCache, *, hooks: Hooks) -> Event:
    from deepflash_service.workflows.evaluate import run_evaluation

    model = None
    if run.options.get("model"):
        hooks.report(Progress("Loading the model."))
        model = models.load(str(run.options["model"]))
    result = run_evaluation(home, run, model=model, hooks=hooks)
    count = len(result["images"])
    return Event("done", f"Compared {count} images.", current=count, maximum=count)


def _segment(home: Path, run: Run, models: ModelCache, *, hooks: Hooks) -> Event:
    from deepflash_service.workflows.segment import run_segmentation

    hooks.report(Progress("Loading the model."))
    model = models.load(str(run.options["model"]))
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


def _end_state(run: Run) -> JobState:
    return "stopped" if runs.is_stop_requested(run) else "done"


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
    boxes.write_worker(mailbox, facts=facts)

    def publish_device(model: LoadedModel) -> None:
        device = {"name": model.device, "engine": model.engine, "precision": model.precision}
        with suppress(DeepFlashError):
            boxes.write_worker(mailbox, facts={**facts, "device": device})

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


def _run_posted(home: Path, mailbox: Mailbox, *, job_id: str, models: ModelCache) -> None:
    try:
        if runs.read_job(runs.open_run(home, job_id))["state"] not in FINAL_STATES:
            run_job(home, job_id, models=models)
    except DeepFlashError:
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
