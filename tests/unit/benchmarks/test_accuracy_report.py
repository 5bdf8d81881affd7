"""Bars and tables of the accuracy protocols."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks import accuracy_forecast
from benchmarks.accuracy_bench import Bench, judge
from benchmarks.accuracy_blank import make_blanks
from benchmarks.accuracy_document import NOTHING, fill_document, print_tables
from benchmarks.accuracy_forecast import FORECAST_SETS, compare_rows, leave_each_out, measure_r2
from benchmarks.accuracy_report import (
    make_ablation_table,
    make_bar_table,
    make_flag_table,
    make_forecast_set_table,
    make_score_table,
    make_training_table,
)
from benchmarks.accuracy_runs import compare_epochs

FULL = {"density": -3.5, "rois": 100.0}
MEAN = {"dice": 0.83, "f1": 0.8, "ap50": 0.67, "ap70": 0.5, "map": 0.4}
EXPERTS = {"mean_expert_dice": 0.758, "mean_expert_f1": 0.752, "at_least_worst": 1}
ROW = {
    "image": "0001.png", "group": 1, "threshold": 0.45, "min_roi_size": 30, "f1": 0.8,
    "dice": 0.83, "ap50": 0.67, "ap70": 0.5, "map": 0.4, "mean_expert_f1": 0.752,
    "worst_expert_f1": 0.54,
}  # fmt: skip


def _make_result(**changes: Any) -> dict[str, Any]:
    member = {"number": 1, "steps": 1500, "seconds": 1600.0}
    return {
        "computer": {"cpu": "a processor", "cores": 2},
        "command": "python -m benchmarks.accuracy wue1",
        "bars": [judge("mean Dice", 0.83, at_least=0.82)],
        "scores": {
            "mean": MEAN,
            "mean_at_half": MEAN,
            "mean_unparted": MEAN,
            "experts": EXPERTS,
            "images": [ROW],
        },
        "trainings": [
            {"model": "wue1-standard", "filters": 32, "device": "a device", "members": [member]}
        ],
        "missing_members": {},
        **changes,
    }


@pytest.mark.parametrize(
    ("value", "bounds", "holds"),
    [
        (0.82, {"at_least": 0.82}, True),
        (0.8199, {"at_least": 0.82}, False),
        (600.0, {"at_most": 600.0}, True),
        (601.0, {"at_most": 600.0}, False),
        (None, {"at_most": 600.0}, False),
        (None, {"at_least": 0.1}, False),
    ],
)
def test_a_bar_holds_at_its_value(
    value: float | None, bounds: dict[str, float], *, holds: bool
) -> None:
    """A bar holds from its value on; what was not measured holds no bar."""
    assert judge("figure", value, **bounds)["holds"] is holds


def test_a_missed_bar_cannot_be_overlooked() -> None:
    """The table of bars says no, and says when members are missing."""
    missed = _make_result(bars=[judge("mean F1", 0.7, at_least=0.79)])
    partial = _make_result(missing_members={"wue1-standard": [3]})
    table = make_bar_table({"wue1": missed, "parv": partial}).splitlines()
    assert table[2] == "| wue1 | mean F1 | at least 0.790 | 0.700 | **no** |"
    assert table[3].endswith("| members missing |")


def test_scores_stand_beside_the_experts() -> None:
    """The table of scores has the experts' means and how many images reach the worst."""
    line = make_score_table({"wue1": _make_result()}).splitlines()[2]
    assert line.startswith("| wue1, 1 images | 0.830 | 0.800 |")
    assert line.endswith("| 0.758 / 0.752 | 1 of 1 |")


def test_the_report_reads_every_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All tables are printed from the files of a folder; an empty folder prints none."""
    print_tables(tmp_path)
    assert not capsys.readouterr().out.strip()
    (tmp_path / "accuracy_wue1.json").write_text(json.dumps(_make_result()), "utf-8")
    print_tables(tmp_path)
    text = capsys.readouterr().out
    assert "| wue1-standard | 32 | 1 | 1500 | 1600 to 1600 | a device |  |  |" in text
    assert "| 0001.png | 1 | 0.45 / 30 | 0.830 | 0.800 |" in text


def test_the_last_epoch_stands_beside_the_best() -> None:
    """What the choice of an epoch on the held-out images may give is told for each model."""
    history = [
        {"epoch": 1.0, "loss": 1.0},
        {"epoch": 2.0, "f1": 0.8, "dice": 0.9},
        {"epoch": 3.0, "f1": 0.9, "dice": 0.7},
        {"epoch": 4.0, "f1": 0.7, "dice": 0.8},
        {"epoch": 5.0, "loss": 0.5},
    ]
    epochs = compare_epochs(history)
    assert epochs["best_epoch"] == {"epoch": 2.0, "f1": 0.8, "dice": 0.9}
    assert epochs["last_epoch"] == {"epoch": 4.0, "f1": 0.7, "dice": 0.8}
    assert compare_epochs([]) == {}
    result = _make_result()
    (training,) = result["trainings"]
    training["members"].append(training["members"][0] | epochs)
    line = make_training_table({"wue1": result}).splitlines()[2]
    assert line.endswith("| 0.900 / 0.800 | 0.800 / 0.700 |")


def test_a_document_is_filled_between_its_marks(tmp_path: Path) -> None:
    """Tables are made anew, text around them stays, and filling twice changes nothing."""
    text = "Before\n<!-- figures: scores -->\n| old |\n<!-- end -->\nAfter\n"
    empty = fill_document(text, tmp_path)
    assert empty == f"Before\n<!-- figures: scores -->\n\n{NOTHING}\n\n<!-- end -->\nAfter\n"
    (tmp_path / "accuracy_wue1.json").write_text(json.dumps(_make_result()), "utf-8")
    filled = fill_document(empty, tmp_path)
    assert "| wue1, 1 images | 0.830 |" in filled
    assert NOTHING not in filled
    assert filled.endswith("<!-- end -->\nAfter\n")
    assert fill_document(filled, tmp_path) == filled


def test_the_document_holds_what_was_measured(project_root: Path) -> None:
    """The tables of docs/validation.md are those of the stored results."""
    text = (project_root / "docs" / "validation.md").read_text("utf-8")
    assert "<!-- figures: bars -->" in text
    remedy = "python -m benchmarks.accuracy --document docs/validation.md"
    assert fill_document(text, project_root / "benchmarks" / "results") == text, remedy


def test_flags_are_counted_by_kind() -> None:
    """An image may have several flags, and counts once as flagged."""
    flags = {"own": {"a": []}, "foreign": {"mue": {"b": ["intensity", "scale"], "c": []}}}
    lines = make_flag_table({"ood": flags}).splitlines()
    assert lines[2] == "| wue1, each image left out | 1 | 0 | 0 | 0 | 0 |"
    assert lines[3] == "| mue | 2 | 1 | 1 | 1 | 0 |"


def test_a_switch_is_compared_with_the_recipe_of_its_seed() -> None:
    """Differences are taken seed by seed; one row of all seeds is compared with their mean."""
    values = {("recipe", 0): 0.7, ("recipe", 1): 0.8, ("no noise", 0): 0.6, ("no noise", 1): 0.81}
    rows = [
        {"switch": name, "seed": seed, "dice": one, "f1": one, "ap50": one, "seconds": 60.0}
        for (name, seed), one in values.items()
    ]
    whole = {"switch": "ensemble of 2 seeds", "seed": None, "seconds": 0.0}
    lines = make_ablation_table([*rows, whole | dict.fromkeys(("dice", "f1", "ap50"), 0.8)])
    line, ensemble = lines.splitlines()[3:5]
    assert line.startswith("| no noise | 2 | 0.705 | 0.705 |")
    assert "| -0.100, +0.010 |" in line
    assert ensemble.startswith("| ensemble of 2 seeds | 1 | 0.800 |")
    assert ensemble.count("| +0.050 |") == 1


def test_r2_of_the_mean_is_zero_and_of_the_truth_one() -> None:
    """R2 = 1 - SSE / SST; a forecast worse than the mean is negative."""
    truth = [0.5, 0.7, 0.9]
    assert measure_r2(truth, truth) == 1.0
    assert measure_r2([0.7] * 3, truth) == 0.0
    assert (measure_r2([0.9, 0.7, 0.5], truth) or 0) < 0
    assert measure_r2([0.5, 0.6], [0.8, 0.8]) is None


def test_a_forecast_is_judged_beside_the_mean_of_the_set() -> None:
    """That sets differ is no merit of a forecast: within a set the mean explains nothing."""
    rows = []
    for name, base in (("wue1", 0.5), ("parv", 0.8)):
        stable = [0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
        each: list[dict[str, Any]] = [
            {"set": name, "f1": base + one - 0.8, "traits": {"stability": one, "density": -3.5}}
            for one in stable
        ]
        leave_each_out(each)
        rows += each
    sets = {"parv": compare_rows(rows[6:]), "all": compare_rows(rows)}
    assert sets["parv"]["r2"] > 0.7
    assert sets["parv"]["r2_of_the_mean_of_the_others"] == pytest.approx(1 - (6 / 5) ** 2, abs=1e-3)
    assert sets["all"]["r2_of_the_mean_of_the_others"] > 0.5
    assert rows[0]["mean_of_others"] == pytest.approx(0.55)
    table = make_forecast_set_table({"forecast": {"sets": sets}}).splitlines()
    assert table[2] == "| parv | 6 | 0.825 +- 0.085 | 1.000 | -0.440 | 6 of 6 |"


def test_the_forecast_is_told_for_each_set_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images without ROIs are left out; the bar is that over all images of all sets."""

    def measure(_bench: Any, trained: Any) -> list[dict[str, Any]]:
        base = 0.5 + 0.1 * FORECAST_SETS.index(trained.training.images.name)
        rows = [
            {"image": f"{one}", "f1": base + one / 100, "traits": {"stability": base, **FULL}}
            for one in range(5)
        ]
        return [*rows, {"image": "empty", "f1": 0.0, "traits": {"stability": 1.0, "rois": 0.0}}]

    def plan(name: str, *_role: str, **_changes: Any) -> SimpleNamespace:
        return SimpleNamespace(name=name, images=SimpleNamespace(name=name))

    def ensure(training: SimpleNamespace) -> SimpleNamespace:
        return SimpleNamespace(training=training, missing=(), facts={})

    monkeypatch.setattr(accuracy_forecast, "_measure_unseen", measure)
    found = accuracy_forecast.run_forecast(cast("Bench", SimpleNamespace(plan=plan, ensure=ensure)))
    assert list(found["sets"]) == [*FORECAST_SETS, "all"]
    assert [one["images"] for one in found["sets"].values()] == [5, 5, 5, 5, 20]
    assert len(found["images"]) == 20
    assert found["bars"][0]["value"] == found["sets"]["all"]["r2"] > 0.9
    json.dumps(found, allow_nan=False)


def test_blank_images_hold_nothing_but_noise() -> None:
    """Zeros are zeros; the noise lies around 20 with a standard deviation of 5."""
    blanks = make_blanks()
    assert not blanks["zeros"].any()
    assert blanks["noise"].mean() == pytest.approx(20, abs=0.05)
    assert blanks["noise"].std() == pytest.approx(5, abs=0.05)
    assert {one.shape for one in blanks.values()} == {(1024, 1024)}
