"""What commands print: tables for people, one JSON object for programs, progress on a terminal."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any

import click

from deepflash_service.records import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deepflash_service.records import Report


@contextmanager
def keep_stdout_clean() -> Iterator[None]:
    """Send everything that libraries print to stdout, native code included, to stderr."""
    with ExitStack() as stack:
        sys.stdout.flush()
        with suppress(OSError, ValueError):
            saved = os.dup(1)
            os.dup2(2, 1)
            stack.callback(_restore, saved)
        stack.enter_context(redirect_stdout(sys.stderr))
        yield


def _restore(saved: int) -> None:
    os.dup2(saved, 1)
    os.close(saved)


@contextmanager
def show_progress(title: str) -> Iterator[Report]:
    """Yield a report that draws a progress bar on stderr if that is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield _ignore
        return
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
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
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
