"""What a model expects of its own result: F1, uncertainty, flags, and what to look at first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.forecast import UNKNOWN, Expectation, expect_f1, find_flags
from deepflash_service.core.image_traits import measure_image_traits
from deepflash_service.core.scaling import SAME_SCALE, Scale, resample
from deepflash_service.core.separation import make_label
from deepflash_service.core.uncertainty import measure_map_traits, measure_uncertainty

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from deepflash_service.records import LabelImage, ModelCard, ProbabilityMap

COLUMNS = ("Expected F1", "F1 low", "F1 high", "Uncertainty", "Flags", "Review")
"""What the summary tells of each plane, behind all else."""

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of the result for one plane.

    Attributes
    ----------
    uncertainty : float
        Of the pixels found, 0 to 1.
    expectation : Expectation
        Of the F1; not a number without a forecast.
    flags : tuple of str
        In which ways the plane is unlike the training images.
    """

    uncertainty: float
    expectation: Expectation = UNKNOWN
    flags: tuple[str, ...] = ()

    def complete_row(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row of the summary with these figures; its rank comes with all rows."""
        told = self.expectation
        figures = [round(value, 3) for value in (told.f1, told.low, told.high, self.uncertainty)]
        return row | dict(zip(COLUMNS, (*figures, " ".join(self.flags), 0), strict=True))


@dataclass(frozen=True, slots=True)
class Judge:
    """Tells what is expected of the results for the planes of one image.

    Attributes
    ----------
    card : ModelCard
        With the forecast that the training left; without one only the uncertainty is told.
    threshold : float
        Where maps are cut.
    smallest : int
        Minimum ROI size, in pixels of the image.
    scale : Scale
        By how much the network is shown the image larger.
    separation : float
        Depth of a neck at which touching ROIs are parted, in pixels of the image.
    """

    card: ModelCard
    threshold: float
    smallest: int
    scale: Scale = SAME_SCALE
    separation: float = 0.0

    def judge(
        self,
        pixels: Any,
        probability: ProbabilityMap,
        *,
        members: Sequence[Any],
        labels: LabelImage,
    ) -> Outlook:
        """Tell what is expected of one plane.

        Parameters
        ----------
        pixels : ndarray of shape (M, N) or (M, N, C)
            Raw intensities.
        probability : ndarray of shape (M, N)
            Mean map.
        members : sequence of ndarrays of shape (M, N)
            Map of each member; none = the mean stands for them.
        labels : ndarray of shape (M, N), int32
            What was found.
        """
        uncertainty = measure_uncertainty(probability, labels)
        forecast = self.card.forecast
        if forecast is None:
            return Outlook(uncertainty)
        traits = measure_map_traits(
            members or [probability],
            threshold=self.threshold,
            min_roi_size=self.smallest,
            label=make_label(self.separation),
        )
        if "diameter" in traits:
            traits["diameter"] += math.log(self.scale.area) / 2
        shown = pixels
        if self.scale != SAME_SCALE:
            shown = resample(np.asarray(pixels), self.scale.fit(pixels.shape[:2]))
        flags = find_flags(forecast, traits | measure_image_traits(shown))
        # where nothing is found there is no ROI whose outline could be right or wrong
        return Outlook(uncertainty, expect_f1(forecast, traits) if labels.any() else UNKNOWN, flags)


def describe_outlook(outlooks: Iterable[Outlook] = ()) -> dict[str, Any]:
    """Return ``expected_f1`` (of the worst plane, or None) and ``flags`` of an image as JSON."""
    planes = list(outlooks)
    told = [one.expectation.f1 for one in planes if math.isfinite(one.expectation.f1)]
    flags = dict.fromkeys(flag for one in planes for flag in one.flags)
    return {"expected_f1": round(min(told), 3) if told else None, "flags": list(flags)}


def rank_reviews(summary: pd.DataFrame) -> pd.DataFrame:
    """Fill in the column ``Review``: 1 = look at this first.

    Flagged planes come first, then those with the lowest expected F1; a plane without a forecast
    counts by its uncertainty.

    Parameters
    ----------
    summary : pandas.DataFrame
        Rows of all planes of all images.
    """
    if "Review" not in summary or summary.empty:
        return summary
    expected = summary["Expected F1"].astype(float).fillna(1 - summary["Uncertainty"])
    is_calm = (summary["Flags"] == "").astype(int)
    order = np.lexsort([expected.to_numpy(), is_calm.to_numpy()])
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(1, len(order) + 1)
    return summary.assign(Review=ranks)


def sort_entries(images: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries of a result by what to look at first: faults, flags, low expected F1."""

    def rank(entry: dict[str, Any]) -> tuple[bool, bool, float]:
        expected = entry.get("expected_f1")
        return (
            entry.get("error") is None,
            not entry.get("flags"),
            math.inf if expected is None else float(expected),
        )

    return sorted(images, key=rank)


def name_flagged(images: Sequence[dict[str, Any]]) -> str:
    """Return a sentence that names the flagged images among the entries of a result, or ""."""
    flagged = [one for one in images if one.get("flags")]
    if not flagged:
        return ""
    named = [f"{one['image']} ({', '.join(one['flags'])})" for one in flagged[:_MOST_NAMED]]
    more = len(flagged) - len(named)
    names = ", ".join(named) + (f" and {more} more" if more else "")
    return f"Unlike the images that the model was trained on, so look at them first: {names}."
