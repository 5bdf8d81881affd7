"""``deepflash install-fiji`` and ``deepflash update-site``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from deepflash_service.commands.options import FOLDER, home_option, json_option
from deepflash_service.commands.output import print_json


@click.command("install-fiji")
@click.argument("fiji", metavar="FIJI_DIR", type=FOLDER)
@home_option
@json_option
def install_fiji(fiji: Path, *, home: str | None, as_json: bool) -> None:
    """Copy the plugin jar and the macros into a Fiji (or ImageJ) installation.

    Fiji then starts the service with the Python of this command; with --home or DEEPFLASH_HOME it
    uses that home folder too, until the command is given again without them.
    """
    from deepflash_service.settings import find_named_home
    from deepflash_service.workflows.install import install_into_fiji

    result = install_into_fiji(fiji, home=find_named_home(home))
    if as_json:
        print_json(result)
        return
    for path in result["files"]:
        click.echo(f"Copied {path}")
    click.echo(_describe_home(result["home"]))
    click.echo("Restart Fiji; the commands are under Plugins > DeepFLaSH.")


def _describe_home(noted: str) -> str:
    """Say which models this Fiji shows, and how to change that."""
    from deepflash_service.settings import HOME_VARIABLE, find_usual_home

    usual = find_usual_home()
    if not noted:
        return f"This Fiji uses your own home folder: {usual}"
    new = " There is no such folder yet; the service makes it when it starts."
    missing = "" if Path(noted).is_dir() else new
    return (
        f"This Fiji uses the home folder {noted} from now on: it shows the models there, and what "
        f"it trains goes there. For your own home folder, {usual}, give this command again without "
        f"--home, in a terminal where {HOME_VARIABLE} is not set.{missing}"
    )


@click.command("update-site")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@home_option
@json_option
def update_site(folder: Path, *, home: str | None, as_json: bool) -> None:
    """Lay out DIR as an ImageJ update site, from which the Fijis of a lab update the plugin.

    Repeat it after each new version, in the same DIR: it keeps what earlier versions were.
    """
    from deepflash_service.workflows.update_site import lay_out_update_site

    del home
    result = lay_out_update_site(folder, now=datetime.now(UTC))
    if as_json:
        print_json(result)
        return
    for name in result["changed"]:
        click.echo(f"New {result['files'][name]}")
    click.echo(
        f"Let a web server serve {folder}; then add its address in Fiji under Help > Update... > "
        "Manage Update Sites."
    )
