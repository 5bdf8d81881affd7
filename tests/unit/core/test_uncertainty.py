"""How sure a prediction is: bounds, nothing found, members, moved thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.labels import label_rois
from deepflash_service.core.separation import NECK, Cut
from deepflash_service.core.uncertainty import measure_map_traits, measure_uncertainty
from deepflash_service.records import ProbabilityMap


def _draw_discs(*chances: float, radius: int = 10) -> ProbabilityMap:
    """Return a map with one disc for each chance."""
    rows, columns = np.mgrid[:60, : 60 * len(chances)]
    found = np.zeros(rows.shape, dtype=np.float32)
    for index, chance in enumerate(chances):
        found[np.hypot(rows - 30, columns - 30 - 60 * index) < radius] = chance
    return found


def _draw_cone() -> ProbabilityMap:
    rows, columns = np.mgrid[:60, :60]
    cone = np.clip(1 - np.hypot(rows - 30, columns - 30) / 30, 0, 1)
    return np.asarray(cone, dtype=np.float32)


def test_uncertainty_lies_between_none_and_all() -> None:
    """Sure pixels count 0, even chances 1; the background does not count."""
    sure, even = _draw_discs(1.0), _draw_discs(0.5)
    assert measure_uncertainty(sure, label_rois(sure)) == 0.0
    assert measure_uncertainty(even, label_rois(even, threshold=0.4)) == 1.0


def test_uncertainty_is_the_sum_of_both_parts() -> None:
    """Variance over the members plus mean p (1 - p) is what the mean map tells."""
    members = np.random.default_rng(0).random((5, 20, 30))
    mean = members.mean(axis=0).astype(np.float32)
    parts = members.var(axis=0) + (members * (1 - members)).mean(axis=0)
    found = measure_uncertainty(mean, np.ones(mean.shape, np.int32))
    assert found == pytest.approx(float(parts.mean()) / 0.25, rel=1e-5)


def test_uncertainty_is_defined_when_nothing_is_found() -> None:
    """The most probable pixel tells whether something was nearly found."""
    nothing = np.zeros((5, 5), dtype=np.int32)
    assert measure_uncertainty(np.full((5, 5), 0.01, np.float32), nothing) < 0.05
    assert measure_uncertainty(np.full((5, 5), 0.4, np.float32), nothing) > 0.9
    assert measure_uncertainty(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.int32)) == 0.0


def test_firm_rois_are_stable() -> None:
    """ROIs that keep their outline at other thresholds count, those that appear late do not."""
    assert measure_map_traits([_draw_discs(0.99, 0.98)], Cut(0.5))["stability"] == pytest.approx(
        1.0
    )
    weak = measure_map_traits([_draw_discs(0.99, 0.55)], Cut(0.5))
    assert weak["stability"] == pytest.approx(2 / 3)
    high = measure_map_traits([_draw_discs(0.99, 0.9)], Cut(0.8))
    assert high["stability"] == pytest.approx((1 + 1 + 2 / 3 + 2 / 3) / 4), "on the way to 1"
    low = measure_map_traits([_draw_discs(0.99, 0.45)], Cut(0.2))
    assert low["stability"] == pytest.approx((1 + 2 / 3 + 2 / 3 + 2 / 3) / 4)
    cone = measure_map_traits([_draw_cone()], Cut(0.5))
    assert cone["stability"] == 0.0, "an outline that moves by half the area is no match"


def test_members_are_measured_one_by_one() -> None:
    """Traits are the means over members, not those of the smoother mean map."""
    first, second = _draw_discs(0.99, 0.55), _draw_discs(0.99)
    second = np.pad(second, ((0, 0), (0, 60)))
    found = measure_map_traits([first, second], Cut(0.5))
    assert found["stability"] == pytest.approx((2 / 3 + 1) / 2)
    half = [one.astype(np.float16) for one in (first, second)]
    again = measure_map_traits(half, Cut(0.5))
    assert again == pytest.approx(found, abs=1e-3)


def test_diameter_and_density_are_those_of_the_rois() -> None:
    """Logarithms of median diameter and share covered; absent when nothing is found."""
    found = measure_map_traits([_draw_discs(0.9, 0.9, 0.9)], Cut(0.5))
    assert np.exp(found["diameter"]) == pytest.approx(20, rel=0.03)
    assert np.exp(found["density"]) == pytest.approx(3 * np.pi * 10**2 / (60 * 180), rel=0.03)
    nothing = measure_map_traits([_draw_discs(0.1)], Cut(0.5))
    assert set(nothing) == {"uncertainty", "stability", "rois"}
    assert (found["rois"], nothing["rois"]) == (3, 0)


def test_rois_are_found_as_the_model_does() -> None:
    """The cut counts and measures ROIs; what is stable does not depend on parting."""
    pair = np.maximum(_draw_discs(0.9, 0.0), np.roll(_draw_discs(0.9, 0.0), 17, axis=1))
    whole, parted = (measure_map_traits([pair], Cut(0.5, 7, neck)) for neck in (0.0, NECK))
    assert (whole["rois"], parted["rois"]) == (1, 2)
    assert whole["stability"] == parted["stability"]
    assert measure_map_traits([pair], Cut(0.5, 1000))["rois"] == 0
    assert measure_map_traits([pair], Cut(0.9))["rois"] == 0
