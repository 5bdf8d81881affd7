"""What a model expects of its own result: F1, uncertainty, flags, and what to look at first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.forecast import UNKNOWN, Expectation, expect_f1, find_flags
from deepflash_service.core.image_traits import measure_image_traits
from deepflash_service.core.scaling import SAME_SCALE, Scale, resample
from deepflash_service.core.uncertainty import measure_map_traits, measure_uncertainty

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from deepflash_service.core.separation import Cut
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
    own : Cut
        How the model cuts its maps; flags come from it whatever the user chose.
    used : Cut
        What the user chose. The F1 was learnt at the model's own cut, and is told for it only.
    scale : Scale
        By how much the network is shown the image larger.
    """

    card: ModelCard
    own: Cut
    used: Cut
    scale: Scale = SAME_SCALE

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
            Map of each member as the network made it, without gaps between parted ROIs, like the
            maps of the training.
        labels : ndarray of shape (M, N), int32
            What was found.
        """
        uncertainty = measure_uncertainty(probability, labels)
        forecast = self.card.forecast
        if forecast is None:
            return Outlook(uncertainty)
        traits = measure_map_traits(members, self.own)
        if "diameter" in traits:
            traits["diameter"] += math.log(self.scale.area) / 2
        flags = find_flags(forecast, traits | _measure_shown(pixels, self.scale))
        # where nothing is found there is no ROI whose outline could be right or wrong
        is_known = self.used == self.own and labels.any()
        return Outlook(uncertainty, expect_f1(forecast, traits) if is_known else UNKNOWN, flags)

    def explain_overruled(self) -> str:
        """Return why there is no forecast where the user cuts maps otherwise than the model."""
        names = {
            "threshold": "threshold",
            "min_roi_size": "minimum ROI size",
            "separation": "separation",
        }
        named = [
            words
            for name, words in names.items()
            if getattr(self.own, name) != getattr(self.used, name)
        ]
        if self.card.forecast is None or not named:
            return ""
        return (
            f"No F1 is forecast, as the model learnt it at its own {' and '.join(named)}. "
            "Leave these out to get the forecast."
        )


def _measure_shown(pixels: Any, scale: Scale) -> dict[str, float]:
    """Return the traits of an image, as far as they can be compared at another scale."""
    if scale == SAME_SCALE:
        return measure_image_traits(pixels)
    rows, columns = pixels.shape[:2]
    wanted = scale.fit((rows, columns))
    # like the noise for the normalisation, measured before an axis is enlarged
    small = resample(np.asarray(pixels), (min(rows, wanted[0]), min(columns, wanted[1])))
    traits = measure_image_traits(small)
    # structures of few pixels are made smoother by enlarging, and by the optics of a finer image
    return {name: one for name, one in traits.items() if name.partition(" ")[0] == "contrast"}


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
