"""``deepflash demo``."""

from __future__ import annotations

from pathlib import Path

import click

from deepflash_service.commands.options import NEW_FOLDER, home_option


@click.command()
@click.option("--output", type=NEW_FOLDER, default=Path("demo"), show_default=True)
@click.option("--quick", is_flag=True, help="Fewer images and epochs: try the machinery only.")
@home_option
def demo(*, output: Path, quick: bool, home: str | None) -> None:
    """Run the whole workflow on generated pictures, in ImageJ's own classes."""
    from deepflash_service.demo.run import run_demo

    del home
    run_demo(output, quick=quick)
