"""Which members of a model are kept for a resumed training, and which are trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from deepflash_service.network import training
from deepflash_service.network.devices import Device
from deepflash_service.network.generic_start import build_start
from deepflash_service.records import ModelCard, NetworkCard
from deepflash_service.workflows import training_members
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.training_course import Course
from deepflash_service.workflows.training_members import TrainedMembers, train_members
from deepflash_service.workflows.training_report import MemberReport
from tests.unit.workflows.training_samples import make_data

COURSE = Course(filters=8, depth=1, epochs=9, folds=((0,), (1,), (2,)), seed=0)


class Kept:
    """Stands for the checkpoints of one member."""

    def __init__(self, number: int, finished: dict[int, Any]) -> None:
        self.number = number
        self.finished = finished

    def restore(self, _build: Callable[[], Any], _warn: Callable[[str], None]) -> Any:
        """Return what was finished."""
        member = self.finished.get(self.number)
        if member is None:
            return None
        facts = {"step": 7, "device": "another computer", "ending": member.ending}
        return member.network, facts

    def finish(self, member: Any, *, device: str) -> None:
        """Keep a finished member."""
        assert device == "this computer"
        self.finished[self.number] = member


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that trains three members with stubs, which say how each ends."""
    finished: dict[int, Any] = {}
    keeper = SimpleNamespace(
        for_member=lambda number, settings: Kept(number, finished),
        run=SimpleNamespace(results=tmp_path),
    )
    device = Device("this computer", "cpu", "tensorflow", "float32")
    monkeypatch.setattr(training_members, "find_device", lambda: device)
    monkeypatch.setattr(training_members._Member, "hash_settings", lambda _self: "")
    monkeypatch.setattr(
        training_members._Member, "predict_held_out", lambda self, *_: {self.number: "map"}
    )

    def perform(end: Callable[[int], dict[str, Any]], **hooks: Any) -> tuple[Any, list[int]]:
        trained: list[int] = []

        def learn(self: Any, *_kept: Any) -> Any:
            trained.append(self.number)
            facts = {"network": f"member {self.number}", "steps": 9, "stopped": False, "fault": ""}
            return SimpleNamespace(**({"ending": "", **facts} | end(self.number)))

        monkeypatch.setattr(training_members._Member, "train", learn)
        result = train_members(
            cast("Any", None),
            COURSE,
            card=ModelCard(name="m"),
            keeper=cast("Any", keeper),
            base=None,
            hooks=Hooks(**hooks),
        )
        return result, trained

    return perform


def test_a_member_cut_short_is_not_kept(train: Any) -> None:
    """A resumed training goes on with the member that the user stopped, not after it."""
    ended: list[int] = []

    def stop_second(number: int) -> dict[str, Any]:
        ended.append(number)
        return {"stopped": number == 1, "steps": 5 if number == 1 else 9}

    stopped, trained = train(stop_second, is_stopping=lambda: len(ended) == 2)
    assert isinstance(stopped, TrainedMembers)
    assert stopped.networks == ["member 0", "member 1"]
    assert stopped.steps == [9, 5]
    resumed, again = train(lambda _number: {})
    assert resumed.networks == ["member 0", "member 1", "member 2"]
    assert resumed.steps == [7, 9, 9]
    assert resumed.maps == {0: "map", 1: "map", 2: "map"}
    assert (trained, again) == ([0, 1], [1, 2])


def test_a_member_that_ended_as_the_stop_came_is_kept(train: Any) -> None:
    """It is finished, so a resumption does not train it again."""
    _, trained = train(lambda _number: {}, is_stopping=lambda: True)
    assert trained == [0]
    _, again = train(lambda _number: {})
    assert again == [1, 2]


def test_a_member_without_a_step_is_left_out(train: Any) -> None:
    """Its random weights never become part of a model; the stop is noted either way."""
    nothing, _ = train(lambda _number: {"steps": 0, "stopped": True}, is_stopping=lambda: True)
    assert (nothing.networks, nothing.maps, nothing.is_stopped) == ([], {}, True)
    some, trained = train(
        lambda number: {"steps": 0, "stopped": True} if number else {}, is_stopping=lambda: False
    )
    assert trained == [0, 1]
    assert (some.networks, some.steps, some.is_stopped) == (["member 0"], [9], True)
    assert some.wanted_steps == 3 * 9 * 15


def test_a_stop_between_members_is_noted(train: Any) -> None:
    """Fewer members have learnt than the preset asks for."""
    result, _ = train(lambda _number: {}, is_stopping=lambda: True)
    assert (result.networks, result.is_stopped) == (["member 0"], True)
    whole, _ = train(lambda _number: {})
    assert not whole.is_stopped


def test_members_that_needed_fewer_epochs_are_told(train: Any) -> None:
    """Each with its number, also when the job is resumed after it."""
    ending = "stopped early after epoch 7 of 9"
    ended: list[int] = []

    def end_first(number: int) -> dict[str, Any]:
        ended.append(number)
        return {"ending": "" if number else ending}

    train(end_first, is_stopping=lambda: bool(ended))
    again, trained = train(end_first)
    assert trained == [1, 2]
    assert again.endings == [f"member 1 of 3, {ending}"]


def test_a_fault_ends_the_training_with_the_members_so_far(train: Any) -> None:
    """The model is made of what is usable, and the sentence names the member."""
    fault = "The loss was no longer a number in epoch 9."
    result, trained = train(lambda number: {"fault": fault if number == 1 else ""})
    assert trained == [0, 1]
    assert result.fault == f"member 2 of 3, {fault}"
    _, again = train(lambda _number: {})
    assert again == [1, 2]


@pytest.mark.keras
def test_new_models_begin_with_the_shipped_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual network is given the weights that learnt generated cells, another one none."""
    given: list[Any] = []
    monkeypatch.setattr(training, "train_member", lambda *_, start, **__: given.append(start))
    kept = SimpleNamespace(
        read=lambda _warn: None, begin=lambda: None, is_due=None, save=None, discard=None
    )
    report = cast("MemberReport", SimpleNamespace(tell_start=lambda *_, **__: None))
    for network in (NetworkCard(), NetworkCard(filters=8)):
        card = ModelCard(name="m", network=network, min_roi_size=9)
        member = training_members._Member(make_data(2), COURSE, card=card, number=0, base=None)
        member.train(cast("Any", kept), report, Hooks())
    expected = build_start(NetworkCard()).get_weights()
    for one, other in zip(given[0].get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert given[1] is None


def test_another_start_is_another_training() -> None:
    """What was begun with other weights is not taken for the same when it is resumed."""
    hashes = {
        training_members._Member(
            make_data(2), COURSE, card=ModelCard(name="m", start=start), number=0, base=None
        ).hash_settings()
        for start in ("random", "generated cells 1", "generated cells 2")
    }
    assert len(hashes) == 3
