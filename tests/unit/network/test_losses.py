"""The loss."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.network.losses import border_dice_loss

pytestmark = pytest.mark.keras


def _loss(mask: np.ndarray, weight: np.ndarray, logits: np.ndarray) -> float:
    target = np.stack([mask, weight], axis=-1).astype(np.float32)
    return float(border_dice_loss(target, logits[..., np.newaxis].astype(np.float32)))


def test_loss_equals_its_formula() -> None:
    """Weighted cross-entropy plus one minus soft Dice, computed by hand."""
    rng = np.random.default_rng(0)
    mask, weight = rng.integers(0, 2, (2, 4, 4)), rng.uniform(1, 11, (2, 4, 4))
    logits = rng.normal(0, 3, (2, 4, 4))
    p = 1 / (1 + np.exp(-logits))
    entropy = -(mask * np.log(p) + (1 - mask) * np.log(1 - p))
    dice = (2 * (p * mask).sum() + 1) / (p.sum() + mask.sum() + 1)
    expected = (weight * entropy).sum() / weight.sum() + 1 - dice
    assert _loss(mask, weight, logits) == pytest.approx(expected, rel=1e-5)


def test_right_answers_cost_nothing_and_huge_logits_stay_finite() -> None:
    """Certain and right is 0, certain and wrong is large but finite."""
    mask = np.eye(8)[np.newaxis]
    weight = np.ones_like(mask)
    right = np.where(mask > 0, 1e4, -1e4)
    assert _loss(mask, weight, right) == pytest.approx(0.0, abs=1e-5)
    assert 1e3 < _loss(mask, weight, -right) < np.inf


def test_empty_tiles_reward_silence() -> None:
    """Without any ROI the loss falls as the probabilities fall."""
    mask = np.zeros((1, 8, 8))
    weight = np.ones_like(mask)
    losses = [_loss(mask, weight, np.full_like(mask, logit)) for logit in (2.0, -2.0, -12.0)]
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] < 0.01
