"""``deepflash jobs``: what ran, what runs, and how to end or continue it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from deepflash_service.commands.options import home_option, json_option
from deepflash_service.commands.output import (
    print_json,
    print_table,
    show_work,
)
from deepflash_service.commands.running import perform_job, start_home

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.store.runs import Run


@click.group()
@home_option
@click.pass_context
def jobs(ctx: click.Context, *, home: str | None) -> None:
    """List, show, stop, cancel, resume jobs; no service needs to run."""
    ctx.find_root().obj = home


@jobs.command("list")
@home_option
@json_option
def list_command(*, home: str | None, as_json: bool) -> None:
    """List all jobs, newest first."""
    from deepflash_service.store.runs import list_runs

    found = [_read(run) for run in reversed(list_runs(start_home(home)))]
    if as_json:
        print_json({"jobs": found})
        return
    rows = [[job["id"], job["kind"], job["state"], job["message"]] for job in found]
    print_table(["job", "kind", "state", "message"], rows)


@jobs.command()
@click.argument("job")
@home_option
@json_option
def show(job: str, *, home: str | None, as_json: bool) -> None:
    """Show one job."""
    from deepflash_service.store.runs import open_run

    _print_job(_read(open_run(start_home(home), job)), as_json=as_json)


@jobs.command()
@click.argument("job")
@home_option
@json_option
def stop(job: str, *, home: str | None, as_json: bool) -> None:
    """End a running training early and keep the best."""
    from deepflash_service.jobs.endings import check_stoppable, check_unfinished
    from deepflash_service.store.runs import open_run, request_stop

    run = open_run(start_home(home), job)
    found = _read(run)
    check_unfinished(found)
    check_stoppable(run.kind, is_begun=found["state"] in {"running", "stopping"})
    request_stop(run)
    _print_job(_read(run), as_json=as_json)


@jobs.command()
@click.argument("job")
@home_option
@json_option
def cancel(job: str, *, home: str | None, as_json: bool) -> None:
    """End a job and discard its results."""
    from deepflash_service.jobs.endings import check_unfinished
    from deepflash_service.store.events import Event
    from deepflash_service.store.runs import append_event, open_run, request_cancel

    run = open_run(start_home(home), job)
    check_unfinished(_read(run))
    request_cancel(run)
    if _read(run)["state"] in {"queued", "interrupted"}:
        append_event(run, Event("cancelled", "Cancelled by the user."))
    _print_job(_read(run), as_json=as_json)


@jobs.command()
@click.argument("job")
@home_option
@json_option
def resume(job: str, *, home: str | None, as_json: bool) -> None:
    """Go on with a training that was interrupted, failed or was stopped, in this process.

    Members of the model that were finished are kept; a member that was not begins at its first
    epoch.
    """
    from deepflash_service.jobs.endings import check_resumable
    from deepflash_service.store.runs import clear_requests, open_run

    folder: Path = start_home(home)
    run = open_run(folder, job)
    check_resumable(_read(run))
    clear_requests(run)
    with show_work("resuming", log=run.log) as report:
        result = perform_job(folder, run, report=report)
    _print_job(result, as_json=as_json)


def _read(run: Run) -> dict[str, Any]:
    """Return the job JSON; a running job whose process is gone is interrupted."""
    from deepflash_service.jobs.endings import show_requests
    from deepflash_service.jobs.processes import is_process_alive
    from deepflash_service.store.mailbox import read_owner

    job = show_requests(run)
    if job["state"] in {"running", "stopping"} and not is_process_alive(read_owner(run.folder)):
        job |= {"state": "interrupted", "message": "Its process has ended before the job did."}
    return job


def _print_job(job: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(job)
        return
    for key in ("id", "kind", "state", "message", "model", "created", "finished"):
        click.echo(f"{key}: {job[key] if job[key] is not None else '-'}")
    for name in job["results"]:
        click.echo(f"result: {name}")
