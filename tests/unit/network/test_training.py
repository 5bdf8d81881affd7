"""Training of one member: learning, seeds, stopping, failure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from deepflash_service.core.sampling import Example
from deepflash_service.errors import ComputeError, InputError, JobCancelled
from deepflash_service.network import rounds
from deepflash_service.network.prediction import make_callable
from deepflash_service.network.training import (
    HeldOut,
    TrainHooks,
    TrainSettings,
    train_member,
)
from deepflash_service.records import NetworkCard, Progress

pytestmark = pytest.mark.keras

Squares = list[tuple[np.ndarray, np.ndarray]]


@pytest.fixture(autouse=True)
def _only_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell of epochs alone, however slow this computer is."""
    monkeypatch.setattr(rounds, "TELL_SECONDS", math.inf)


def _hold_out(squares: Squares) -> HeldOut:
    image, mask = squares[2]

    def score(maps: Sequence[np.ndarray]) -> dict[str, float]:
        found = maps[0] > 0.5
        return {"dice": float(2 * (found & mask).sum() / max(1, found.sum() + mask.sum()))}

    return HeldOut([image], score)


def test_training_learns_to_find_squares(
    tiny_card: NetworkCard,
    examples: list[Example],
    squares: Squares,
    short_settings: TrainSettings,
) -> None:
    """After a few seconds the held-out squares are found, and every epoch was reported."""
    told: list[Progress] = []
    settings = replace(short_settings, epochs=6, steps_per_epoch=20)
    member = train_member(
        tiny_card,
        examples,
        settings=settings,
        held_out=_hold_out(squares),
        hooks=TrainHooks(report=told.append),
    )
    assert member.scores["dice"] > 0.85
    assert member.history[-1]["loss"] < 0.6 * member.history[0]["loss"]
    assert not member.stopped
    assert [item.current for item in told] == [1, 2, 3, 4, 5, 6]
    assert told[-1].metrics["seconds_left"] == 0
    assert "dice" in told[1].metrics
    assert "dice" not in told[0].metrics
    image, mask = squares[2]
    found = make_callable(member.network)(image[np.newaxis])[0] > 0.5
    assert 2 * (found & mask).sum() / (found.sum() + mask.sum()) > 0.85


def test_same_seed_same_network(
    tiny_card: NetworkCard, examples: list[Example], short_settings: TrainSettings
) -> None:
    """Two trainings with one seed agree; another seed gives another network."""
    settings = replace(short_settings, epochs=1, steps_per_epoch=3)
    first, again, other = (
        train_member(tiny_card, examples, settings=replace(settings, seed=seed))
        for seed in (1, 1, 2)
    )
    losses = [member.history[0]["loss"] for member in (first, again, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert losses[0] != pytest.approx(losses[2], rel=1e-3)
    kernels = [member.network.get_weights()[0] for member in (first, again, other)]
    np.testing.assert_allclose(kernels[0], kernels[1], atol=1e-2)
    assert not np.allclose(kernels[0], kernels[2], atol=1e-2)


def test_best_epoch_is_kept(
    tiny_card: NetworkCard,
    examples: list[Example],
    squares: Squares,
    short_settings: TrainSettings,
) -> None:
    """When the score falls, the weights of the earlier epoch are returned."""
    scores = iter([0.9, 0.5])
    seen: list[np.ndarray] = []

    def score(maps: Sequence[np.ndarray]) -> dict[str, float]:
        seen.append(maps[0])
        return {"f1": next(scores)}

    member = train_member(
        tiny_card,
        examples,
        settings=short_settings,
        held_out=HeldOut([squares[2][0]], score),
    )
    assert member.best_epoch == 2
    assert member.scores == {"f1": 0.9}
    result = make_callable(member.network)(squares[2][0][np.newaxis])[0]
    assert np.abs(result - seen[0]).mean() < np.abs(result - seen[1]).mean()


def test_patience_ends_a_hopeless_training(
    tiny_card: NetworkCard,
    examples: list[Example],
    squares: Squares,
    short_settings: TrainSettings,
) -> None:
    """Without a better score for the given epochs the training ends early, and says so."""
    told: list[Progress] = []
    settings = replace(short_settings, epochs=50, steps_per_epoch=1, score_every=1, patience=3)
    member = train_member(
        tiny_card,
        examples,
        settings=settings,
        held_out=HeldOut([squares[2][0]], lambda _maps: {"f1": 0.1}),
        hooks=TrainHooks(report=told.append),
    )
    assert len(member.history) == 4
    assert member.best_epoch == 1
    assert member.ending == told[-1].message
    assert member.ending == (
        "stopped early after epoch 4 of 50: no better score for 3 epochs; the best epoch 1 is kept"
    )
    assert [item.current for item in told] == [1, 2, 3, 4]
    assert (told[-2].message, told[-1].metrics["seconds_left"]) == ("epoch 3 of 50", 0.0)


def test_a_last_epoch_is_no_early_end(
    tiny_card: NetworkCard,
    examples: list[Example],
    squares: Squares,
    short_settings: TrainSettings,
) -> None:
    """Patience that ends with the last epoch ended nothing."""
    settings = replace(short_settings, epochs=3, steps_per_epoch=1, score_every=1, patience=2)
    member = train_member(
        tiny_card,
        examples,
        settings=settings,
        held_out=HeldOut([squares[2][0]], lambda _maps: {"f1": 0.1}),
    )
    assert (len(member.history), member.ending) == (3, "")


def test_long_epochs_are_told_in_between(
    tiny_card: NetworkCard,
    examples: list[Example],
    short_settings: TrainSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Step, mean loss so far and remaining time; the progress still counts epochs."""
    monkeypatch.setattr(rounds, "TELL_SECONDS", 0.0)
    told: list[Progress] = []
    settings = replace(short_settings, epochs=2, steps_per_epoch=2)
    train_member(tiny_card, examples, settings=settings, hooks=TrainHooks(report=told.append))
    assert [(item.message, item.current) for item in told] == [
        ("epoch 1 of 2, step 1 of 2", 0),
        ("epoch 1 of 2, step 2 of 2", 0),
        ("epoch 1 of 2", 1),
        ("epoch 2 of 2, step 1 of 2", 1),
        ("epoch 2 of 2, step 2 of 2", 1),
        ("epoch 2 of 2", 2),
    ]
    assert [item.metrics["step"] for item in told] == [1, 2, 2, 3, 4, 4]
    assert [item.metrics["epoch"] for item in told] == [1, 1, 1, 2, 2, 2]
    assert told[1].metrics["loss"] == told[2].metrics["loss"]
    assert told[3].metrics["seconds_left"] > 0
    assert {item.metrics["steps"] for item in told} == {4}


def test_stopping_keeps_what_was_learnt(
    tiny_card: NetworkCard, examples: list[Example], short_settings: TrainSettings
) -> None:
    """A stop in the second epoch returns a network and says so."""
    told: list[Progress] = []
    member = train_member(
        tiny_card,
        examples,
        settings=short_settings,
        hooks=TrainHooks(report=told.append, is_stopping=lambda: len(told) == 1),
    )
    assert member.stopped
    assert len(member.history) == 2
    assert member.best_epoch == 2


def test_cancelling_ends_within_a_step(
    tiny_card: NetworkCard, examples: list[Example], short_settings: TrainSettings
) -> None:
    """A cancelled training raises before its next step."""
    asked: list[int] = []

    def is_cancelled() -> bool:
        asked.append(1)
        return len(asked) == 3

    with pytest.raises(JobCancelled):
        train_member(
            tiny_card,
            examples,
            settings=short_settings,
            hooks=TrainHooks(is_cancelled=is_cancelled),
        )
    assert len(asked) == 3


def test_fine_tuning_starts_from_the_given_network(
    tiny_card: NetworkCard, examples: list[Example], short_settings: TrainSettings
) -> None:
    """With almost no learning rate the network stays what it was; another card is refused."""
    settings = replace(short_settings, epochs=1, steps_per_epoch=5)
    base = train_member(tiny_card, examples, settings=settings).network
    frozen = replace(settings, learning_rate=1e-12, weight_decay=0.0)
    tuned = train_member(tiny_card, examples, settings=frozen, start=base).network
    for before, after in zip(base.trainable_weights, tuned.trainable_weights, strict=True):
        np.testing.assert_allclose(before.numpy(), after.numpy(), atol=1e-5)
    with pytest.raises(InputError):
        train_member(NetworkCard(filters=4, depth=1), examples, settings=settings, start=base)


def test_divergence_is_an_error(
    tiny_card: NetworkCard, examples: list[Example], short_settings: TrainSettings
) -> None:
    """A loss that is no number ends in a sentence with a code."""
    broken = replace(examples[0], image=np.full_like(examples[0].image, np.nan))
    with pytest.raises(ComputeError) as caught:
        train_member(tiny_card, [broken], settings=short_settings)
    assert caught.value.code == "training_diverged"


def test_no_image_is_an_error(tiny_card: NetworkCard, short_settings: TrainSettings) -> None:
    """An empty data set is refused."""
    with pytest.raises(InputError):
        train_member(tiny_card, [], settings=short_settings)
