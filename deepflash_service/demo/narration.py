"""What the demonstration says while it runs: steps, training progress, tables."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deepflash_service.demo.report import find_command, format_seconds
from deepflash_service.demo.results import Step
from deepflash_service.settings import HOME_VARIABLE, type_home

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from deepflash_service.demo.results import DemoResults

_LINE_SECONDS = 20.0
_CLOSED = "seconds_per_epoch"
"""Told only when an epoch is closed."""
_SHOWN_METRICS = ("loss", "f1", "val_f1", "dice", "val_dice")


def make_console() -> Console:
    """Return a console on standard output; 100 columns wide when that is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=100)


class EventLike(Protocol):
    """What a job tells: a sentence, how far it is, and numbers."""

    @property
    def message(self) -> str:
        """One sentence."""

    @property
    def current(self) -> int:
        """How many of `maximum` are done."""

    @property
    def maximum(self) -> int:
        """0 when unknown."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Numbers such as loss and scores."""


class StepDetail:
    """The sentence that describes a step, filled in while the step runs."""

    def __init__(self) -> None:
        self.text = ""

    def tell(self, text: str) -> None:
        """Set the sentence."""
        self.text = text


class Narrator:
    """Prints the steps of the demonstration and keeps them for the report.

    Parameters
    ----------
    console : rich.console.Console
        Where to print.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.steps: list[Step] = []

    @contextmanager
    def step(self, title: str) -> Iterator[StepDetail]:
        """Time a step; print its sentence when it is done."""
        detail = StepDetail()
        self.console.print(f"[bold]{len(self.steps) + 1}  {title}[/]")
        begun = time.monotonic()
        yield detail
        step = Step(title, detail.text, time.monotonic() - begun)
        self.steps.append(step)
        text = Text(f"   {step.detail} ", style="default")
        text.append(f"({format_seconds(step.seconds)})", style="dim")
        self.console.print(text, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print one more sentence of the present step."""
        self.console.print(f"   {text}", soft_wrap=True, markup=False)

    def watch(self, events: Iterable[EventLike]) -> list[dict[str, float]]:
        """Show the progress of a training; return the numbers of each epoch that was closed.

        On a terminal a bar moves; elsewhere a line appears every 20 seconds.
        """
        epochs: dict[float, dict[str, float]] = {}
        begun = time.monotonic()
        if not self.console.is_terminal:
            next_line = begun
            for event in events:
                _keep_epoch(epochs, event)
                if time.monotonic() >= next_line:
                    spent = format_seconds(time.monotonic() - begun)
                    self.say(f"{describe_event(event, epochs.values())}, {spent}")
                    next_line = time.monotonic() + _LINE_SECONDS
            return list(epochs.values())
        with Live(console=self.console, refresh_per_second=4, transient=True) as live:
            for event in events:
                _keep_epoch(epochs, event)
                bar = ProgressBar(total=max(event.maximum, 1), completed=event.current, width=48)
                spent = format_seconds(time.monotonic() - begun)
                line = Text(f"   {describe_event(event, epochs.values())}, {spent}")
                live.update(Group(line, bar))
        return list(epochs.values())

    def print_agreement(self, agreement: Mapping[str, object]) -> None:
        """Print each expert against the consensus."""
        table = Table(title="Experts on the training images, against their consensus")
        for column in ("Expert", "ROIs", "F1", "Dice"):
            table.add_column(column, justify="left" if column == "Expert" else "right")
        consensus, rois = agreement["consensus"], agreement["rois"]
        if isinstance(consensus, dict) and isinstance(rois, dict):
            for name, scores in consensus["per_expert"].items():
                row = (f"{scores['f1']:.3f}", f"{scores['dice']:.3f}")
                table.add_row(name, str(rois.get(name, "")), *row)
        self.console.print(table)

    def print_scores(self, results: DemoResults) -> None:
        """Print the scores on the unseen images beside the experts'."""
        table = Table(title="Images never trained on, against the truth", show_footer=True)
        mean = results.mean
        columns = (
            ("Image", "mean"),
            ("Pixel Jaccard", f"{mean.pixel_jaccard:.3f}"),
            ("Dice", f"{mean.dice:.3f}"),
            ("ROI Jaccard", f"{mean.roi_jaccard:.3f}"),
            ("F1", f"{mean.f1:.3f}"),
            ("Mean expert F1", f"{results.mean_expert_f1:.3f}"),
            ("ROIs found/in truth", f"{mean.predicted}/{mean.expected}"),
        )
        for header, footer in columns:
            table.add_column(header, footer, justify="left" if header == "Image" else "right")
        for image in results.images:
            scores = image.scores
            table.add_row(
                image.name,
                f"{scores.pixel_jaccard:.3f}",
                f"{scores.dice:.3f}",
                f"{scores.roi_jaccard:.3f}",
                f"{scores.f1:.3f}",
                f"{image.mean_expert_f1:.3f}",
                f"{scores.predicted}/{scores.expected}",
            )
        self.console.print(table)

    def print_places(self, output: Path, results: DemoResults) -> None:
        """Print where everything lies and what to try next."""
        name, model, command = results.images[0].name, results.training.model, find_command()
        home, print_line = type_home(output / "home"), self.say
        self.console.print("[bold]Where it lies[/]")
        print_line(f"{output / 'report.html'}  the report: open it in a browser")
        print_line(f"{output / f'{name}_overlay.tif'}  opens in Fiji with its ROIs as overlay")
        print_line(f"{output / f'{name}_RoiSet.zip'}  the same ROIs for the ROI Manager")
        print_line(f"{output / f'{name}_comparison.png'}  magenta model, green truth, white both")
        print_line(f"{output / 'rois.csv'}, summary.csv, summary.json  tables and scores")
        self.console.print("[bold]What to try next[/]")
        print_line(f"{command} segment IMAGE --model {model} --output results {home}")
        print_line(
            f"{command} install-fiji FIJI_DIR {home}  then Plugins > DeepFLaSH in Fiji "
            "offers this model; for your own, install again without --home, in a terminal where "
            f"{HOME_VARIABLE} is not set"
        )
        print_line("docs/tutorial.md  the same with your own images")


def describe_event(event: EventLike, epochs: Iterable[Mapping[str, float]]) -> str:
    """Return one line about a training: the sentence, the newest numbers."""
    newest: dict[str, float] = {}
    for epoch in (*epochs, event.metrics):
        newest.update(epoch)
    shown = [f"{name} {newest[name]:.3f}" for name in _SHOWN_METRICS if name in newest][:3]
    place = f" ({event.current}/{event.maximum})" if event.maximum else ""
    sentence = event.message.rstrip(". ") or "Training"
    return ", ".join([sentence + ("" if str(event.maximum) in sentence else place), *shown])


def _keep_epoch(epochs: dict[float, dict[str, float]], event: EventLike) -> None:
    """Keep the numbers of a closed epoch; the steps within one are told in between."""
    if _CLOSED in event.metrics:
        facts = {name: float(value) for name, value in event.metrics.items()}
        epochs[facts["epoch"]] = facts
