"""``deepflash install-fiji``."""

from __future__ import annotations

from pathlib import Path

import click

from deepflash_service.commands.options import FOLDER, home_option, json_option
from deepflash_service.commands.output import print_json


@click.command("install-fiji")
@click.argument("fiji", metavar="FIJI_DIR", type=FOLDER)
@home_option
@json_option
def install_fiji(fiji: Path, *, home: str | None, as_json: bool) -> None:
    """Copy the plugin jar and the macros into a Fiji (or ImageJ) installation."""
    from deepflash_service.workflows.install import install_into_fiji

    del home
    result = install_into_fiji(fiji)
    if as_json:
        print_json(result)
        return
    for path in result["files"]:
        click.echo(f"Copied {path}")
    click.echo("Restart Fiji; the commands are under Plugins > DeepFLaSH.")
