"""Forecast how good a prediction is, and tell which images are unlike those of the training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.errors import InputError
from deepflash_service.records import Forecast

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from deepflash_service.core.uncertainty import Traits

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prior:
    """What is expected of any model before its own held-out images are seen.

    Attributes
    ----------
    centres : dict of str to float
        The traits that tell the F1, and a usual value of each, around which the line turns.
    coefficients, deviations : tuple of float
        F1 at the usual values and slope for each trait, and how far models differ in them.
    spread : float
        Usual standard deviation of the F1 around the line.
    weight : float
        How many images that knowledge of the spread is worth.
    """

    centres: dict[str, float]
    coefficients: tuple[float, ...]
    deviations: tuple[float, ...]
    spread: float
    weight: float


GENERAL = Prior(
    centres={"stability": 0.8, "density": -3.5},
    coefficients=(0.8, 1.0, -0.02),
    deviations=(0.1, 0.3, 0.03),
    spread=0.05,
    weight=4.0,
)

FLAGS = ("intensity", "scale", "uncertainty")
"""Words for what is unlike the training images."""

_FLAG_OF = {
    "contrast": "intensity",
    "grain": "intensity",
    "texture": "scale",
    "diameter": "scale",
    "uncertainty": "uncertainty",
}
_USUAL_SPREAD = {
    "contrast": 0.3, "grain": 0.4, "texture": 0.1, "diameter": 0.15, "uncertainty": 0.06,
}  # fmt: skip
"""Standard deviation of a trait among the images of one laboratory."""
_USUAL_WEIGHT = 4.0
_RARE = 0.005
"""Share of images like those of the training that exceed the limits of one trait."""
_CHANCE = 30.0
"""ROIs of an image at which chance doubles the variance of its F1."""
_RANGE = 0.9
"""Share of images whose F1 lies in the range forecast."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Expected F1 of the ROIs of an image, and the range that holds it 9 times out of 10."""

    f1: float
    low: float
    high: float


UNKNOWN = Expectation(math.nan, math.nan, math.nan)


def fit_forecast(
    rows: Sequence[Traits],
    f1: Sequence[float],
    *,
    images: Sequence[Traits] = (),
    prior: Prior = GENERAL,
) -> Forecast | None:
    """Learn from held-out images how the traits of a prediction tell its F1.

    A Bayesian linear regression: with few images the result is close to ``prior``, and each image
    more makes it the model's own (conjugate normal-inverse-gamma prior; Gelman et al., Bayesian
    Data Analysis, 3rd ed., chapter 14). An image of few ROIs counts less, as its F1 owes much to
    chance, and one without ROIs tells nothing of those of others.

    Parameters
    ----------
    rows : sequence of mappings
        Traits of the predictions of images that the predicting member never saw
        (:func:`deepflash_service.core.uncertainty.measure_map_traits`), and nothing else.
    f1 : sequence of float
        Their F1 of ROIs.
    images : sequence of mappings, optional
        Traits of all training images
        (:func:`deepflash_service.core.image_traits.measure_image_traits`).
    prior : Prior, optional
        What is known before.

    Returns
    -------
    Forecast or None
        None without any held-out image with ROIs: nothing is known of new images then.
    """
    told = [(row, one) for row, one in zip(rows, f1, strict=True) if row.get("rois", 1)]
    if not told:
        return None
    weights = np.array([_measure_chance(row) ** -0.5 for row, _ in told], dtype=np.float64)
    design = np.array([_describe(row, prior) for row, _ in told], dtype=np.float64)
    design *= weights[:, np.newaxis]
    scores = np.array([one for _, one in told], dtype=np.float64) * weights
    mean = np.array(prior.coefficients, dtype=np.float64)
    precision = np.diag((prior.spread / np.array(prior.deviations, dtype=np.float64)) ** 2)
    covariance = np.linalg.inv(precision + design.T @ design)
    coefficients = covariance @ (precision @ mean + design.T @ scores)
    freedom = prior.weight + len(told)
    misfit = scores @ (scores - design @ coefficients) + mean @ precision @ (mean - coefficients)
    variance = (prior.weight * prior.spread**2 + max(float(misfit), 0.0)) / freedom
    shift = np.eye(mean.size)
    shift[0, 1:] = [-centre for centre in prior.centres.values()]
    return Forecast(
        images=len(told),
        traits=list(prior.centres),
        coefficients=(shift @ coefficients).tolist(),
        covariance=(shift @ covariance @ shift.T).tolist(),
        spread=math.sqrt(variance),
        freedom=freedom,
        limits=_find_limits([*images, *rows]),
    )


def _describe(row: Traits, prior: Prior) -> list[float]:
    missing = [name for name in prior.centres if name not in row]
    if missing:
        raise InputError(f"A forecast needs the traits {', '.join(missing)} of each image.")
    return [1.0, *(row[name] - centre for name, centre in prior.centres.items())]


def _measure_chance(traits: Traits) -> float:
    """Return the variance of the F1 of an image relative to one of many ROIs."""
    return 1 + _CHANCE / max(traits["rois"], 1.0) if "rois" in traits else 1.0


def expect_f1(forecast: Forecast, traits: Traits) -> Expectation:
    """Return the F1 that is expected of a prediction.

    Parameters
    ----------
    forecast : Forecast
        Of the model.
    traits : mapping
        Of the prediction. Where one is missing nothing is known; the fewer ``rois``, the wider
        the range.

    Returns
    -------
    Expectation
        Between 0 and 1, or not a number.
    """
    from scipy import stats

    if any(name not in traits for name in forecast.traits):
        return UNKNOWN
    row = np.array([1.0, *(traits[name] for name in forecast.traits)], dtype=np.float64)
    expected = float(row @ np.array(forecast.coefficients))
    variance = _measure_chance(traits) + float(row @ np.array(forecast.covariance) @ row)
    reach = float(stats.t.ppf(0.5 + _RANGE / 2, forecast.freedom))
    reach *= forecast.spread * math.sqrt(max(variance, 1.0))
    ends = np.clip([expected, expected - reach, expected + reach], 0.0, 1.0)
    return Expectation(*(float(end) for end in ends))


def find_flags(forecast: Forecast, traits: Traits) -> tuple[str, ...]:
    """Return in which ways an image is unlike those of the training.

    Parameters
    ----------
    forecast : Forecast
        Of the model.
    traits : mapping
        Of the image and of its prediction.

    Returns
    -------
    tuple of str
        Some of ``intensity``, ``scale``, ``uncertainty``, in this order.
    """
    found = set()
    for name, value in traits.items():
        low, high = forecast.limits.get(name, (-math.inf, math.inf))
        if not low <= value <= high:
            found.add(_FLAG_OF[name.partition(" ")[0]])
    return tuple(flag for flag in FLAGS if flag in found)


def _find_limits(rows: Sequence[Traits]) -> dict[str, tuple[float, float]]:
    """Return the limits of each trait that another image of the same kind rarely exceeds."""
    limits = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        trait = name.partition(" ")[0]
        if trait in _FLAG_OF:
            values = np.array([row[name] for row in rows if name in row], dtype=np.float64)
            limits[name] = _find_ends(values, _USUAL_SPREAD[trait])
    if "uncertainty" in limits:
        highest = max(row["uncertainty"] for row in rows if "uncertainty" in row)
        limits["uncertainty"] = (0.0, max(limits["uncertainty"][1], highest))
    return limits


def _find_ends(values: Floats, usual: float) -> tuple[float, float]:
    """Return a prediction interval whose spread is measured, and with few images the usual one."""
    from scipy import stats

    count, centre = values.size, float(values.mean())
    freedom = _USUAL_WEIGHT + count - 1
    squares = _USUAL_WEIGHT * usual**2 + float(((values - centre) ** 2).sum())
    reach = float(stats.t.ppf(1 - _RARE / 2, freedom)) * math.sqrt(squares / freedom)
    reach *= math.sqrt(1 + 1 / count)
    return centre - reach, centre + reach
