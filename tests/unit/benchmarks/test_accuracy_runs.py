"""Trainings of the accuracy protocols: found again, resumed, scored without training."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks import accuracy, accuracy_maps, accuracy_runs
from benchmarks.accuracy_bench import Bench
from benchmarks.accuracy_data import find_set, link_set, read_experts
from benchmarks.accuracy_protocols import run_quick
from deepflash_service.store.datasets import open_dataset
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.runs import list_runs


@pytest.fixture
def bench(tmp_path: Path, small_data: Path, tiny_preset: None) -> Bench:
    """Return a bench on the small set."""
    prepare_home(tmp_path / "home")
    return Bench(home=tmp_path / "home", data=small_data, preset="quick")


def _refuse(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


def test_a_part_of_a_set_holds_the_images_named(tmp_path: Path, small_data: Path) -> None:
    """A training on some images gets these and their masks, whose names differ, and no others."""
    prepare_home(tmp_path)
    images = find_set(small_data, "wue1")
    dataset = open_dataset(tmp_path, link_set(tmp_path, images, only=["0001.png", "0003.png"]))
    assert [pair.name for pair in dataset.pairs] == ["0001.png", "0003.png"]
    assert {path.name for pair in dataset.pairs for path in pair.annotations.values()} == {
        "0001_cFOS.png",
        "0003_cFOS.png",
    }


def test_single_experts_are_read_beside_the_consensus(small_data: Path) -> None:
    """The published consensus is what a training gets; the experts are for the scores only."""
    images = find_set(small_data, "wue1")
    assert list(images.masks) == ["consensus"]
    experts = read_experts(images)
    assert list(experts) == ["0001.png", "0002.png", "0003.png", "0004.png"]
    assert {tuple(sorted(each)) for each in experts.values()} == {("expert_1", "expert_2")}


def test_a_missing_set_is_named(tmp_path: Path) -> None:
    """Without the data the user is told which option names the folder."""
    with pytest.raises(SystemExit, match="--data"):
        find_set(tmp_path, "wue1")


def test_nothing_is_scored_before_anything_was_trained(bench: Bench) -> None:
    """Scoring alone never begins a training."""
    alone = Bench(bench.home, bench.data, preset="quick", may_train=False)
    with pytest.raises(SystemExit, match="--no-train"):
        run_quick(alone)
    assert not list_runs(bench.home)


@pytest.mark.keras
@pytest.mark.slow
def test_a_training_is_resumed_then_never_repeated(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted run goes on, a finished one is only scored, and scores do not change."""
    with monkeypatch.context() as patch:
        patch.setattr(accuracy_runs, "perform_job", _refuse)
        with pytest.raises(KeyboardInterrupt):
            run_quick(bench)
    found = run_quick(bench)
    assert len(list_runs(bench.home)) == 1
    assert [row["image"] for row in found["scores"]["images"]] == [
        "0001.png",
        "0002.png",
        "0003.png",
        "0004.png",
    ]
    assert [row["group"] for row in found["scores"]["images"]] == [1, 2, 3, 1]
    training = found["trainings"][0]
    assert [one["steps"] for one in training["members"]] == [15, 15, 15]
    assert all(one["last_epoch"]["epoch"] == 1 for one in training["members"])
    assert training["card"]["smallest_annotated"] == found["scores"]["cut"]["min_roi_size"] == 30
    assert training["card"]["f1"] == pytest.approx(found["scores"]["mean"]["f1"], abs=1e-4)
    monkeypatch.setattr(accuracy_runs, "perform_job", _refuse)
    assert run_quick(bench) == found
    monkeypatch.setattr(accuracy_maps, "find_version", lambda: "other code")
    assert run_quick(bench) == found
    kept = [len(list(folder.rglob("*.npz"))) for folder in (bench.home / "maps").iterdir()]
    assert kept == [4, 4]
    _check_missing(bench, found)


def _check_missing(bench: Bench, found: dict[str, Any]) -> None:
    """Take the model and a member away, as if the training had not come so far."""
    shutil.rmtree(bench.home / "models" / "wue1-quick")
    (run,) = list_runs(bench.home)
    (run.checkpoints / "member-2.weights.h5").unlink()
    with pytest.raises(KeyboardInterrupt):
        run_quick(bench)
    alone = Bench(bench.home, bench.data, preset="quick", may_train=False)
    part = accuracy.run_protocol("quick", alone)
    assert {bar["holds"] for bar in part["bars"]} == {None}
    assert part["missing_members"] == {"wue1-quick": [2]}
    assert [row["image"] for row in part["scores"]["images"]] == [
        "0001.png",
        "0003.png",
        "0004.png",
    ]
    whole = {row["image"]: row["mean_expert_f1"] for row in found["scores"]["images"]}
    assert all(row["mean_expert_f1"] == whole[row["image"]] for row in part["scores"]["images"])


@pytest.mark.keras
def test_other_options_begin_another_training(bench: Bench) -> None:
    """A run counts only for the very options with which it began."""
    plan = bench.plan("wue1")
    accuracy_runs._begin(bench.home, plan)
    assert accuracy_runs.find_run(bench.home, plan) is not None
    for changes in ({"epochs": 7}, {"seed": 3}, {"folds": 4}, {"preset": "best"}):
        assert accuracy_runs.find_run(bench.home, bench.plan("wue1", **changes)) is None
