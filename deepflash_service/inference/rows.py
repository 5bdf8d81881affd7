"""Reading and measuring images that come by rows, for a prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.normalization import PERCENTILES
from deepflash_service.core.percentiles import stream_percentiles
from deepflash_service.errors import JobCancelled
from deepflash_service.records import IsCancelled, Progress, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepflash_service.core.bands import ImageRows


def ignore_text(_text: str) -> None:
    """Do nothing with a warning."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Whom a prediction tells and asks.

    Attributes
    ----------
    report : callable, optional
        Told of every tile.
    warn : callable
        Told in a sentence when the memory makes tiles smaller.
    is_cancelled : callable, optional
        Asked before every tile.
    """

    report: Report | None = None
    warn: Callable[[str], None] = ignore_text
    is_cancelled: IsCancelled | None = None

    def check(self) -> None:
        """Raise ``JobCancelled`` if the user cancelled."""
        if self.is_cancelled is not None and self.is_cancelled():
            raise JobCancelled("The prediction was cancelled.")

    def tell(self, message: str) -> None:
        """Report what is done, of which nobody knows how long it takes."""
        if self.report is not None:
            self.report(Progress(message))


def read_stack(rows: ImageRows, start: int, stop: int) -> Any:
    """Return raw rows of shape (R, N, C) as float32."""
    raw = np.asarray(rows.read(start, stop), dtype=np.float32)
    return raw[..., np.newaxis] if raw.ndim == 2 else raw


def measure_ends(rows: ImageRows, watch: Watch) -> list[tuple[float, float]]:
    """Return the percentiles of each channel that normalisation uses, of the whole image.

    Raises
    ------
    JobCancelled
        When the user cancelled.
    """

    def walk(channel: int) -> Iterator[Any]:
        for _, band in rows.walk():
            watch.check()
            watch.tell("measuring the intensities")
            yield band[..., channel] if band.ndim == 3 else band

    ends = []
    for channel in range(rows.channels):
        low, high = stream_percentiles(partial(walk, channel), PERCENTILES)
        ends.append((low, high))
    return ends
