"""STAPLE: reliable experts count more, whatever their number."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.staple import estimate_staple
from deepflash_service.errors import InputError

RNG = np.random.default_rng(4)
TRUTH = np.kron(RNG.random((16, 16)) < 0.3, np.ones((4, 4))).astype(bool)


def blur(truth: np.ndarray, errors: float, *, seed: int) -> np.ndarray:
    """Flip a share of the pixels."""
    return np.asarray(truth ^ (np.random.default_rng(seed).random(truth.shape) < errors))


def test_reliable_experts_outvote_careless_ones() -> None:
    """Two good experts against three careless ones: STAPLE finds the truth, a majority cannot."""
    masks = [blur(TRUTH, 0.02, seed=1), blur(TRUTH, 0.02, seed=2)]
    masks += [blur(TRUTH, 0.4, seed=seed) for seed in (3, 4, 5)]
    result = estimate_staple(masks)
    majority = np.sum(masks, axis=0) > 2
    assert np.mean(result.mask != TRUTH) < 0.06 < np.mean(majority != TRUTH)
    assert min(result.sensitivity[:2]) > 0.9 > max(result.sensitivity[2:])
    assert min(result.specificity[:2]) > max(result.specificity[2:])


def test_numbers_stay_with_their_expert() -> None:
    """Sensitivities come in the order of the masks, whatever order is used inside."""
    masks = [blur(TRUTH, errors, seed=9) for errors in (0.3, 0.01, 0.15, 0.02)]
    forth, back = estimate_staple(masks), estimate_staple(masks[::-1])
    assert forth.sensitivity == back.sensitivity[::-1]
    assert forth.sensitivity[0] < forth.sensitivity[2] < forth.sensitivity[1]


def test_many_experts_are_possible() -> None:
    """Above 16 experts only the vote patterns that occur are counted; the result is as good."""
    masks = [blur(TRUTH, 0.2, seed=seed) for seed in range(20)]
    result = estimate_staple(np.array(masks))
    assert np.mean(result.mask != TRUTH) < 0.02
    assert len(result.specificity) == 20


@pytest.mark.parametrize("experts", [1, 2, 5])
@pytest.mark.parametrize("value", [False, True])
def test_nothing_and_everything(value: bool, experts: int) -> None:
    """Empty masks have an empty consensus, full masks a full one; nothing is NaN."""
    result = estimate_staple([np.full((3, 4), value)] * experts)
    assert (result.mask == value).all()
    assert np.isfinite([*result.sensitivity, *result.specificity]).all()


def test_unusable_masks_are_refused() -> None:
    """No masks, different shapes, too many experts: a sentence each."""
    with pytest.raises(InputError, match="at least one"):
        estimate_staple([])
    with pytest.raises(InputError) as caught:
        estimate_staple([np.zeros((2, 2)), np.zeros((2, 3))])
    assert caught.value.code == "shape_mismatch"
    with pytest.raises(InputError, match="62"):
        estimate_staple(np.zeros((63, 1, 1), dtype=bool))


def test_rounds_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where numbers never settle, the last round counts."""
    monkeypatch.setattr("deepflash_service.core.staple._MOST_ROUNDS", 1)
    assert estimate_staple([TRUTH, TRUTH, ~TRUTH]).mask.shape == TRUTH.shape


def estimate_pixel_by_pixel(masks: np.ndarray) -> np.ndarray:
    """Run STAPLE as in the paper, pixel by pixel, without any grouping."""
    votes = masks.reshape(len(masks), -1).astype(float)
    sensitivity = specificity = np.full((len(masks), 1), 0.99999)
    prior = votes.mean()
    weights = np.zeros(votes.shape[1])
    for _ in range(500):
        present = prior * np.prod(np.where(votes, sensitivity, 1 - sensitivity), axis=0)
        absent = (1 - prior) * np.prod(np.where(votes, 1 - specificity, specificity), axis=0)
        weights = present / (present + absent)
        sensitivity = (votes @ weights / weights.sum())[:, np.newaxis]
        specificity = ((1 - votes) @ (1 - weights) / (1 - weights).sum())[:, np.newaxis]
    return np.asarray(weights.reshape(masks.shape[1:]))


def test_patterns_give_what_pixels_give() -> None:
    """Grouping pixels by their votes changes no probability; one half is the limit."""
    masks = np.array([blur(TRUTH, errors, seed=7) for errors in (0.35, 0.3, 0.3, 0.25)])
    masks[1:] = [blur(TRUTH, errors, seed=seed) for seed, errors in ((8, 0.3), (9, 0.3), (6, 0.3))]
    expected = estimate_pixel_by_pixel(masks)
    result = estimate_staple(masks)
    np.testing.assert_allclose(result.probability, expected, atol=1e-4)
    assert ((expected > 0.5) & (expected < 0.9)).any()
    np.testing.assert_array_equal(result.mask, expected >= 0.5)
