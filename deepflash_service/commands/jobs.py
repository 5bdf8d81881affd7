"""``deepflash jobs``: what ran, what runs, and how to end or continue it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from deepflash_service.commands.options import home_option, json_option
from deepflash_service.commands.output import (
    print_json,
    print_table,
    print_warnings,
    show_work,
)
from deepflash_service.commands.running import (
    connect_running,
    follow_job,
    name_resumption,
    perform_job,
    start_home,
)
from deepflash_service.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deepflash_service.bridge.service import Service
    from deepflash_service.records import Report
    from deepflash_service.store.runs import Run

_LATEST = "latest"


@click.group()
@home_option
@click.pass_context
def jobs(ctx: click.Context, *, home: str | None) -> None:
    """List, show, stop, cancel, resume jobs; no service needs to run.

    In place of an ID, latest is the newest job to which the command applies.
    """
    ctx.find_root().obj = home


@jobs.command("list")
@home_option
@json_option
def list_command(*, home: str | None, as_json: bool) -> None:
    """List all jobs, newest first."""
    from deepflash_service.store.damage import list_damage
    from deepflash_service.store.runs import list_runs

    folder: Path = start_home(home)
    found = [_read(run) for run in reversed(list_runs(folder))]
    print_warnings(list_damage(folder))
    if as_json:
        print_json({"jobs": found})
        return
    rows = [[job["id"], job["kind"], job["state"], job["message"]] for job in found]
    print_table(["job", "kind", "state", "message"], rows)


@jobs.command()
@click.argument("job", metavar="ID|latest")
@home_option
@json_option
def show(job: str, *, home: str | None, as_json: bool) -> None:
    """Show one job."""
    _print_job(_read(_find(start_home(home), job)), as_json=as_json)


@jobs.command()
@click.argument("job", metavar="ID|latest")
@click.option("--lines", type=click.IntRange(1), help="Only the last lines; default is all.")
@home_option
@json_option
def log(job: str, *, lines: int | None, home: str | None, as_json: bool) -> None:
    """Print the log of a job: its events, and what its process said when it failed."""
    from deepflash_service.store.runs import read_log_text

    run = _find(start_home(home), job)
    text = read_log_text(run)
    if lines is not None:
        text = "".join(text.splitlines(keepends=True)[-lines:])
    if as_json:
        print_json({"id": run.id, "log": text})
    else:
        click.echo(text, nl=False)


@jobs.command()
@click.argument("job", metavar="ID|latest")
@home_option
@json_option
def stop(job: str, *, home: str | None, as_json: bool) -> None:
    """End a running training early and keep the best."""
    from deepflash_service.jobs.endings import check_stoppable, check_unfinished
    from deepflash_service.jobs.ledger import is_worked_on
    from deepflash_service.store.runs import request_stop

    def check(run: Run) -> None:
        check_stoppable(run, is_begun=is_worked_on(run))

    folder: Path = start_home(home)
    run = _find(folder, job, check=check)
    check_unfinished(_read(run))
    with connect_running(folder) as service:
        if service is not None:
            service.stop(run.id)
        else:
            check(run)
            request_stop(run)
    _print_job(_read(run), as_json=as_json)


@jobs.command()
@click.argument("job", metavar="ID|latest")
@home_option
@json_option
def cancel(job: str, *, home: str | None, as_json: bool) -> None:
    """End a job and discard its results."""
    from deepflash_service.jobs.endings import check_unfinished, withdraw
    from deepflash_service.store.custody import hold_run
    from deepflash_service.store.runs import append_event, request_cancel

    def check(run: Run) -> None:
        check_unfinished(_read(run))

    folder: Path = start_home(home)
    run = _find(folder, job, check=check)
    check(run)
    with connect_running(folder) as service:
        if service is not None:
            service.cancel(run.id)
        else:
            request_cancel(run)
            with hold_run(run) as is_mine:
                if is_mine and _read(run)["state"] in {"queued", "stopping", "interrupted"}:
                    append_event(run, withdraw(run))
    _print_job(_read(run), as_json=as_json)


@jobs.command()
@click.argument("job", metavar="ID|latest")
@home_option
@json_option
def resume(job: str, *, home: str | None, as_json: bool) -> None:
    """Go on with a training that was interrupted, failed or was stopped.

    It goes on from its last checkpoint, in this process, or in the service if one runs on the
    home folder. Either way the command ends when the training does; Ctrl+C lets a training of
    the service go on.
    """
    folder: Path = start_home(home)
    run = _find(folder, job, check=_check_resumable)
    with connect_running(folder) as service:
        if service is None:
            with show_work("resuming", log=run.log) as report:
                result = _resume_here(folder, run, report=report)
        else:
            result = _resume_there(service, run)
    _print_job(result, as_json=as_json)


def _resume_there(service: Service, run: Run) -> dict[str, Any]:
    """Let the service go on with a job, and watch it."""
    from deepflash_service.store.runs import read_events

    told = max((event["seq"] for event in read_events(run)), default=0)
    service.resume(run.id)
    try:
        with show_work("resuming", log=run.log) as report:
            follow_job(service, run.id, after=told, report=report)
    except KeyboardInterrupt:
        click.echo(f"Job {run.id} goes on in the service at {service.url}.", err=True)
        raise
    return _read(run)


def _resume_here(home: Path, run: Run, *, report: Report) -> dict[str, Any]:
    from deepflash_service.store.runs import clear_requests

    _check_resumable(run)
    clear_requests(run)
    return perform_job(home, run, report=report)


def _check_resumable(run: Run) -> None:
    from deepflash_service.jobs.endings import check_resumable
    from deepflash_service.jobs.ledger import is_worked_on
    from deepflash_service.store.runs import read_state

    never_began = read_state(run) == "queued" and not is_worked_on(run)
    if not (run.kind == "training" and never_began):
        check_resumable(_read(run))


def _find(home: Path, word: str, *, check: Callable[[Run], None] = lambda _run: None) -> Run:
    """Return the job with this id, or for ``latest`` the newest one that passes the check.

    Raises
    ------
    NotFoundError
        Code ``unknown_job``.
    """
    from deepflash_service.store.runs import list_runs, open_run

    if word != _LATEST:
        return open_run(home, word)
    for run in reversed(list_runs(home)):
        with suppress(ConflictError):
            check(run)
            return run
    raise NotFoundError(
        "There is no job to which this applies; `deepflash jobs list` shows what there is.",
        code="unknown_job",
    )


def _read(run: Run) -> dict[str, Any]:
    """Return the job JSON; a running job whose process is gone is interrupted."""
    from deepflash_service.jobs.endings import show_state
    from deepflash_service.jobs.ledger import is_worked_on
    from deepflash_service.store.runs import read_job, read_state

    job = {**read_job(run), "state": show_state(run)}
    if read_state(run) == "running" and not is_worked_on(run):
        remedy = name_resumption(run) if run.kind == "training" else "Start a new one."
        message = f"Its process has ended before the job did. {remedy}"
        job |= {"state": "interrupted", "message": message}
    return job


def _print_job(job: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(job)
        return
    for key in ("id", "kind", "state", "message", "model", "created", "finished"):
        click.echo(f"{key}: {job[key] if job[key] is not None else '-'}")
    for name in job["results"]:
        click.echo(f"result: {name}")
