"""``deepflash doctor``."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import click

from deepflash_service.commands.options import home_option, json_option
from deepflash_service.commands.output import print_json, print_warnings, show_work
from deepflash_service.commands.running import LOG, start_home

if TYPE_CHECKING:
    from pathlib import Path

_SIGNS = {"ok": "ok     ", "warning": "warning", "fault": "FAULT  "}


@click.command()
@click.option("--rebuild-index", is_flag=True, help="Rebuild the job table from the job folders.")
@click.option("--no-device", is_flag=True, help="Do not load TensorFlow to name the device.")
@home_option
@json_option
def doctor(*, rebuild_index: bool, no_device: bool, home: str | None, as_json: bool) -> int:
    """Tell what is installed, which device computes, what is wrong and how to mend it."""
    from deepflash_service.bridge.survey import survey_imagej
    from deepflash_service.workflows.doctor import Check, inspect_setup

    folder = start_home(home)
    rows = _rebuild(folder) if rebuild_index else None
    with show_work("looking", log=folder / LOG):
        imagej = Check("imagej", *survey_imagej())
        result = inspect_setup(folder, asks_device=not no_device, more=[imagej])
    if rows is not None:
        result["rebuilt_jobs"] = rows
    if as_json:
        print_json(result)
    else:
        click.echo(f"DeepFLaSH {result['version']}, Python {result['python']}, {result['system']}")
        for check in result["checks"]:
            click.echo(f"{_SIGNS[check['state']]}  {check['name']}: {check['message']}")
        if rows is not None:
            click.echo(f"Job table rebuilt: {rows} jobs.")
    faults = [check for check in result["checks"] if check["state"] == "fault"]
    for check in faults:
        click.echo(f"deepflash: {check['name']}: {check['message']}", err=True)
    return 1 if faults else 0


def _rebuild(home: Path) -> int:
    """Make the job table again; may be done beside a running service."""
    from deepflash_service.jobs.table import rebuild

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rows = rebuild(home)
    print_warnings([str(one.message) for one in caught])
    return rows
