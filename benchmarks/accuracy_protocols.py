"""The accuracy protocols: each trains or finds its members, scores unseen images, judges bars."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.accuracy_bench import Bench, describe, find_slowest, judge
from benchmarks.accuracy_maps import average_maps, predict_by_member, predict_by_model
from benchmarks.accuracy_scores import read_cut
from deepflash_service.core.agreement import dice
from deepflash_service.core.sampling import split_folds
from deepflash_service.core.separation import NECK, Cut
from deepflash_service.network.presets import plan_training
from deepflash_service.store.images import list_images, read_image
from deepflash_service.store.models import find_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.accuracy_runs import Trained
    from deepflash_service.records import ProbabilityMap

QUICK_SECONDS = 600.0
RESEEDS = (10, 20, 30)
SLACK = 0.01
RIVALS = ("scratch", "frozen", "frozen_with_fitted_cut")


def run_wue1(bench: Bench) -> dict[str, Any]:
    """Score lab-wue1, 18 images, three folds."""
    trained = bench.ensure(bench.plan("wue1"))
    scores = bench.score(trained)
    mean, count = scores["mean"], len(scores["images"])
    bars = [
        judge("mean Dice", mean["dice"], at_least=0.82),
        judge("mean F1", mean["f1"], at_least=0.79),
        judge(
            f"images of {count} with at least the F1 of the worst expert",
            scores["experts"]["at_least_worst"],
            at_least=count - 1,
        ),
    ]
    return {**describe(trained), "scores": scores, "bars": bars}


def run_parv(bench: Bench) -> dict[str, Any]:
    """Score lab-wue1-parv, 12 images, three folds."""
    trained = bench.ensure(bench.plan("parv"))
    scores = bench.score(trained)
    bars = [
        judge("mean Dice", scores["mean"]["dice"], at_least=0.85),
        judge("mean F1", scores["mean"]["f1"], at_least=0.86),
    ]
    return {**describe(trained), "scores": scores, "bars": bars}


def run_quick(bench: Bench) -> dict[str, Any]:
    """Score preset quick on the folds of lab-wue1."""
    trained = bench.ensure(bench.plan("wue1", preset="quick"))
    scores = bench.score(trained)
    bars = [
        judge("mean Dice", scores["mean"]["dice"], at_least=0.77),
        judge("mean F1", scores["mean"]["f1"], at_least=0.72),
        judge("seconds of the slowest member", find_slowest([trained]), at_most=QUICK_SECONDS),
    ]
    return {**describe(trained), "scores": scores, "bars": bars}


def run_dsb2018(bench: Bench) -> dict[str, Any]:
    """Score dsb2018, 36 images, four folds."""
    trained = bench.ensure(bench.plan("dsb2018"))
    scores = bench.score(trained)
    bars = [
        judge("mean AP at IoU 0.5", scores["mean"]["ap50"], at_least=0.78),
        judge("mean AP at IoU 0.7", scores["mean"]["ap70"], at_least=0.62),
    ]
    return {**describe(trained), "scores": scores, "bars": bars}


def run_mue(bench: Bench) -> dict[str, Any]:
    """Score lab-mue, leave one out: fine-tuned, from scratch at the same steps, frozen."""
    found = _run_transfer(bench, "mue")
    mean = found["scores"]["mean"]["f1"]
    rival = max(found[role]["mean"]["f1"] for role in RIVALS)
    found["bars"] += [
        judge("mean F1", mean, at_least=0.78),
        judge(
            "mean F1 against the best of from scratch and frozen (its own cut, or one chosen on "
            "the other images), minus 0.01",
            mean,
            at_least=round(rival - SLACK, 4),
        ),
    ]
    return found


def run_inns1(bench: Bench) -> dict[str, Any]:
    """Score lab-inns1, leave one out: fine-tuned, frozen."""
    found = _run_transfer(bench, "inns1", with_scratch=False)
    found["bars"].append(judge("mean F1", found["scores"]["mean"]["f1"], at_least=0.85))
    return found


def run_dim(bench: Bench) -> dict[str, Any]:
    """Score lab-inns1/1107 (maximum 45 of 255) by the member that never saw it."""
    found = _run_transfer(bench, "inns1", with_scratch=False)
    rows = [one for one in found["scores"]["images"] if one["image"].startswith("1107")]
    if not rows:
        raise SystemExit("inns1-1107: the member that never saw this image is missing.")
    row = rows[0]
    bar = judge("F1 of 1107", row["f1"], at_least=row["worst_expert_f1"])
    facts = {key: found[key] for key in ("trainings", "missing_members")}
    return {**facts, "image": row, "bars": [bar]}


def _run_transfer(bench: Bench, name: str, *, with_scratch: bool = True) -> dict[str, Any]:
    base = bench.ensure(bench.plan("wue1"))
    if base.missing:
        raise SystemExit(f"{base.training.name}: members {base.missing} are missing.")
    tuned = bench.ensure(bench.plan(name, "tuned", base=base.training.name))
    every = [base, tuned]
    scores = bench.score(tuned)
    found: dict[str, Any] = {"scores": scores}
    if with_scratch:
        steps = plan_training(bench.preset, epochs=bench.epochs, is_fine_tuning=True)
        scratch = bench.ensure(bench.plan(name, "scratch", epochs=steps.epochs))
        found["scratch"] = bench.score(scratch)
        every.append(scratch)
    found |= _score_frozen(bench, tuned, base.training.name)
    count = len(scores["images"])
    reached = scores["experts"]["at_least_worst"]
    bar = judge(f"images of {count} with the F1 of the worst expert", reached, at_least=count)
    return {**describe(*every), **found, "bars": [bar]}


def _score_frozen(bench: Bench, tuned: Trained, base: str) -> dict[str, Any]:
    """Return the scores of the base model as it is: own cut, and cut of the other images."""
    model = find_model(bench.home, base)
    pixels = {image.name: image.pixels for image in tuned.data.images}
    maps = dict(enumerate(predict_by_model(bench.home, model, pixels=pixels)))
    alone = {position: position for position in maps}
    return {
        "frozen": bench.score_maps(tuned, maps, groups=alone, cut=read_cut(model.card)),
        "frozen_with_fitted_cut": bench.score_maps(tuned, maps, groups=alone),
    }


def run_reseed(bench: Bench) -> dict[str, Any]:
    """Train three times with other seeds on folds 1 and 2 of lab-wue1; compare on fold 0."""
    images = list_images(bench.plan("wue1").images.images)
    unseen = [images[position] for position in split_folds([p.name for p in images], folds=3)[0]]
    known = tuple(path.name for path in images if path not in unseen)
    pixels = {path.name: read_image(path).select() for path in unseen}
    every: list[Trained] = []
    ensembles: list[list[ProbabilityMap]] = []
    singles: list[list[ProbabilityMap]] = []
    for seed in RESEEDS:
        role = f"half-s{seed}"
        trained = bench.ensure(bench.plan("wue1", role, folds=2, seed=seed, only=known))
        if trained.missing:
            raise SystemExit(f"{trained.training.name}: members {trained.missing} are missing.")
        each = [
            predict_by_member(bench.home, trained.card, member, pixels=pixels)
            for member in trained.members
        ]
        ensembles.append([average_maps(maps) for maps in zip(*each, strict=True)])
        singles += each
        every.append(trained)
    smallest = every[0].training.images.min_roi_size
    numbers = range(len(RESEEDS))
    pairs = {
        "ensembles": _compare(ensembles, list(combinations(numbers, 2)), smallest),
        "single_members": _compare(
            singles,
            [(2 * a + one, 2 * b + one) for a, b in combinations(numbers, 2) for one in (0, 1)],
            smallest,
        ),
    }
    value = pairs["ensembles"]["mean_dice"]
    bar = judge("mean Dice between ensembles of other seeds", value, at_least=0.90)
    return {**describe(*every), "unseen": list(pixels), "pairs": pairs, "bars": [bar]}


def _compare(
    maps: list[list[ProbabilityMap]], pairs: list[tuple[int, int]], min_roi_size: int
) -> dict[str, Any]:
    """Return the Dice between masks (threshold 0.5) of pairs of predictions, over images."""
    cut = Cut(0.5, min_roi_size, NECK)
    masks = [[cut.find_rois(one) > 0 for one in each] for each in maps]
    rows = [
        [round(dice(a, b), 4) for a, b in zip(masks[first], masks[second], strict=True)]
        for first, second in pairs
    ]
    return {
        "mean_dice": round(float(np.mean(rows)), 4),
        "lowest_dice": float(np.min(rows)),
        "by_pair": rows,
    }


TRAININGS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "wue1": run_wue1,
    "parv": run_parv,
    "quick": run_quick,
    "mue": run_mue,
    "inns1": run_inns1,
    "dsb2018": run_dsb2018,
    "reseed": run_reseed,
    "inns1-1107": run_dim,
}
