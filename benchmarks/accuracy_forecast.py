"""Protocols on the forecast: expected against true F1, and which images are flagged as foreign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.accuracy_bench import Bench, describe, judge, make_units
from benchmarks.accuracy_data import find_set
from benchmarks.accuracy_maps import predict_by_member, predict_unseen
from benchmarks.accuracy_scores import LABEL
from deepflash_service.core.forecast import expect_f1, find_flags, fit_forecast
from deepflash_service.core.image_traits import measure_image_traits
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
    value = measure_r2([row["expected_f1"] for row in rows], [row["f1"] for row in rows])
    pooled = _forecast_pooled(rows)
    inside = sum(row["low"] <= row["f1"] <= row["high"] for row in rows)
    return {
        **describe(*every),
        "images": [{key: one for key, one in row.items() if key != "traits"} for row in rows],
        "r2": value,
        "r2_of_one_fit_over_all_sets": measure_r2(pooled, [row["f1"] for row in rows]),
        "inside_the_range": f"{inside} of {len(rows)}",
        "bars": [judge("R2 of the forecast, one image left out", value, at_least=0.50)],
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
    forecast = trained.card.forecast or _fit(rows, images)
    foreign = {name: _flag_foreign(bench, trained, forecast, name) for name in FOREIGN_SETS}
    counts = {name: sum(map(bool, found.values())) for name, found in foreign.items()}
    flagged = sum(map(bool, own.values()))
    total = sum(len(found) for found in foreign.values())
    bars = [
        judge(f"flagged of its own {len(own)}, each left out", flagged, at_most=1),
        judge(f"flagged of {total} foreign images", sum(counts.values()), at_least=42),
    ]
    return {**describe(trained), "own": own, "foreign": foreign, "flagged": counts, "bars": bars}


def measure_r2(expected: Sequence[float], true: Sequence[float]) -> float:
    """Return 1 - SSE / SST: the share of the variance that a forecast explains."""
    forecast, truth = np.asarray(expected), np.asarray(true)
    return round(
        float(1 - ((forecast - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()), 4
    )


def _forecast_each(bench: Bench, trained: Trained) -> list[dict[str, Any]]:
    """Return one row per unseen image, forecast from the other images of the same model."""
    rows = _measure_unseen(bench, trained)
    for index, row in enumerate(rows):
        found = expect_f1(_fit(rows[:index] + rows[index + 1 :], []), row["traits"])
        row |= {"set": trained.training.images.name}
        row |= {"expected_f1": round(found.f1, 4)}
        row |= {"low": round(found.low, 4), "high": round(found.high, 4)}
    return rows


def _forecast_pooled(rows: list[dict[str, Any]]) -> list[float]:
    fits = [_fit(rows[:index] + rows[index + 1 :], []) for index in range(len(rows))]
    return [expect_f1(fit, row["traits"]).f1 for fit, row in zip(fits, rows, strict=True)]


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
        threshold, size = row["threshold"], row["min_roi_size"]
        traits = measure_map_traits(
            [unit.probability], threshold=threshold, min_roi_size=size, label=LABEL
        )
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
        found = measure_map_traits(
            maps, threshold=card.threshold, min_roi_size=card.min_roi_size, label=LABEL
        )
        flags[file] = find_flags(forecast, {**measure_image_traits(image), **found})
    return flags
