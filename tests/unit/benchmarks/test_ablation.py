"""The ablation: what each switch changes, and that rows are written and never run again."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import ablation, ablation_runs
from benchmarks.ablation_switches import (
    EDGE,
    SWITCHES,
    Switch,
    divide_by_depth,
    standardise_set,
    stretch_ends,
)
from deepflash_service.core import sampling
from deepflash_service.core.normalization import normalize

RECIPE = SWITCHES["recipe"]


@pytest.mark.parametrize("name", [name for name in SWITCHES if name != "recipe"])
def test_a_switch_changes_one_thing(name: str) -> None:
    """Each variant differs from the recipe in one field, and its settings can be used."""
    switch = SWITCHES[name]
    changed = [
        field.name
        for field in fields(Switch)
        if field.name != "normalise" and getattr(switch, field.name) != getattr(RECIPE, field.name)
    ]
    changed += ["normalise"] if switch.normalise in {
        stretch_ends, standardise_set, divide_by_depth
    } else []  # fmt: skip
    assert len(changed) == 1
    usual = RECIPE.make_settings(steps=300, seed=1)
    other = switch.make_settings(steps=300, seed=1)
    assert (other.epochs, other.seed, usual.wanted_steps) == (20, 1, 300)
    assert (other != usual) == (changed[0] in {"sampling", "settings"})


def test_normalisations_are_what_their_names_say() -> None:
    """Ends at 0 and 1; mean 0 and deviation 1 over the images to learn from; divided by 255."""
    rng = np.random.default_rng(0)
    images = [rng.integers(3, high, (32, 32)).astype(np.uint8) for high in (90, 250, 20)]
    known = [0, 1]
    assert [(one.min(), one.max()) for one in stretch_ends(images, known)] == [(0.0, 1.0)] * 3
    found = standardise_set(images, known)
    whole = np.concatenate([found[one].ravel() for one in known])
    assert whole.mean() == pytest.approx(0, abs=1e-4)
    assert whole.std() == pytest.approx(1, abs=1e-4)
    assert found[2].max() < 0
    assert divide_by_depth(images, known)[1].max() == pytest.approx(images[1].max() / 255)
    assert np.array_equal(RECIPE.normalise(images, known)[0], normalize(images[0]))


def test_the_recipe_names_all_that_rows_depend_on() -> None:
    """Weights, widths, floors and necks: rows of other numbers are refused."""
    constants = ablation.describe_recipe()["constants"]
    assert {
        "sampling.BORDER_WEIGHT", "sampling.BORDER_SIGMA", "sampling.FOREGROUND_WEIGHT",
        "separation.NECK", "separation.SHARE", "fitting.AVERAGE_SPAN", "fitting.WARM_UP",
        "normalization.NOISE_FLOOR", "architecture.FILTER_CAP", "predictor.FLIPS",
    } <= set(constants)  # fmt: skip
    assert json.loads(json.dumps(constants))["sampling.BORDER_SIGMA"] == sampling.BORDER_SIGMA


def test_zeros_lie_beyond_the_border_in_prediction_too() -> None:
    """A frame of zeros goes around image and truth alike, and the map comes back without it."""
    switch = SWITCHES["border: zeros beyond the image"]
    image = np.ones((32, 48, 1), np.float32)
    framed = ablation_runs.frame(image, switch)
    assert framed.shape == (32 + 2 * EDGE, 48 + 2 * EDGE, 1)
    assert framed.sum() == image.sum()
    found = ablation_runs.unframe(
        ablation_runs.predict(lambda tiles: tiles[..., 0], framed), switch
    )
    np.testing.assert_allclose(found, image[..., 0], atol=1e-6)
    assert ablation_runs.frame(image, RECIPE) is image


def _list_rest(rows: list[dict[str, Any]]) -> list[tuple[str, int | None]]:
    return [(row["switch"].partition(":")[0], row["seed"]) for row in rows if not row["steps"]]


def test_an_ensemble_of_all_seeds_is_one_row(tmp_path: Path, small_data: Path) -> None:
    """Its scores are of one prediction, so they have no spread over seeds."""
    fold = ablation_runs.read_fold(small_data, tmp_path)
    for seed in (0, 1):
        maps = [np.float16(seed * (fold.truths[position] > 0)) for position in fold.unseen]
        np.savez(ablation_runs.find_file(fold, "recipe", seed), mirrored=maps, plain=maps)
    rows = ablation_runs.score_without_training(fold, (0, 1))
    ensemble = rows[-1]
    assert _list_rest(rows)[-2:] == [("ROIs", 1), ("ensemble of 2 seeds", None)]
    assert ensemble["by_threshold"]["0.4"]["f1"] > 0.9
    assert ensemble["by_threshold"]["0.6"]["f1"] == 0.0


@pytest.mark.keras
@pytest.mark.slow
def test_rows_are_written_one_by_one_and_never_run_again(
    tmp_path: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows differ by switch; a second call trains nothing; another recipe is refused."""
    words = ["recipe", "Dice only", "zeros beyond"]
    call = [
        "ablation", *words, "--steps", "15", "--filters", "4", "--seeds", "0", "--data",
        str(small_data), "--home", str(tmp_path), "--output", str(tmp_path),
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", call)
    ablation.main()
    rows = json.loads((tmp_path / "ablation.json").read_text("utf-8"))["rows"]
    trained = {row["switch"]: row["by_threshold"] for row in rows if row["steps"]}
    assert len(trained) == len(words)
    assert len({json.dumps(one) for one in trained.values()}) == len(words)
    assert _list_rest(rows) == [("prediction", 0), ("cut", 0), ("ROIs", 0)]
    monkeypatch.setattr(ablation, "run_switch", None)
    ablation.main()
    assert json.loads((tmp_path / "ablation.json").read_text("utf-8"))["rows"] == rows
    monkeypatch.setattr(sys, "argv", [*call, "--steps", "30"])
    with pytest.raises(SystemExit, match="another recipe"):
        ablation.main()
