"""``deepflash serve``."""

from __future__ import annotations

import click

from deepflash_service.commands.options import home_option


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
    from deepflash_service.commands.ending import end_service
    from deepflash_service.settings import load_settings
    from deepflash_service.web.server import serve as run_service

    settings = load_settings(home, host=host, port=port)
    if stop:
        click.echo(end_service(settings.home))
    else:
        run_service(settings, open_browser=not no_browser)
