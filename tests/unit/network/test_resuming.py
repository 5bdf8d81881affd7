"""A training goes on from a kept state as if it had never been interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deepflash_service.core.sampling import Example, draw_batch
from deepflash_service.errors import ComputeError, InputError, JobCancelled
from deepflash_service.network import architecture, fitting, training
from deepflash_service.network.devices import Device
from deepflash_service.network.training import (
    TrainedMember,
    TrainingState,
    train_member,
)
from deepflash_service.records import NetworkCard
from tests.unit.network.short_training import (
    CARD,
    SETTINGS,
    Scored,
    Squares,
    assert_same,
    copy_state,
    train,
)

pytestmark = pytest.mark.keras

OUT_OF_MEMORY = ComputeError("The device ran out of memory.", code="out_of_memory")


@pytest.fixture(autouse=True, scope="module")
def dropout() -> Iterator[None]:
    """Drop channels at random in the small network of these tests, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architecture, "DROPOUT_WIDTH", CARD.filters)
        yield


@pytest.fixture(autouse=True)
def precision(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Train in float32 on the CPU unless a test chooses otherwise."""

    def choose(name: Any) -> None:
        device = Device("a processor", "cpu", "tensorflow", name)
        monkeypatch.setattr(training, "describe_device", lambda: device)

    choose("float32")
    return choose


@pytest.fixture(scope="module")
def whole(examples: list[Example], squares: Squares, dropout: None) -> TrainedMember:
    """Return an undisturbed training in float32."""
    del dropout
    device = Device("a processor", "cpu", "tensorflow", "float32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "describe_device", lambda: device)
        return train(examples, Scored(squares))


@pytest.mark.parametrize(("name", "steps"), [("float32", (2, 4, 9)), ("bfloat16", (7,))])
def test_a_resumed_training_equals_an_undisturbed_one(
    examples: list[Example],
    squares: Squares,
    precision: Callable[[Any], None],
    whole: TrainedMember,
    *,
    name: str,
    steps: tuple[int, ...],
) -> None:
    """From within an epoch, from its end before it was scored, and from after its scores."""
    precision(name)
    scored = Scored(squares)
    states: list[TrainingState] = []
    observed = train(
        examples, scored, is_due=lambda: True, save=lambda one: states.append(copy_state(one))
    )
    assert [state.facts["step"] for state in states] == list(range(1, 13))
    if name == "float32":
        # asking for the state changes nothing
        assert_same(observed, whole)
        # so the last interruption has to keep the best weights
        assert whole.best_epoch < 3
    for step in steps:
        state = states[step - 1]
        assert all(array.dtype != np.float16 for array in state.arrays.values())
        assert len(state.facts["losses"]) == (step - 1) % 4 + 1
        # what is measured now does not change the precision of a training that has begun
        precision("float32")
        resumed = train(examples, scored, start=copy_state(state))
        assert resumed.device.precision == name
        assert_same(resumed, observed)


def test_a_stopped_training_goes_on_inside_its_epoch(
    examples: list[Example], squares: Squares, whole: TrainedMember
) -> None:
    """What was trained and scored for the stop does not disturb what comes later."""
    scored = Scored(squares)
    states: list[TrainingState] = []
    asked: list[int] = []

    def is_stopping() -> bool:
        asked.append(1)
        return len(asked) >= 7

    stopped = train(examples, scored, is_stopping=is_stopping, save=states.append)
    assert stopped.stopped
    assert len(stopped.history) == 2
    assert len(states) == 1
    resumed = train(examples, scored, start=copy_state(states[0]))
    assert_same(resumed, whole)


def test_a_stop_is_seen_while_an_image_is_scored(
    examples: list[Example], squares: Squares, whole: TrainedMember
) -> None:
    """The scoring is broken off, the best so far is the model, and a resumption scores again."""
    scored = Scored(squares)
    states: list[TrainingState] = []
    shared: list[int] = []
    # 4 steps and 1 image in each epoch
    stopped = train(
        examples,
        scored,
        share_device=lambda: shared.append(1),
        is_stopping=lambda: len(shared) >= 10,
        save=states.append,
    )
    assert stopped.stopped
    assert stopped.best_epoch == 1
    assert len(shared) == 10
    assert (states[0].facts["epoch"], len(states[0].facts["losses"])) == (2, 4)
    assert_same(train(examples, scored, start=copy_state(states[0])), whole)


def test_a_cancelled_training_keeps_no_state(examples: list[Example], squares: Squares) -> None:
    """Cancelling while images are scored ends at the next tile."""
    predicted: list[int] = []
    states: list[TrainingState] = []
    with pytest.raises(JobCancelled):
        train(
            examples,
            Scored(squares),
            share_device=lambda: predicted.append(1),
            is_cancelled=lambda: len(predicted) >= 5,
            save=states.append,
        )
    assert (len(predicted), states) == (5, [])


def test_smaller_batches_after_running_out_of_memory(
    examples: list[Example], squares: Squares, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is halved until it fits, the user is told, and a resumption keeps it."""
    scored, warned, sizes = Scored(squares), list[str](), list[int]()
    real = fitting.train_step
    states: list[TrainingState] = []

    def train_step(network: Any, images: Any, target: Any) -> float:
        sizes.append(len(images))
        if len(images) > 1 and len(sizes) > 5:
            raise OUT_OF_MEMORY
        return real(network, images, target)

    monkeypatch.setattr(fitting, "train_step", train_step)
    smaller = train(
        examples,
        scored,
        warn=warned.append,
        is_due=lambda: True,
        save=lambda one: states.append(copy_state(one)),
    )
    assert sizes == [4] * 5 + [4, 2] + [1] * 7
    assert warned == [
        f"The device ran out of memory, so the training goes on with {now} instead of {before} "
        "tiles at once."
        for before, now in ((4, 2), (2, 1))
    ]
    sizes.clear()
    resumed = train(examples, scored, warn=warned.append, start=states[7])
    assert sizes == [1] * 4
    assert len(warned) == 2
    assert_same(resumed, smaller)


def test_a_single_tile_that_does_not_fit_is_an_error(
    examples: list[Example], squares: Squares, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where halving no longer helps, the sentence says what does."""

    def train_step(network: Any, *_data: Any) -> float:
        raise MemoryError

    monkeypatch.setattr("keras.Model.train_on_batch", train_step)
    with pytest.raises(ComputeError) as caught:
        train(examples, Scored(squares))
    assert caught.value.code == "out_of_memory"
    assert "Close other programs" in caught.value.message


def poison(monkeypatch: pytest.MonkeyPatch, *, batch: int) -> None:
    """Let one batch, counted from 1, hold an image without numbers."""
    drawn = list[int]()

    def draw(*data: Any) -> Any:
        drawn.append(1)
        found = draw_batch(*data)
        return replace(found, images=found.images * np.nan) if len(drawn) == batch else found

    monkeypatch.setattr(fitting, "draw_batch", draw)


def test_divergence_falls_back_on_scored_weights(
    examples: list[Example],
    squares: Squares,
    whole: TrainedMember,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The model holds the best weights, and what is kept are numbers."""
    scored = Scored(squares)
    first = whole.history[0]["f1"]
    poison(monkeypatch, batch=6)
    states: list[TrainingState] = []
    member = train(examples, scored, is_due=lambda: True, save=states.append)
    assert member.fault == (
        "The loss was no longer a number in epoch 2; the model holds the best weights, of epoch 1."
    )
    assert not member.stopped
    assert (member.best_epoch, member.scores) == (1, {"f1": first})
    assert [state.facts["step"] for state in states] == [1, 2, 3, 4, 5]
    kept = [array for state in states for array in state.arrays.values()]
    assert all(np.isfinite(array).all() for array in [*kept, *member.network.get_weights()])


def test_weights_without_numbers_are_never_kept(
    examples: list[Example], squares: Squares, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step whose loss is still a number, but whose weights are not, ends the training too."""
    real = fitting.train_step

    def train_step(network: Any, *data: Any) -> float:
        loss = real(network, *data)
        broken = [array * np.nan for array in network.get_weights()]
        network.set_weights(broken)
        return loss

    monkeypatch.setattr(fitting, "train_step", train_step)
    states: list[TrainingState] = []
    with pytest.raises(ComputeError) as caught:
        train(examples, Scored(squares), is_due=lambda: True, save=states.append)
    assert (caught.value.code, states) == ("training_diverged", [])


def test_a_state_of_another_network_is_refused(examples: list[Example], squares: Squares) -> None:
    """Arrays that do not fit are told by a code, so that the training can begin again."""
    states: list[TrainingState] = []
    train(examples, Scored(squares), is_due=lambda: not states, save=states.append)
    other = replace(SETTINGS, epochs=1)
    with pytest.raises(InputError) as caught:
        train_member(NetworkCard(filters=8, depth=1), examples, settings=other, start=states[0])
    assert caught.value.code == "unusable_checkpoint"
