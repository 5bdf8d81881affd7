"""``deepflash serve``."""

from __future__ import annotations

import click

from deepflash_service.commands.options import home_option


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="0 = any free port.")
@click.option("--no-browser", is_flag=True, help="Do not open the dashboard.")
@home_option
def serve(*, host: str, port: int, no_browser: bool, home: str | None) -> None:
    """Start the service; it prints its address and runs until Ctrl+C."""
    from deepflash_service.settings import load_settings
    from deepflash_service.web.server import serve as run_service

    run_service(load_settings(home, host=host, port=port), open_browser=not no_browser)
