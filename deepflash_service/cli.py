"""The command ``deepflash``; each command is loaded only when it is used."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from deepflash_service import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("serving", "Start the service that Fiji, scripts and the browser use."),
    "demo": ("demonstration", "Run the whole workflow on generated pictures."),
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
}
"""Command name to its module in ``deepflash_service.commands`` and its line in the help."""

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
@click.option("--home", "home", metavar="DIR", help="Home folder of models, data sets and jobs.")
@click.pass_context
def deepflash(ctx: click.Context, home: str | None) -> None:
    """DeepFLaSH for Fiji: train and run U-Nets on fluorescent features."""
    ctx.obj = home


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with 0, 1 (failure) or 2 (wrong use)."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; one sentence on stderr tells any fault."""
    from deepflash_service.commands.failures import explain_failure

    try:
        code: object = click.Command.main(
            deepflash, arguments, prog_name="deepflash", standalone_mode=False
        )
    except click.exceptions.Exit as end:
        return int(end.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last place to explain it
        return explain_failure(error)
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
