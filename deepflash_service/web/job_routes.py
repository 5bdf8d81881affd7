"""Routes of jobs: submission, progress, end, results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiflask import APIBlueprint
from flask import Response, url_for

from deepflash_service.errors import InputError
from deepflash_service.records import EvaluateOptions, SegmentOptions, TrainOptions
from deepflash_service.store import runs
from deepflash_service.store.results import find_result
from deepflash_service.store.submissions import stage_run
from deepflash_service.web import schemas
from deepflash_service.web.codec import UploadedFile, list_uploads, read_options, send_path
from deepflash_service.web.context import find_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from deepflash_service.records import JobKind, Record

_LOG_BYTES = 1_000_000

blueprint = APIBlueprint("jobs", __name__, url_prefix="/api/v1", tag="Jobs")


@blueprint.post("/segmentations")
@blueprint.input(schemas.WaitQuery, location="query", arg_name="query")
@blueprint.output(schemas.Job, status_code=202)
def segment(query: schemas.WaitQuery) -> ResponseReturnValue:
    """Segment images with a model; multipart with ``image`` parts, or a data set."""
    from deepflash_service.store.datasets import list_image_files
    from deepflash_service.store.models import find_model

    home = find_context().home
    options = SegmentOptions.from_json(read_options())
    exact = options.model_copy(update={"model": find_model(home, options.model).reference})
    uploads = list_uploads(["image"], dataset=options.dataset)
    if options.dataset is not None:
        list_image_files(home, options.dataset)
    return _submit("segmentation", exact, uploads=uploads, wait=query.wait)


@blueprint.post("/evaluations")
@blueprint.input(schemas.WaitQuery, location="query", arg_name="query")
@blueprint.output(schemas.Job, status_code=202)
def evaluate(query: schemas.WaitQuery) -> ResponseReturnValue:
    """Compare predictions with a truth; parts ``prediction``, ``truth``, or a data set."""
    options = EvaluateOptions.from_json(read_options())
    if options.dataset is not None or options.model is not None:
        options = _settle_dataset(options)
    uploads = list_uploads(["prediction", "truth"], dataset=options.dataset)
    return _submit("evaluation", options, uploads=uploads, wait=query.wait)


def _settle_dataset(options: EvaluateOptions) -> EvaluateOptions:
    """Check model and data set of an evaluation, and fix the version of the model."""
    from deepflash_service.store.datasets import open_dataset
    from deepflash_service.store.models import find_model
    from deepflash_service.workflows.pairs import read_pairs

    if options.dataset is None or options.model is None:
        raise InputError(
            "A model is evaluated on a data set: name both in the options 'dataset' and 'model', "
            "or send files as the parts 'prediction' and 'truth' without either.",
            code="invalid_options",
        )
    context = find_context()
    reference = find_model(context.home, options.model).reference
    dataset = open_dataset(context.home, options.dataset)
    with context.decoders:
        read_pairs(dataset)
    return options.model_copy(update={"model": reference})


@blueprint.post("/trainings")
@blueprint.input(schemas.WaitQuery, location="query", arg_name="query")
@blueprint.output(schemas.Job, status_code=202)
def train(query: schemas.WaitQuery) -> ResponseReturnValue:
    """Train a model on a data set; JSON body or multipart with ``options``."""
    from deepflash_service.store.datasets import open_dataset
    from deepflash_service.store.models import find_model
    from deepflash_service.store.names import check_name
    from deepflash_service.workflows.pairs import refuse_empty

    home = find_context().home
    options = TrainOptions.from_json(read_options())
    check_name(options.model)
    dataset = open_dataset(home, options.dataset)
    if not dataset.pairs:
        raise refuse_empty(dataset.warnings)
    if options.base != "new":
        base = find_model(home, options.base).reference
        options = options.model_copy(update={"base": base})
    return _submit("training", options, uploads=(), wait=query.wait)


def _submit(
    kind: JobKind, options: Record, *, uploads: Sequence[UploadedFile], wait: float
) -> ResponseReturnValue:
    context = find_context()
    with stage_run(context.home, kind, options=options.model_dump(mode="json")) as staged:
        for upload in uploads:
            _receive(staged, upload)
        if kind == "evaluation" and uploads:
            _check_evaluation(staged)
    job = context.supervisor.submit(runs.open_run(context.home, staged.id))
    is_ended = False
    if wait > 0 and context.waiters.acquire(blocking=False):
        try:
            job = context.supervisor.wait(staged.id, wait)
        finally:
            context.waiters.release()
        is_ended = job["finished"] is not None
    location = {"Location": url_for("jobs.show", job_id=staged.id)}
    return job, 200 if is_ended else 202, location


def _receive(run: runs.Run, upload: UploadedFile) -> None:
    """Keep one uploaded file; an image is read whole before, so that a bad one is refused."""
    from deepflash_service.store import images
    from deepflash_service.store.names import check_file_name

    check_file_name(upload.name)
    data = upload.read()
    if upload.part == "image":
        with find_context().decoders:
            images.read_image(data, name=upload.name)
    runs.add_input(run, upload.part, name=upload.name, data=data)


def _check_evaluation(run: runs.Run) -> None:
    from deepflash_service.workflows.evaluate import check_evaluation

    with find_context().decoders:
        check_evaluation(run)


@blueprint.get("/jobs")
@blueprint.input(schemas.ListQuery, location="query", arg_name="query")
@blueprint.output(schemas.JobList)
def list_all(query: schemas.ListQuery) -> dict[str, Any]:
    """Return the newest jobs first."""
    return {"jobs": find_context().supervisor.list_jobs(limit=query.limit)}


@blueprint.get("/jobs/<job_id>")
@blueprint.output(schemas.Job)
def show(job_id: str) -> dict[str, Any]:
    """Return the present state of a job."""
    return find_context().supervisor.read(job_id)


@blueprint.get("/jobs/<job_id>/events")
@blueprint.input(schemas.EventQuery, location="query", arg_name="query")
@blueprint.output(schemas.EventPage)
def show_events(job_id: str, query: schemas.EventQuery) -> dict[str, Any]:
    """Return the events after a cursor; poll once a second."""
    context = find_context()
    # the state first: an event that comes in between is then fetched by the next question
    state = context.supervisor.read_state(job_id)
    events = runs.read_events(runs.open_run(context.home, job_id), after=query.after)
    return {
        "events": events,
        "next": events[-1]["seq"] if events else query.after,
        "state": state,
    }


@blueprint.get("/jobs/<job_id>/log")
def show_log(job_id: str) -> Response:
    """Return the end of the log for people: events, what the worker printed, faults."""
    run = runs.open_run(find_context().home, job_id)
    text = runs.read_log_text(run, most=_LOG_BYTES)
    return Response(text, content_type="text/plain; charset=utf-8")


@blueprint.post("/jobs/<job_id>/stop")
@blueprint.output(schemas.Job, status_code=202)
def stop(job_id: str) -> ResponseReturnValue:
    """End a job early and keep its best result."""
    return find_context().supervisor.stop(job_id), 202


@blueprint.post("/jobs/<job_id>/resume")
@blueprint.output(schemas.Job, status_code=202)
def resume(job_id: str) -> ResponseReturnValue:
    """Go on with an interrupted, failed or stopped training."""
    return find_context().supervisor.resume(job_id), 202


@blueprint.delete("/jobs/<job_id>")
@blueprint.output(schemas.Job, status_code=202)
def cancel(job_id: str) -> ResponseReturnValue:
    """Cancel a job; its results are discarded."""
    return find_context().supervisor.cancel(job_id), 202


@blueprint.get("/jobs/<job_id>/results/<path:file>")
def get_result(job_id: str, file: str) -> Response:
    """Return a result file."""
    return send_path(find_result(runs.open_run(find_context().home, job_id).results, file))
