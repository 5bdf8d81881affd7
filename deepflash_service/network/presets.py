"""How a network is trained: settings, and the three presets that choose them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepflash_service.core.sampling import Sampling

if TYPE_CHECKING:
    from deepflash_service.records import Preset

STEPS_PER_EPOCH = 15
LEAST_PATIENCE = 20
PATIENT_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How long and how fast a member learns.

    ``dropout`` = share of the channels that are left out of each step in the deeper blocks.

    ``patience`` = epochs without a better score after which training ends early (None =
    never). Scores are taken every ``score_every`` epochs and after the last.
    """

    epochs: int = 100
    steps_per_epoch: int = STEPS_PER_EPOCH
    sampling: Sampling = field(default_factory=Sampling)
    learning_rate: float = 2e-3
    weight_decay: float = 2e-2
    dropout: float = 0.0
    seed: int = 0
    score_every: int = 5
    patience: int | None = None

    @property
    def wanted_steps(self) -> int:
        """Steps of a training that nothing ends early."""
        return self.epochs * self.steps_per_epoch


def choose_patience(epochs: int) -> int:
    """Return after how many epochs without a better score a training of ``epochs`` ends early.

    Most of a training improves little by little while the learning rate falls, and held-out F1
    scatters more from epoch to epoch than it rises: an end at 60 % would miss the low rates. So
    it ends only where nothing has come for 70 % of all epochs, and never for less than 20.
    """
    return max(LEAST_PATIENCE, round(PATIENT_SHARE * epochs))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a preset means: size of the network, epochs, folds, and members trained of them."""

    filters: int
    depth: int
    epochs: int
    folds: int
    members: int


PLANS: dict[Preset, Plan] = {
    "quick": Plan(filters=16, depth=4, epochs=40, folds=5, members=1),
    "standard": Plan(filters=16, depth=4, epochs=100, folds=3, members=3),
    "best": Plan(filters=16, depth=4, epochs=170, folds=5, members=5),
}
FINE_TUNE_EPOCHS: dict[Preset, int] = {"quick": 20, "standard": 50, "best": 85}


def plan_training(
    preset: Preset, *, epochs: int | None = None, is_fine_tuning: bool = False
) -> Plan:
    """Return the plan of a preset; ``epochs`` overrules its number."""
    plan = PLANS[preset]
    usual = FINE_TUNE_EPOCHS[preset] if is_fine_tuning else plan.epochs
    return Plan(plan.filters, plan.depth, epochs or usual, plan.folds, plan.members)
