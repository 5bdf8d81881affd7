"""From an error to one sentence on stderr and an exit code."""

from __future__ import annotations

import traceback

import click

from deepflash_service.errors import DeepFlashError

WRONG_USE = 2
FAILURE = 1
INTERRUPTED = 130
_WRONG_USE_CODES = {"invalid_options", "invalid_name", "invalid_home", "invalid_port"}


def explain_failure(error: BaseException) -> int:
    """Print why a command ended, and return its exit code.

    Parameters
    ----------
    error : BaseException
        What ended the command.

    Returns
    -------
    int
        2 for wrong use, 1 for a failure, 130 after Ctrl+C.
    """
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "deepflash"
        message = " ".join(error.format_message().split())
        click.echo(f"{command}: {message} See `{command} --help`.", err=True)
        return WRONG_USE
    if isinstance(error, DeepFlashError):
        click.echo(f"deepflash: {' '.join(error.message.split())}", err=True)
        return WRONG_USE if error.code in _WRONG_USE_CODES else FAILURE
    if isinstance(error, KeyboardInterrupt | click.Abort):
        # Click puts its own exception around the interrupt, whose text says how to go on.
        remedy = str(error.__cause__ or error)
        text = "deepflash: interrupted by the keyboard; nothing half-written is left."
        click.echo(f"{text} {remedy}".rstrip(), err=True)
        return INTERRUPTED
    if isinstance(error, MemoryError):
        click.echo("deepflash: the memory did not suffice; use smaller or fewer images.", err=True)
        return FAILURE
    last = traceback.extract_tb(error.__traceback__)[-1]
    click.echo(
        f"deepflash: unexpected fault {type(error).__name__}: {' '.join(str(error).split())} "
        f"({last.filename.rpartition('/')[2]}, line {last.lineno}). Please report it.",
        err=True,
    )
    return FAILURE
