"""Presets."""

from __future__ import annotations

from deepflash_service.network.presets import PLANS, STEPS_PER_EPOCH, choose_patience, plan_training


def test_presets_follow_the_design() -> None:
    """Epochs, folds and members of design section 9; an epoch has 15 steps."""
    assert STEPS_PER_EPOCH == 15
    found = {name: (plan.epochs, plan.members) for name, plan in PLANS.items()}
    assert found == {"quick": (40, 1), "standard": (100, 3), "best": (170, 5)}


def test_fine_tuning_takes_half_the_epochs() -> None:
    """Fine-tuning needs 50 epochs in the standard preset; a number by hand wins."""
    assert plan_training("standard", is_fine_tuning=True).epochs == 50
    assert plan_training("standard", epochs=7, is_fine_tuning=True).epochs == 7
    assert plan_training("quick").epochs == 40


def test_training_waits_long_for_a_better_score() -> None:
    """70 % of the epochs, and never less than 20: a short training is not ended early."""
    assert [choose_patience(epochs) for epochs in (3, 40, 50, 100, 170)] == [20, 28, 35, 70, 119]
