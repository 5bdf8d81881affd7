"""A training killed, stopped and killed again ends as an undisturbed one, in new processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.store.checkpoints import name_weights, read_progress
from deepflash_service.store.images import write_mask
from deepflash_service.store.models import find_model, list_models
from deepflash_service.store.runs import Run
from tests.integration.training_runs import make_home, make_run, read_weights, train

pytestmark = [pytest.mark.keras, pytest.mark.slow]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run, dict[str, Any]]:
    """Return a home, an undisturbed training in it, and what that told."""
    home = make_home(tmp_path_factory.mktemp("resume"))
    run = make_run(home, name="straight")
    return home, run, train(home, run)


def read_history(run: Run) -> list[dict[str, float]]:
    """Return the history of the finished member without times."""
    facts = json.loads((run.checkpoints / "member-1.json").read_text())
    return [{k: v for k, v in entry.items() if "seconds" not in k} for entry in facts["history"]]


def assert_equal_weights(one: Path, other: Path) -> None:
    """Every bit is the same."""
    first, second = read_weights(one), read_weights(other)
    assert first
    assert set(first) == set(second)
    for name, array in first.items():
        assert np.array_equal(array, second[name]), name


def test_a_disturbed_training_ends_like_an_undisturbed_one(
    straight: tuple[Path, Run, dict[str, Any]],
) -> None:
    """Killed in an epoch, stopped in the next, killed after the model was published."""
    home, undisturbed, _ = straight
    run = make_run(home, name="disturbed")
    assert read_progress(run) == 0

    train(home, run, kill_before=10)
    assert read_progress(run) == 9

    stopped = train(home, run, stop_before=13)
    assert "goes on in epoch 1 after step 9" in stopped["told"][0][0]
    assert read_progress(run) == 21
    assert stopped["version"] == 1
    short = find_model(home, "disturbed")

    train(home, run, kill_in_publish=True)
    assert read_progress(run) == 45
    assert not (run.folder / "owner.json").exists()

    done = train(home, run)
    # nothing was trained again, and what was published stayed the only one
    assert done["calls"] == 0
    assert done["version"] == 2
    assert [card.version for card in list_models(home)["disturbed"]] == [1, 2]
    assert json.loads((run.results / "model.json").read_text())["version"] == 2

    assert_equal_weights(name_weights(run, 1), name_weights(undisturbed, 1))
    published = [find_model(home, name).weights[0] for name in ("disturbed", "straight")]
    assert_equal_weights(*published)
    assert read_history(run) == read_history(undisturbed)
    assert len(read_history(run)) == 3
    first, last = read_weights(short.weights[0]), read_weights(published[0])
    assert not all(np.array_equal(first[name], last[name]) for name in first)


def test_events_hold_every_figure(straight: tuple[Path, Run, dict[str, Any]]) -> None:
    """The first names the device; epochs have loss, scores, times, steps and memory."""
    _, run, result = straight
    messages = [message for message, _ in result["told"]]
    assert messages[0].startswith("training on ")
    assert messages[0].endswith(" in float32")
    epochs = [facts for message, facts in result["told"] if message.endswith(" of 3")]
    assert [facts["epoch"] for facts in epochs] == [1, 2, 3]
    assert [facts["step"] for facts in epochs] == [15, 30, 45]
    assert {(facts["steps"], facts["epochs"], facts["members"]) for facts in epochs} == {(45, 3, 1)}
    assert all(facts["memory_bytes"] > 10**8 for facts in epochs)
    assert all(facts["seconds_per_epoch"] > 0 for facts in epochs)
    scores = {"f1", "dice", "roi_jaccard", "pixel_jaccard", "preview_epoch", "loss"}
    assert scores <= set(epochs[-1])
    assert epochs[-1]["seconds_left"] == 0
    assert (run.results / "preview.png").read_bytes().startswith(b"\x89PNG")


def test_changed_data_is_refused(straight: tuple[Path, Run, dict[str, Any]]) -> None:
    """A finished or interrupted training does not go on with other masks; it names them."""
    home, run, _ = straight
    path = home.parent / "anna" / "i1.tif"
    before = path.read_bytes()
    try:
        write_mask(path, np.eye(96, 80, dtype=bool))
        refused = train(home, run)
    finally:
        path.write_bytes(before)
    assert refused["code"] == "data_changed"
    assert "changed: annotation anna/i1.tif" in refused["message"]
    assert refused["calls"] == 0
    assert read_progress(run) == 45


def test_members_that_are_only_compared_are_resumed_too(
    straight: tuple[Path, Run, dict[str, Any]],
) -> None:
    """Killed while one learns from scratch: the model is not trained again, the advice is there."""
    home, undisturbed, _ = straight
    run = make_run(home, name="compared", compare=True)
    # 45 steps and a scored image of the model, then six steps from scratch
    train(home, run, kill_before=53)
    assert read_progress(run) == 51

    done = train(home, run)
    assert "member 2 of 2 (from scratch, only to compare)" in done["told"][0][0]
    assert "goes on in epoch 1 after step 6" in done["told"][0][0]
    card = find_model(home, "compared").card
    assert card.members == 1
    ways = {"frozen", "frozen_with_fitted_cut", "fine_tuned", "new"}
    assert set(card.comparison) == ways
    assert "of a model trained from scratch" in card.advice
    assert card.comparison["fine_tuned"] == card.scores
    assert_equal_weights(name_weights(run, 1), name_weights(undisturbed, 1))
    first, second = (read_weights(name_weights(run, number)) for number in (1, 2))
    assert not all(np.array_equal(first[name], second[name]) for name in first)
