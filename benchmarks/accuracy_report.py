"""The figures of the accuracy protocols and of the ablation as tables in Markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    Found = Mapping[str, Mapping[str, Any]]

_SCORES = ("dice", "f1", "ap50", "ap70", "map")
_ROLES = {
    "scores": "fine-tuned",
    "scratch": "from scratch, the same steps",
    "frozen": "frozen: the base model as it is",
    "frozen_with_fitted_cut": "frozen, cut chosen on the other images",
}


def read_results(folder: Path, start: str) -> dict[str, dict[str, Any]]:
    """Return the results whose file names begin so, by the rest of the name."""
    return {
        path.stem.removeprefix(f"{start}_"): json.loads(path.read_text("utf-8"))
        for path in sorted(folder.glob(f"{start}*.json"))
    }


def make_bar_table(found: Found) -> str:
    """Return every bar, with the value measured."""
    rows = []
    for name, one in found.items():
        for bar in one["bars"]:
            sign = "at least" if "at_least" in bar else "at most"
            bound = bar.get("at_least", bar.get("at_most"))
            is_partial = bool(one.get("missing_members"))
            answer = "members missing" if is_partial else "yes" if bar["holds"] else "**no**"
            rows.append([name, bar["what"], f"{sign} {_show(bound)}", _show(bar["value"]), answer])
    return make_table(("protocol", "figure", "bar", "measured", "holds"), rows)


def make_score_table(found: Found) -> str:
    """Return the mean scores of each protocol, beside the experts'."""
    rows = []
    for name, one in found.items():
        if "scores" not in one:
            continue
        scores = one["scores"]
        experts = scores["experts"]
        count = len(scores["images"])
        rows.append(
            [
                f"{name}, {count} images",
                *(_show(scores["mean"][key]) for key in _SCORES),
                *(
                    f"{_show(scores[key]['dice'])} / {_show(scores[key]['f1'])}"
                    for key in ("mean_at_half", "mean_unparted")
                ),
                f"{_show(experts['mean_expert_dice'])} / {_show(experts['mean_expert_f1'])}"
                if experts
                else "",
                f"{experts['at_least_worst']} of {count}" if experts else "",
            ]
        )
    columns = (
        "protocol", "Dice", "F1", "AP50", "AP70", "mAP", "Dice / F1 at threshold 0.5",
        "Dice / F1, touching ROIs not parted",
        "mean expert Dice / F1", "at least the worst expert",
    )  # fmt: skip
    return make_table(columns, rows)


def make_transfer_table(found: Found) -> str:
    """Return fine-tuned, from scratch and frozen beside each other."""
    rows = [
        [name, words, *(_show(one[role]["mean"][key]) for key in _SCORES)]
        for name, one in found.items()
        if "frozen" in one
        for role, words in _ROLES.items()
        if role in one
    ]
    return make_table(("set", "model", "Dice", "F1", "AP50", "AP70", "mAP"), rows)


def make_reseed_table(found: Found) -> str:
    """Return the agreement between trainings with other seeds."""
    rows = [
        [name, kind.replace("_", " "), _show(one["mean_dice"]), _show(one["lowest_dice"])]
        for name, each in found.items()
        if "pairs" in each
        for kind, one in each["pairs"].items()
    ]
    return make_table(("protocol", "between", "mean Dice", "lowest"), rows)


def make_forecast_table(found: Found) -> str:
    """Return expected and true F1 of each image."""
    one = found.get("forecast")
    if one is None:
        return ""
    rows = [
        [
            row["set"],
            row["image"],
            _show(row["expected_f1"]),
            f"{_show(row['low'])} to {_show(row['high'])}",
            _show(row["f1"]),
        ]
        for row in one["images"]
    ]
    return make_table(("set", "image", "expected F1", "range", "true F1"), rows)


def make_forecast_set_table(found: Found) -> str:
    """Return what forecasts explain within each set and over all."""
    one = found.get("forecast")
    if one is None:
        return ""
    rows = [
        [
            name,
            str(each["images"]),
            f"{_show(each['mean_f1'])} +- {_show(each['sd_f1'])}",
            _show(each["r2"]),
            _show(each["r2_of_the_mean_of_the_others"]),
            f"{each['inside_the_range']} of {each['images']}",
        ]
        for name, each in one["sets"].items()
    ]
    columns = (
        "set", "images", "true F1, mean +- sd", "R2 of the forecast",
        "R2 of the mean of the set's other images", "inside the range",
    )  # fmt: skip
    return make_table(columns, rows)


def make_training_table(found: Found) -> str:
    """Return steps and times of the members of each model, each model once."""
    models = {
        training["model"]: (training, one["computer"]["cpu"])
        for one in found.values()
        for training in one.get("trainings", [])
    }
    rows = []
    for name, (training, cpu) in models.items():
        members = training["members"]
        seconds = [one["seconds"] for one in members if one["seconds"] is not None]
        steps = sorted({one["steps"] for one in members})
        rows.append(
            [
                name,
                str(training["filters"]),
                str(len(members)),
                " or ".join(map(str, steps)),
                f"{min(seconds):.0f} to {max(seconds):.0f}" if seconds else "",
                training["device"] or cpu,
                *(_show_epochs(members, kind) for kind in ("best_epoch", "last_epoch")),
            ]
        )
    columns = (
        "model", "filters", "members", "steps each", "seconds each", "device",
        "Dice / F1 of the best epoch", "of the last",
    )  # fmt: skip
    return make_table(columns, rows)


def make_image_tables(found: Found) -> str:
    """Return a table for each protocol with the scores of every image."""
    tables = []
    for name, one in found.items():
        rows = [
            [
                row["image"],
                str(row["group"]),
                f"{row['threshold']:.2f} / {row['min_roi_size']}",
                *(_show(row[key]) for key in ("dice", "f1", "ap50", "map")),
                *(_show(row.get(key)) for key in ("mean_expert_f1", "worst_expert_f1")),
            ]
            for row in one.get("scores", {}).get("images", [])
        ]
        columns = (
            "image", "fold", "threshold / size", "Dice", "F1", "AP50", "mAP", "mean expert F1",
            "worst expert F1",
        )  # fmt: skip
        if rows:
            tables.append(f"{name}\n\n{make_table(columns, rows)}")
    return "\n\n".join(tables)


def make_ablation_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return one row per switch: means over seeds, and the difference to the recipe."""
    names = list(dict.fromkeys(row["switch"] for row in rows))
    by_name = {name: [row for row in rows if row["switch"] == name] for name in names}
    recipe = {row["seed"]: row for row in by_name.get("recipe", [])}
    if recipe:
        # what has no seed of its own was made of all
        recipe[None] = {key: _mean(one[key] for one in recipe.values()) for key in ("dice", "f1")}
    table = []
    for name, mine in by_name.items():
        pairs = [(row, recipe[row["seed"]]) for row in mine if row["seed"] in recipe]
        means = [_show(_mean(row[key] for row in mine)) for key in ("dice", "f1", "ap50")]
        cells = [name, str(len(mine)), *means]
        for key in ("dice", "f1"):
            gains = [row[key] - base[key] for row, base in pairs]
            cells.append(", ".join(f"{gain:+.3f}" for gain in gains))
        table.append([*cells, _show(_mean(row["seconds"] for row in mine))])
    columns = (
        "switch", "seeds", "Dice", "F1", "AP50", "Dice against the recipe, by seed",
        "F1 against the recipe, by seed", "seconds",
    )  # fmt: skip
    return make_table(columns, table)


def make_command_table(found: Found) -> str:
    """Return the command of each protocol and the computer on which it was run last."""
    rows = []
    for name, one in found.items():
        computer = one["computer"]
        device = computer.get("device") or computer["cpu"]
        rows.append([name, f"`{one['command']}`", f"{device}; {computer['cores']} cores"])
    return make_table(("protocol", "command", "computed on"), rows)


def make_flag_table(found: Found) -> str:
    """Return how many images of each set the wue1 model flags."""
    one = found.get("ood")
    if one is None:
        return ""
    words = ("intensity", "scale", "uncertainty")
    every = {"wue1, each image left out": one["own"], **one["foreign"]}
    rows = [
        [
            name,
            str(len(flags)),
            str(sum(map(bool, flags.values()))),
            *(str(sum(word in each for each in flags.values())) for word in words),
        ]
        for name, flags in every.items()
    ]
    return make_table(("set", "images", "flagged", *words), rows)


def make_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; nothing without rows."""
    if not rows:
        return ""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _show(value: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"


def _show_epochs(members: Iterable[Mapping[str, Any]], kind: str) -> str:
    """Return mean Dice and F1 of members at one epoch, at the usual cut."""
    scored = [one[kind] for one in members if kind in one]
    return " / ".join(_show(_mean(one[key] for one in scored)) for key in ("dice", "f1") if scored)


def _mean(values: Iterable[float]) -> float | None:
    every = list(values)
    return sum(every) / len(every) if every else None
