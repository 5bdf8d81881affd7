"""Reading and measuring images that come by rows, for a prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.noise import NoiseMeter
from deepflash_service.core.normalization import MARKS, choose_stretch
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


def measure_stretches(rows: ImageRows, watch: Watch) -> list[tuple[float, float]]:
    """Return lowest value and span of each channel by which the whole image is normalised.

    Raises
    ------
    JobCancelled
        When the user cancelled.
    """
    stretches = []
    for channel in range(rows.channels):
        meter = NoiseMeter()
        unread = [meter]

        def walk(channel: int = channel, unread: list[NoiseMeter] = unread) -> Iterator[Any]:
            # a second walk for the percentiles needs no second measurement of the noise
            count = unread.pop().add if unread else None
            for _, band in rows.walk():
                watch.check()
                watch.tell("measuring the intensities")
                values = band[..., channel] if band.ndim == 3 else band
                if count is not None:
                    count(values)
                yield values

        stretches.append(choose_stretch(stream_percentiles(walk, MARKS), meter))
    return stretches
