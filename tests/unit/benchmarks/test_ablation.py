"""The ablation: what each switch changes, and that rows are written and never run again."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ablation
from benchmarks.ablation_switches import (
    SWITCHES,
    Switch,
    divide_by_depth,
    standardise_set,
    stretch_ends,
)
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
    """Ends at 0 and 1; mean 0 and deviation 1 over the set; divided by 255."""
    rng = np.random.default_rng(0)
    images = [rng.integers(3, high, (32, 32)).astype(np.uint8) for high in (90, 250)]
    assert [(one.min(), one.max()) for one in stretch_ends(images)] == [(0.0, 1.0)] * 2
    whole = np.concatenate([one.ravel() for one in standardise_set(images)])
    assert whole.mean() == pytest.approx(0, abs=1e-4)
    assert whole.std() == pytest.approx(1, abs=1e-4)
    assert divide_by_depth(images)[1].max() == pytest.approx(images[1].max() / 255)
    assert np.array_equal(RECIPE.normalise(images)[0], normalize(images[0]))


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
    assert [row["switch"].partition(":")[0] for row in rows if not row["steps"]] == [
        "prediction",
        "cut",
        "ROIs",
    ]
    monkeypatch.setattr(ablation, "run_switch", None)
    ablation.main()
    assert json.loads((tmp_path / "ablation.json").read_text("utf-8"))["rows"] == rows
    monkeypatch.setattr(sys, "argv", [*call, "--steps", "30"])
    with pytest.raises(SystemExit, match="another recipe"):
        ablation.main()
