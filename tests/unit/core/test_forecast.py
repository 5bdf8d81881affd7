"""Forecast of the F1: few images, ranges, limits, flags."""

from __future__ import annotations

import math

import numpy as np
import pytest

from deepflash_service.core.forecast import (
    GENERAL,
    UNKNOWN,
    expect_f1,
    find_flags,
    fit_forecast,
)
from deepflash_service.errors import InputError
from deepflash_service.records import Forecast

Rows = list[dict[str, float]]


def _make_images(count: int, *, seed: int = 0, spread: float = 0.02) -> tuple[Rows, list[float]]:
    """Return traits of predictions, and an F1 that depends on them."""
    rng = np.random.default_rng(seed)
    stability = rng.uniform(0.6, 1.0, count)
    uncertainty = 0.6 * (1 - stability) + rng.normal(0.1, 0.01, count)
    f1 = 0.3 + 0.6 * stability + rng.normal(0, spread, count)
    rows = [
        {"stability": float(one), "uncertainty": float(two), "diameter": 2.7, "density": -3.5}
        for one, two in zip(stability, uncertainty, strict=True)
    ]
    return rows, [float(value) for value in f1]


def _fit(rows: Rows, f1: list[float], images: Rows | None = None) -> Forecast:
    found = fit_forecast(rows, f1, images=images or [])
    assert found is not None
    return found


def test_forecast_learns_from_images() -> None:
    """With 30 images the F1 of new ones is told, and 9 of 10 lie in the range."""
    forecast = _fit(*_make_images(30))
    rows, f1 = _make_images(400, seed=1)
    told = [expect_f1(forecast, row) for row in rows]
    errors = np.array([one.f1 for one in told]) - f1
    assert 1 - np.mean(errors**2) / np.var(f1) > 0.8
    inside = np.mean([one.low <= true <= one.high for one, true in zip(told, f1, strict=True)])
    assert 0.85 <= inside <= 1.0


def test_nothing_is_told_without_held_out_images() -> None:
    """No image that the model never saw: no forecast."""
    assert fit_forecast([], [], images=[{"contrast": 2.0}]) is None


def test_images_without_rois_teach_nothing() -> None:
    """A prediction without ROIs is stable at an F1 of 0, and must not teach that."""
    rows, f1 = _make_images(10)
    empty = {"stability": 1.0, "uncertainty": 0.0, "rois": 0.0}
    assert _fit([*rows, empty], [*f1, 0.0]).coefficients == _fit(rows, f1).coefficients
    assert _fit([*rows, empty], [*f1, 0.0]).images == 10
    assert fit_forecast([empty], [0.0]) is None


def test_fuller_images_are_expected_to_be_worse_only_a_little() -> None:
    """What images have shown counts more than the general rule that much found is less sure."""
    row = {"stability": 0.8, "density": -3.5}
    forecast = _fit([row] * 3, [0.8] * 3)
    usual, full = (expect_f1(forecast, row | {"density": one}).f1 for one in (-3.5, -2.5))
    assert usual - 0.05 < full < usual
    rows = [row | {"density": -3.5 + 0.2 * step} for step in range(10)]
    learnt = _fit(rows, [0.7 + 0.02 * step for step in range(10)])
    assert expect_f1(learnt, rows[9]).f1 > expect_f1(learnt, rows[0]).f1


def test_one_image_moves_the_general_forecast() -> None:
    """A model that is worse than usual on its only held-out image is expected to stay so."""
    row = {**GENERAL.centres, "diameter": 2.7}
    usual = GENERAL.coefficients[0]
    forecast = _fit([row], [usual - 0.2])
    expected = expect_f1(forecast, row)
    assert usual - 0.2 < expected.f1 < usual - 0.1
    assert expected.high - expected.low > 0.15


def test_few_rois_widen_the_range_and_count_less() -> None:
    """The F1 of an image of two ROIs owes much to chance."""
    rows, f1 = _make_images(20)
    many, few = ([{**row, "rois": count} for row in rows] for count in (500.0, 2.0))
    forecast = _fit(many, f1)
    wide, narrow = (expect_f1(forecast, one[0]) for one in (few, many))
    assert wide.f1 == narrow.f1
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    odd = {"stability": 0.8, "density": -3.5}
    moved = [
        expect_f1(_fit([*many, {**odd, "rois": count}], [*f1, 0.0]), odd).f1
        for count in (500.0, 2.0)
    ]
    assert moved[0] < moved[1] < expect_f1(forecast, odd).f1


def test_range_grows_away_from_what_was_seen() -> None:
    """A prediction less stable than any seen is forecast with less certainty."""
    forecast = _fit(*_make_images(30))
    near = expect_f1(forecast, {"stability": 0.8, "density": -3.5})
    far = expect_f1(forecast, {"stability": 0.1, "density": -3.5})
    assert far.f1 < near.f1
    assert far.high - far.low > 1.2 * (near.high - near.low)


def test_expectation_stays_between_0_and_1() -> None:
    """No F1 above 1 or below 0 is promised."""
    forecast = _fit(*_make_images(30))
    worst = expect_f1(forecast, {"stability": -1.0, "density": -3.5})
    best = expect_f1(forecast, {"stability": 9.0, "density": -3.5})
    assert worst.low == 0.0
    assert (best.f1, best.high) == (1.0, 1.0)


def test_unknown_traits_give_no_expectation() -> None:
    """A forecast that needs what was not measured says so by no number."""
    forecast = _fit(*_make_images(3))
    assert expect_f1(forecast, {"uncertainty": 0.1}) is UNKNOWN
    assert math.isnan(UNKNOWN.f1)
    with pytest.raises(InputError, match="stability"):
        fit_forecast([{"uncertainty": 0.1}], [0.5])


def test_images_like_those_of_the_training_are_not_flagged() -> None:
    """Of images of the same kind, hardly one in fifty is flagged."""
    rng = np.random.default_rng(0)

    def draw(count: int) -> Rows:
        return [{"contrast": float(rng.normal(2, 0.3))} for _ in range(count)]

    for count in (2, 5, 18):
        flagged = 0
        for _ in range(40):
            forecast = _fit(*_make_images(count), images=draw(count))
            flagged += sum(bool(find_flags(forecast, row)) for row in draw(10))
        assert flagged <= 8


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"contrast": 5.0}, "intensity"),
        ({"contrast 2": 5.0}, "intensity"),
        ({"grain": -3.0}, "intensity"),
        ({"texture": -2.5}, "scale"),
        ({"diameter": 3.8}, "scale"),
        ({"diameter": 1.8}, "scale"),
        ({"uncertainty": 0.9}, "uncertainty"),
    ],
)
def test_foreign_images_are_flagged(change: dict[str, float], flag: str) -> None:
    """Each trait far from the training has its word."""
    usual = {"contrast": 2.2, "contrast 2": 2.2, "grain": 0.4, "texture": -1.5}
    forecast = _fit(*_make_images(8), images=[usual] * 8)
    like = usual | {"diameter": 2.7, "uncertainty": 0.2}
    assert find_flags(forecast, like) == ()
    assert find_flags(forecast, like | change) == (flag,)


def test_low_uncertainty_is_no_flag() -> None:
    """An image on which the model is surer than ever is not strange."""
    forecast = _fit(*_make_images(8))
    assert find_flags(forecast, {"uncertainty": 0.0}) == ()
    highest = max(row["uncertainty"] for row in _make_images(8)[0])
    assert find_flags(forecast, {"uncertainty": highest}) == ()


def test_forecast_survives_the_card() -> None:
    """JSON and back gives the same expectation; figures that do not fit are refused."""
    forecast = _fit(*_make_images(5))
    row = _make_images(5)[0][0]
    again = Forecast.from_json(forecast.to_json())
    assert expect_f1(again, row) == expect_f1(forecast, row)
    broken = forecast.model_dump() | {"coefficients": [1.0]}
    with pytest.raises(InputError, match="do not fit"):
        Forecast.from_json(broken)
