"""Switch the steps of the training recipe off one by one, at equal steps, and score the result.

Run: .venv/bin/python -m benchmarks.ablation [WORD ...] [--steps 300] [--seeds 0 1] [--data DIR]

Fold 0 of lab-wue1 (images 0, 3, 6 ... by name) is held out, a network of 16 filters learns from
the others and is scored after its last step: nothing is chosen on the held-out images but where
a switch says so. Rows are written one by one; a row that exists is not run again. WORD: only
switches whose names contain one of these words.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.ablation_runs import Fold, read_fold, run_switch, score_without_training
from benchmarks.ablation_switches import SWITCHES
from benchmarks.recording import RESULTS, record_result
from deepflash_service.core import augmentation, noise, normalization, sampling, separation, tiling
from deepflash_service.inference import predictor
from deepflash_service.network import architecture, fitting, layers, losses
from deepflash_service.network.generic_start import name_start
from deepflash_service.network.presets import TrainSettings
from deepflash_service.records import NetworkCard

ROOT = Path(__file__).resolve().parents[1]
RECIPE_MODULES = (
    augmentation, noise, normalization, sampling, separation, tiling, predictor, architecture,
    fitting, layers, losses,
)  # fmt: skip


def main() -> None:
    """Run all switches that are missing, seed by seed, and write a row after each."""
    options = read_options()
    recipe = {**describe_recipe(), "steps": options.steps, "filters": options.filters}
    digest = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:12]
    fold = read_fold(options.data, options.home / "ablation" / digest)
    rows = read_rows(options.output, recipe)
    done = {(row["switch"], row["seed"]) for row in rows}
    for seed in options.seeds:
        for name in choose_switches(options.words):
            if (name, seed) in done:
                continue
            rows.append(
                run_switch(fold, name, seed=seed, steps=options.steps, filters=options.filters)
            )
            write_rows(options.output, recipe, rows, fold)
    wanted = {(name, seed) for name in ("recipe",) for seed in options.seeds}
    if wanted <= {(row["switch"], row["seed"]) for row in rows}:
        rows = [row for row in rows if row["steps"]] + score_without_training(fold, options.seeds)
        write_rows(options.output, recipe, rows, fold)


def describe_recipe() -> dict[str, Any]:
    """Return all numbers that make the recipe: rows of other numbers cannot be compared."""
    constants = {
        f"{module.__name__.rpartition('.')[2]}.{name}": value
        for module in RECIPE_MODULES
        for name, value in sorted(vars(module).items())
        if name.isupper() and type(value) in {int, float, tuple}
    }
    start = name_start(NetworkCard())
    return {"settings": asdict(TrainSettings()), "start": start, "constants": constants}


def choose_switches(words: list[str]) -> list[str]:
    """Return the names that contain one of the words; all without words."""
    return [name for name in SWITCHES if not words or any(word in name for word in words)]


def read_rows(folder: Path, recipe: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows written before, if they were measured with the same recipe."""
    path = folder / "ablation.json"
    if not path.exists():
        return []
    found = json.loads(path.read_text("utf-8"))
    if found["recipe"] != json.loads(json.dumps(recipe)):
        raise SystemExit(
            f"{path.name} holds rows of another recipe, or of other steps or filters; move it "
            "away, or name another folder by --output."
        )
    rows: list[dict[str, Any]] = found["rows"]
    return rows


def write_rows(
    folder: Path, recipe: dict[str, Any], rows: list[dict[str, Any]], fold: Fold
) -> None:
    """Write all rows."""
    about = {"command": "python -m benchmarks.ablation", "held_out": fold.unseen_names}
    record_result("ablation", {**about, "recipe": recipe, "rows": rows}, folder=folder)


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only switches whose names contain one of these")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--home", type=Path, default=ROOT / "benchmarks" / ".work")
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
