"""``deepflash serve``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from deepflash_service.commands.options import home_option
from deepflash_service.errors import ServiceUnreachableError, SetupError

if TYPE_CHECKING:
    from pathlib import Path

_END_SECONDS = 60.0
_POLL_SECONDS = 0.05


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="0 = any free port.")
@click.option("--no-browser", is_flag=True, help="Do not open the dashboard.")
@click.option("--stop", is_flag=True, help="End the service that runs on the home folder instead.")
@home_option
def serve(*, host: str, port: int, no_browser: bool, stop: bool, home: str | None) -> None:
    """Start the service; it prints its address and runs until Ctrl+C, or until --stop.

    A training under way goes on without it, and the next service takes it up again.
    """
    from deepflash_service.settings import load_settings
    from deepflash_service.web.server import serve as run_service

    settings = load_settings(home, host=host, port=port)
    if stop:
        click.echo(_end_service(settings.home))
    else:
        run_service(settings, open_browser=not no_browser)


def _end_service(home: Path) -> str:
    """Ask the service of a home folder to end, wait for it, and say what came of it.

    Raises
    ------
    SetupError
        Code ``service_not_ended``.
    """
    from deepflash_service.bridge import connect
    from deepflash_service.store.runtime import read_service_file

    facts = read_service_file(home) or {}
    try:
        connect(home=home, start=False).close()
    except ServiceUnreachableError as error:
        # one of another version can be ended all the same: it has accepted the token
        if error.code != "version_mismatch":
            return f"No service answers for the home folder {home}; there is nothing to end."
    url, pid = facts.get("url"), facts.get("pid")
    if not _end_process(pid):
        raise SetupError(
            f"The service at {url} (process {pid}) does not end. End this process with the task "
            "manager of the system.",
            code="service_not_ended",
            details={"url": url, "pid": pid},
        )
    return f"The service at {url} has ended. A training that runs goes on."


def _end_process(pid: Any) -> bool:
    """Ask a process to end; return whether it did in time."""
    import psutil

    from deepflash_service.jobs.processes import identify_process, is_process_alive

    try:
        facts = identify_process(pid)
        psutil.Process(pid).terminate()
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, TypeError, ValueError):
        return False
    deadline = time.monotonic() + _END_SECONDS
    while is_process_alive(facts):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
