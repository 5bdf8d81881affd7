"""When checkpoints of a member are written, and when they count."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from deepflash_service.network.training import TrainingState
from deepflash_service.store import runs
from deepflash_service.store.checkpoints import name_weights, read_progress, write_checkpoint
from deepflash_service.store.runs import Run
from deepflash_service.workflows import training_keeper
from deepflash_service.workflows.training_keeper import Keeper


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Return the time of the clock."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock by which checkpoints are written."""
    clock = Clock()
    monkeypatch.setattr(training_keeper, "time", clock)
    return clock


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return an empty training."""
    return runs.create_run(tmp_path, "training", options={})


def make_state(step: int, *, best: int = 0) -> TrainingState:
    """Return a state, with best weights of an epoch if wanted."""
    facts: dict[str, Any] = {"step": step, "best": {"epoch": best, "scores": {}} if best else None}
    weights = {"best_0000": np.full(4, best, np.float32)} if best else {}
    return TrainingState(facts, {"network_0000": np.full(9, step, np.float32)}, weights)


def list_kept(run: Run) -> list[str]:
    """Return the names of the checkpoints without their random part."""
    names = sorted(path.name for path in run.checkpoints.glob("member-*"))
    return [name[:20] for name in names]


def test_at_most_one_checkpoint_per_interval(
    run: Run, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Due when the time has passed since the training began, or since the last was written."""

    def write_slowly(*data: Any, **facts: Any) -> None:
        write_checkpoint(*data, **facts)
        clock.now += 25

    monkeypatch.setattr(training_keeper, "write_checkpoint", write_slowly)
    kept = Keeper(run, seconds=30.0, fingerprint="f").for_member(1, settings="s")
    clock.now += 500  # reading the data is no work to lose
    kept.begin()
    due = []
    for step in range(1, 11):
        clock.now += 10
        due.append(kept.is_due())
        if kept.is_due():
            kept.save(make_state(step))
    assert [step for step, is_due in enumerate(due, start=1) if is_due] == [3, 6, 9]
    assert list_kept(run) == ["member-1-step-000006", "member-1-step-000009"]
    always = Keeper(run, seconds=0.0, fingerprint="f").for_member(1, settings="s")
    assert always.is_due()


def test_one_step_is_written_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop right after a checkpoint, or right after a resumption, writes nothing."""
    kept = Keeper(run, seconds=0.0, fingerprint="f").for_member(1, settings="s")
    kept.save(make_state(4))
    written = list[int]()
    monkeypatch.setattr(training_keeper, "write_checkpoint", lambda *_, **__: written.append(1))
    kept.save(make_state(4))
    resumed = Keeper(run, seconds=0.0, fingerprint="f").for_member(1, settings="s")
    assert resumed.read(pytest.fail) is not None
    resumed.save(make_state(4))
    assert written == []
    resumed.save(make_state(5))
    assert written == [1]


def test_best_weights_are_written_when_they_change(run: Run) -> None:
    """They are read back with the checkpoint that names them, also by a resumed training."""
    kept = Keeper(run, seconds=0.0, fingerprint="f").for_member(1, settings="s")
    for step, best in ((1, 0), (2, 2), (3, 2), (4, 4)):
        kept.save(make_state(step, best=best))
    assert list_kept(run) == [
        "member-1-best-000002",
        "member-1-best-000004",
        "member-1-step-000003",
        "member-1-step-000004",
    ]
    resumed = Keeper(run, seconds=0.0, fingerprint="f").for_member(1, settings="s")
    state = resumed.read(pytest.fail)
    assert state is not None
    np.testing.assert_array_equal(state.best["best_0000"], np.full(4, 4, np.float32))
    before = {path.name for path in run.checkpoints.glob("*best*")}
    resumed.save(make_state(5, best=4))
    resumed.save(make_state(6, best=4))
    after = {path.name for path in run.checkpoints.glob("*best*")}
    assert len(after) == 1
    assert after < before


@pytest.mark.parametrize("other", [{"fingerprint": "g"}, {"settings": "t"}])
def test_a_checkpoint_counts_only_for_the_same_training(run: Run, other: dict[str, str]) -> None:
    """With other data or settings the member begins again, and the user is told."""
    Keeper(run, seconds=0.0, fingerprint="f").for_member(1, settings="s").save(make_state(4))
    chosen = {"fingerprint": "f", "settings": "s"} | other
    keeper = Keeper(run, seconds=0.0, fingerprint=chosen["fingerprint"])
    warned: list[str] = []
    assert keeper.for_member(1, settings=chosen["settings"]).read(warned.append) is None
    assert len(warned) == 1
    assert "begins again" in warned[0]
    assert read_progress(run) == 0


def test_a_damaged_checkpoint_is_named(run: Run) -> None:
    """The one before is taken; with none left the member begins again."""
    kept = Keeper(run, seconds=0.0, fingerprint="f").for_member(1, settings="s")
    kept.save(make_state(4))
    kept.save(make_state(5))
    (run.checkpoints / "member-1-step-000005" / "state.json").write_text("")
    warned: list[str] = []
    state = kept.read(warned.append)
    assert state is not None
    assert state.facts["step"] == 4
    (run.checkpoints / "member-1-step-000004" / "arrays.npz").write_text("")
    assert kept.read(warned.append) is None
    assert warned == [
        "The checkpoint member-1-step-000005 is damaged, so member 1 goes on from the one before.",
        "The checkpoint member-1-step-000005 is damaged, so member 1 begins again.",
        "The checkpoint member-1-step-000004 is damaged, so member 1 begins again.",
    ]


def test_a_finished_member_is_restored(
    run: Run, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its checkpoints go, its steps and seconds stay; other settings train it again."""
    write = "deepflash_service.network.weights.write_weights"
    read = "deepflash_service.network.weights.read_weights"
    monkeypatch.setattr(write, lambda network, path: path.write_text(network))
    monkeypatch.setattr("deepflash_service.network.weights.measure_weights", len)
    monkeypatch.setattr(read, lambda network, path: network.append(path.read_text()))
    keeper = Keeper(run, seconds=0.0, fingerprint="f")
    kept = keeper.for_member(1, settings="s")
    kept.save(make_state(4))
    clock.now += 50
    member = SimpleNamespace(
        network="weights", steps=9, history=({"epoch": 1.0},), ending="in vain"
    )
    kept.finish(cast("Any", member), device="a processor")
    assert list_kept(run) == ["member-1.json", "member-1.weights.h5"]
    again = Keeper(run, seconds=0.0, fingerprint="f")
    clock.now += 7
    assert again.spent_seconds() == 57
    restored = again.for_member(1, settings="s").restore(list, pytest.fail)
    assert restored is not None
    network, facts = restored
    assert network == ["weights"]
    assert (facts["step"], facts["device"], facts["ending"]) == (9, "a processor", "in vain")


@pytest.mark.parametrize("change", ["settings", "weights"])
def test_a_finished_member_that_does_not_fit_begins_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Neither damaged weights nor those of other settings are taken, and the user is told."""
    write = "deepflash_service.network.weights.write_weights"
    monkeypatch.setattr(write, lambda network, path: path.write_text(network))
    monkeypatch.setattr("deepflash_service.network.weights.measure_weights", len)
    keeper = Keeper(run, seconds=0.0, fingerprint="f")
    member = SimpleNamespace(network="weights", steps=9, history=(), ending="")
    keeper.for_member(1, settings="s").finish(cast("Any", member), device="a processor")
    if change == "weights":
        name_weights(run, 1).write_text("damaged")
    kept = keeper.for_member(1, settings="t" if change == "settings" else "s")
    warned: list[str] = []
    assert kept.restore(list, warned.append) is None
    assert len(warned) == 1
    assert "so it begins again" in warned[0]
    assert read_progress(run) == 0
