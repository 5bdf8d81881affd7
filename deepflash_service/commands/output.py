"""What commands print: tables for people, one JSON object for programs, progress on a terminal."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepflash_service.records import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from deepflash_service.records import Report

_LARGEST_LOG = 5_000_000


@contextmanager
def show_work(title: str, *, log: Path) -> Iterator[Report]:
    """Keep what libraries print off stdout and stderr; yield a report for progress.

    Parameters
    ----------
    title : str
        First line of the progress bar, which is drawn on stderr if that is a terminal.
    log : Path
        File that receives the output of libraries, native code included; where it cannot be
        written, that output is lost.
    """
    with ExitStack() as stack:
        terminal = _open_terminal(stack)
        stream = stack.enter_context(_open_log(log))
        _redirect(stack, stream.fileno())
        stack.enter_context(redirect_stdout(stream))
        stack.enter_context(redirect_stderr(stream))
        yield _ignore if terminal is None else stack.enter_context(_draw(title, terminal))


def _open_terminal(stack: ExitStack) -> TextIO | None:
    if not sys.stderr.isatty():
        return None
    return stack.enter_context(os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8"))


def _open_log(log: Path) -> TextIO:
    try:
        size = log.stat().st_size if log.exists() else 0
        return log.open("a" if size < _LARGEST_LOG else "w", encoding="utf-8", buffering=1)
    except OSError:
        # who may only read the folder can still ask
        return Path(os.devnull).open("w", encoding="utf-8", buffering=1)


def _redirect(stack: ExitStack, target: int) -> None:
    """Point the file descriptors 1 and 2, which native code writes to, at `target`."""
    sys.stdout.flush()
    sys.stderr.flush()
    for descriptor in (1, 2):
        with suppress(OSError):
            saved = os.dup(descriptor)
            os.dup2(target, descriptor)
            stack.callback(_restore, saved, descriptor)


def _restore(saved: int, descriptor: int) -> None:
    os.dup2(saved, descriptor)
    os.close(saved)


@contextmanager
def _draw(title: str, terminal: TextIO) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=terminal), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def report(progress: Progress) -> None:
            bar.update(
                task,
                description=describe_progress(progress),
                completed=progress.current,
                total=progress.maximum or None,
            )

        yield report


def describe_progress(progress: Progress) -> str:
    """Return the message with the scores of the epoch, if there are any."""
    shown = [
        f"{name} {progress.metrics[name]:.3f}"
        for name in ("loss", "f1", "dice")
        if name in progress.metrics
    ]
    return ", ".join([progress.message, *shown])


def _ignore(_progress: Progress) -> None:
    return


def print_json(value: object) -> None:
    """Print one JSON object on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_warnings(warnings: Sequence[str]) -> None:
    """Print each warning as a line on stderr."""
    for text in warnings:
        click.echo(f"Warning: {text}", err=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a plain table on stdout; floats with three digits, numbers to the right."""
    texts = [[format_cell(cell) for cell in row] for row in rows]
    widths = [
        max([len(title), *(len(row[index]) for row in texts)])
        for index, title in enumerate(columns)
    ]
    is_number = [
        all(isinstance(row[index], int | float) for row in rows) for index in range(len(columns))
    ]
    for line in [list(columns), *texts]:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


def format_cell(value: Any) -> str:
    """Return one table cell as text."""
    if isinstance(value, float):
        return f"{value:.3f}"
    return "-" if value is None else str(value)
