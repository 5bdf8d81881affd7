"""Geometry of the report's two charts, in per cent of their width and height."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepflash_service.demo.results import DemoResults

_SCORE_KEYS = ("f1", "val_f1", "dice", "val_dice", "roi_jaccard", "score")
_LOSS_KEYS = ("loss", "training_loss", "val_loss")


@dataclass(frozen=True, slots=True)
class Ticks:
    """A scale of F1 values: where it starts, and its labelled ticks in per cent of the width."""

    start: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """Return where `value` lies on the scale, in per cent of the width."""
        return 100.0 * max(0.0, min(1.0, (value - self.start) / (1.0 - self.start)))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the learning curve: name, SVG points (0 to 1000, 0 to 300), last value.

    ``top`` is the value at the upper edge.
    """

    name: str
    points: str
    last: float
    top: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning curve: its lines, and the figures of both axes in per cent of the plot.

    ``epochs`` are those of the lines, ``values`` those of the line named ``scale``, from above.
    """

    last_epoch: int
    lines: tuple[Line, ...]
    epochs: tuple[tuple[float, str], ...]
    values: tuple[tuple[float, str], ...]
    scale: str


def make_ticks(values: Sequence[float], results: DemoResults) -> Ticks:
    """Return a scale up to 1 that holds the F1 of the model and of all experts."""
    lowest = min([*values, *(f1 for image in results.images for f1 in image.experts.values())])
    start = min(0.8, max(0.0, math.floor(lowest * 10 - 0.5) / 10))
    steps = round((1.0 - start) * 10)
    every = 1 if steps <= 6 else 2
    marks = [start + step / 10 for step in range(0, steps + 1, every)]
    return Ticks(start, tuple((100 * (m - start) / (1 - start), f"{m:.1f}") for m in marks))


def make_curve(epochs: Sequence[dict[str, float]]) -> Curve | None:
    """Return the learning curve, or None when fewer than two epochs have numbers.

    Parameters
    ----------
    epochs : sequence of dict
        Metrics of the closed epochs, with their number under ``epoch``.
    """
    lines: list[Line] = []
    if len(epochs) < 2:
        return None
    first, last = int(epochs[0]["epoch"]), int(epochs[-1]["epoch"])
    for keys, name in ((_LOSS_KEYS, "loss"), (_SCORE_KEYS, "score")):
        key = next((key for key in keys if any(key in epoch for epoch in epochs)), None)
        if key is None:
            continue
        values = [(epoch["epoch"], epoch[key]) for epoch in epochs if key in epoch]
        finite = [(number, value) for number, value in values if math.isfinite(value)]
        if len(finite) < 2:
            continue
        top = 1.0 if name == "score" else max(*(value for _, value in finite), 1e-9)
        points = " ".join(
            f"{1000 * (number - first) / (last - first):.1f},{300 - 300 * max(value, 0) / top:.1f}"
            for number, value in finite
        )
        lines.append(Line(key, points, finite[-1][1], top))
    if not lines:
        return None
    values_shown = [(100 * (1 - part), f"{part * lines[-1].top:.2g}") for part in (1.0, 0.5, 0.0)]
    return Curve(last, tuple(lines), _mark_epochs(first, last), tuple(values_shown), lines[-1].name)


def _mark_epochs(first: int, last: int) -> tuple[tuple[float, str], ...]:
    """Return the first and last epoch and round numbers between, where they have room."""
    every = next(step for step in (1, 2, 5, 10, 20, 50, 100, last) if (last - first) / step <= 8)
    room = every / 2
    between = [
        number
        for number in range(first + 1, last)
        if number % every == 0 and min(number - first, last - number) > room
    ]
    span = last - first
    return tuple((100 * (one - first) / span, str(one)) for one in (first, *between, last))
