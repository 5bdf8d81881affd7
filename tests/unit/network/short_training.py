"""A training of seconds in which channels drop out, and what compares two of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from deepflash_service.core.sampling import Example, Sampling
from deepflash_service.network.training import (
    HeldOut,
    TrainedMember,
    TrainHooks,
    TrainingState,
    TrainSettings,
    train_member,
)
from deepflash_service.records import NetworkCard

Squares = list[tuple[np.ndarray, np.ndarray]]
CARD = NetworkCard(filters=4, depth=1)
SETTINGS = TrainSettings(
    epochs=3,
    steps_per_epoch=4,
    sampling=Sampling(tile=32, batch=4),
    dropout=0.2,
    score_every=1,
)


class Scored:
    """Held-out images with scores that depend on the weights alone."""

    def __init__(self, squares: Squares) -> None:
        self.held_out = HeldOut([squares[2][0]], self.score)
        self.mask = squares[2][1]

    def score(self, maps: Sequence[np.ndarray]) -> dict[str, float]:
        """Return the mean probability."""
        return {"f1": float(np.mean(maps[0], dtype=np.float64))}


def copy_state(state: TrainingState) -> TrainingState:
    """Return the state as JSON and copied arrays give it back."""
    facts = json.loads(json.dumps(state.facts))
    arrays = {name: array.copy() for name, array in state.arrays.items()}
    return TrainingState(facts, arrays, {name: one.copy() for name, one in state.best.items()})


def train(examples: list[Example], scored: Scored, **chosen: Any) -> TrainedMember:
    """Train the tiny network."""
    start = chosen.pop("start", None)
    hooks = TrainHooks(**chosen)
    return train_member(
        CARD, examples, settings=SETTINGS, held_out=scored.held_out, hooks=hooks, start=start
    )


def assert_same(one: TrainedMember, other: TrainedMember) -> None:
    """Weights equal bit for bit; history equal but for times."""
    for a, b in zip(one.network.get_weights(), other.network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (one.steps, one.best_epoch, one.scores) == (other.steps, other.best_epoch, other.scores)
    histories = [
        [{k: v for k, v in entry.items() if "seconds" not in k} for entry in member.history]
        for member in (one, other)
    ]
    assert histories[0] == histories[1]
