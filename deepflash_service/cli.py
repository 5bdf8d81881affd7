"""The command ``deepflash``; each command is loaded only when it is used."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deepflash_service import __version__
from deepflash_service.settings import HOME_VARIABLE, find_usual_home

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("serving", "Start the service that Fiji, scripts and the browser use."),
    "demo": ("", "Run the whole workflow on generated pictures."),
    "samples": ("samples", "Write the demonstration data set as files."),
    "train": ("training", "Train a model from the masks of one or several experts."),
    "segment": ("segmentation", "Segment images with a model of the library."),
    "evaluate": ("evaluation", "Compare predictions with a truth, by pixels and ROIs."),
    "agreement": ("agreement", "Measure how well experts agree with each other."),
    "consensus": ("agreement", "Write the consensus of several experts as masks."),
    "measure": ("measuring", "Measure ROIs: counts, areas, intensities."),
    "models": ("models", "List, show, test, import, export, tag, remove models."),
    "jobs": ("jobs", "List, show, stop, cancel, resume jobs."),
    "doctor": ("doctor", "Tell what is installed, what is wrong, how to mend it."),
    "install-fiji": ("fiji", "Copy jar and macros into a Fiji installation."),
    "update-site": ("fiji", "Lay out jar and macros as an ImageJ update site."),
}
"""Command name to its module in ``deepflash_service.commands`` and its line in the help.

``demo`` is defined here, because the demonstration is no command of its own floor.
"""

_EPILOG = "Every command takes --home DIR (or DEEPFLASH_HOME) and explains itself with --help."


class LazyGroup(click.Group):
    """A group that imports a command when it is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the workflow."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command and return it."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        if cmd_name == "demo":
            return demo
        module = import_module(f"deepflash_service.commands.{COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name.replace("-", "_"))
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one line per command without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG,
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name="deepflash")
@click.option(
    "--home",
    metavar="DIR",
    help="Home folder of models, data sets and jobs "
    f"(default: {HOME_VARIABLE}, else {find_usual_home()}).",
)
@click.pass_context
def deepflash(ctx: click.Context, home: str | None) -> None:
    """DeepFLaSH for Fiji: train and run U-Nets on fluorescent features."""
    ctx.obj = home


@click.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for everything; its home folder lies inside.",
)
@click.option("--quick", is_flag=True, help="Fewer images and epochs: try the machinery only.")
@click.option("--home", hidden=True, help="Not used: the demonstration has its own home folder.")
def demo(*, output: Path, quick: bool, home: str | None) -> None:
    """Run the whole workflow on generated pictures, in ImageJ's own classes."""
    from deepflash_service.demo.run import run_demo

    del home
    run_demo(output, quick=quick)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with 0, 1 (failure) or 2 (wrong use)."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; one sentence on stderr tells any fault."""
    from deepflash_service.commands.failures import explain_failure

    start: Callable[..., object] = deepflash.main
    try:
        code = start(arguments, prog_name="deepflash", standalone_mode=False)
    except click.exceptions.Exit as end:
        return int(end.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last place to explain it
        return explain_failure(error)
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
