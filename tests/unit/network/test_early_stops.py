"""What is left of a training that the user stops in its first steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deepflash_service.core.sampling import Example, Sampling
from deepflash_service.network.training import (
    HeldOut,
    TrainedMember,
    TrainHooks,
    TrainingState,
    TrainSettings,
    train_member,
)
from deepflash_service.records import NetworkCard, Progress

pytestmark = pytest.mark.keras

Squares = list[tuple[np.ndarray, np.ndarray]]
SETTINGS = TrainSettings(epochs=1, steps_per_epoch=4, sampling=Sampling(tile=32, batch=2))


def train(examples: list[Example], squares: Squares, **hooks: Any) -> TrainedMember:
    """Train the smallest network."""
    return train_member(
        NetworkCard(filters=4, depth=1),
        examples,
        settings=SETTINGS,
        held_out=HeldOut([squares[2][0]], lambda _maps: {"f1": 0.5}),
        hooks=TrainHooks(**hooks),
    )


def test_a_stop_before_the_first_step_keeps_nothing(
    examples: list[Example], squares: Squares
) -> None:
    """Nothing is scored, told or saved, and no step is claimed."""
    told: list[object] = []
    stopped = train(
        examples, squares, is_stopping=lambda: True, save=told.append, report=told.append
    )
    assert (stopped.stopped, stopped.steps) == (True, 0)
    assert (stopped.history, stopped.scores, told) == ((), {}, [])


def test_a_stop_after_a_few_steps_keeps_what_they_learnt(
    examples: list[Example], squares: Squares
) -> None:
    """Before weights were averaged for the first time, the model is not that of the start."""
    states: list[TrainingState] = []
    told: list[Progress] = []
    stopped = train(
        examples,
        squares,
        is_stopping=lambda: bool(states),
        is_due=lambda: True,
        save=states.append,
        report=told.append,
    )
    assert stopped.steps == 1
    for number, array in enumerate(stopped.network.get_weights()):
        np.testing.assert_array_equal(array, states[0].arrays[f"network_{number:04d}"])
    assert told[-1].metrics["seconds_left"] == 0
    assert told[-1].metrics["seconds_member"] == 0
