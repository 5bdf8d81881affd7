"""Protocols on the forecast: expected against true F1, and which images are flagged as foreign.

Traits and prior of the forecast were chosen on maps of wue1, mue and inns1, so its R2 on these sets
is not blind (docs/decisions/0015-forecast-from-stability.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.accuracy_bench import Bench, describe, judge, make_units
from benchmarks.accuracy_data import find_set
from benchmarks.accuracy_maps import predict_by_member, predict_unseen
from benchmarks.accuracy_scores import read_cut
from deepflash_service.core.forecast import expect_f1, find_flags, fit_forecast
from deepflash_service.core.image_traits import measure_image_traits
from deepflash_service.core.separation import Cut
from deepflash_service.core.uncertainty import measure_map_traits
from deepflash_service.store.images import list_images, read_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.accuracy_runs import Trained
    from deepflash_service.records import Forecast

Traits = dict[str, float]
FORECAST_SETS = ("wue1", "parv", "mue", "inns1")
FOREIGN_SETS = ("mue", "inns1", "dsb2018")


def run_forecast(bench: Bench) -> dict[str, Any]:
    """Forecast the F1 of each unseen image from the other images of its model."""
    base = bench.ensure(bench.plan("wue1"))
    every, rows = [base], _forecast_each(bench, base)
    for name in FORECAST_SETS[1:]:
        plan = bench.plan(name)
        if name in {"mue", "inns1"}:
            plan = bench.plan(name, "tuned", base=base.training.name)
        trained = bench.ensure(plan)
        every.append(trained)
        rows += _forecast_each(bench, trained)
    sets = {
        name: compare_rows([row for row in rows if row["set"] == name]) for name in FORECAST_SETS
    }
    sets["all"] = compare_rows(rows)
    return {
        **describe(*every),
        "images": [{key: one for key, one in row.items() if key != "traits"} for row in rows],
        "sets": sets,
        "bars": [judge("R2 of the forecast, one image left out", sets["all"]["r2"], at_least=0.50)],
    }


def run_ood(bench: Bench) -> dict[str, Any]:
    """Count the flags of the wue1 model on its own unseen images and on foreign ones."""
    trained = bench.ensure(bench.plan("wue1"))
    rows = _measure_unseen(bench, trained)
    images = [measure_image_traits(one.pixels) for one in trained.data.images]
    own = {}
    for index, row in enumerate(rows):
        forecast = _fit(rows[:index] + rows[index + 1 :], images[:index] + images[index + 1 :])
        own[row["image"]] = find_flags(forecast, {**images[index], **row["traits"]})
    forecast = _fit(rows, images)
    foreign = {name: _flag_foreign(bench, trained, forecast, name) for name in FOREIGN_SETS}
    counts = {name: sum(map(bool, found.values())) for name, found in foreign.items()}
    flagged = sum(map(bool, own.values()))
    total = sum(len(found) for found in foreign.values())
    bars = [
        judge(f"flagged of its own {len(own)}, each left out", flagged, at_most=1),
        judge(f"flagged of {total} foreign images", sum(counts.values()), at_least=42),
    ]
    return {**describe(trained), "own": own, "foreign": foreign, "flagged": counts, "bars": bars}


def compare_rows(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how much forecasts explain, beside the mean F1 of the other images of the set.

    R2 = 1 - SSE / SST around the mean of these rows; that of the mean of the others is below 0
    within a set, and above it over several sets as far as sets differ.
    """
    true = [row["f1"] for row in rows]
    return {
        "images": len(rows),
        "mean_f1": round(float(np.mean(true)), 4),
        "sd_f1": round(float(np.std(true)), 4),
        "r2": measure_r2([row["expected_f1"] for row in rows], true),
        "r2_of_the_mean_of_the_others": measure_r2([row["mean_of_others"] for row in rows], true),
        "inside_the_range": sum(row["low"] <= row["f1"] <= row["high"] for row in rows),
    }


def measure_r2(expected: Sequence[float], true: Sequence[float]) -> float | None:
    """Return 1 - SSE / SST: the share of the variance that a forecast explains.

    None where the truth does not vary.
    """
    forecast, truth = np.asarray(expected), np.asarray(true)
    total = float(((truth - truth.mean()) ** 2).sum())
    return round(1 - float(((forecast - truth) ** 2).sum()) / total, 4) if total else None


def leave_each_out(rows: list[dict[str, Any]]) -> None:
    """Add to each row what the other rows tell of its F1: the forecast, and their mean."""
    for index, row in enumerate(rows):
        others = rows[:index] + rows[index + 1 :]
        found = expect_f1(_fit(others, []), row["traits"])
        row |= {"expected_f1": round(found.f1, 4)}
        row |= {"low": round(found.low, 4), "high": round(found.high, 4)}
        row["mean_of_others"] = round(float(np.mean([one["f1"] for one in others])), 4)


def _forecast_each(bench: Bench, trained: Trained) -> list[dict[str, Any]]:
    """Return one row per unseen image, forecast from the other images of the same model.

    Images in which nothing was found have no forecast, and are left out.
    """
    rows = [row for row in _measure_unseen(bench, trained) if row["traits"]["rois"]]
    leave_each_out(rows)
    return [{"set": trained.training.images.name, **row} for row in rows]


def _measure_unseen(bench: Bench, trained: Trained) -> list[dict[str, Any]]:
    """Return traits and F1 of each unseen image, at the cut chosen on the other folds."""
    scores = bench.score(trained)
    cuts = {row["image"]: row for row in scores["images"]}
    unseen = predict_unseen(bench.home, trained)
    maps = {one.position: one.probability for one in unseen}
    groups = {one.position: one.member for one in unseen}
    rows = []
    for unit in make_units(trained, maps, groups=groups):
        row = cuts[unit.name]
        smallest = trained.training.images.min_roi_size
        cut = Cut(row["threshold"], row["min_roi_size"], row["separation"], smallest)
        traits = measure_map_traits([unit.probability], cut)
        rows.append({"image": unit.name, "f1": row["f1"], "traits": traits})
    return rows


def _fit(rows: Sequence[dict[str, Any]], images: Sequence[Traits]) -> Forecast:
    found = fit_forecast(
        [row["traits"] for row in rows], [row["f1"] for row in rows], images=images
    )
    if found is None:
        raise SystemExit("A forecast needs at least two unseen images.")
    return found


def _flag_foreign(
    bench: Bench, trained: Trained, forecast: Forecast, name: str
) -> dict[str, tuple[str, ...]]:
    paths = list_images(find_set(bench.data, name).images)
    pixels = {path.name: read_image(path).select() for path in paths}
    card = trained.card
    every = [
        predict_by_member(bench.home, card, member, pixels=pixels) for member in trained.members
    ]
    flags = {}
    for (file, image), maps in zip(pixels.items(), zip(*every, strict=True), strict=True):
        found = measure_map_traits(maps, read_cut(card))
        flags[file] = find_flags(forecast, {**measure_image_traits(image), **found})
    return flags
