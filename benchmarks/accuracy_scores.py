"""Scores of probability maps: cut chosen on the other folds, each image beside its experts.

F1, AP50 and mAP compare ROIs of at least the minimum size on both sides; Dice compares what the
model marks after the cut with the whole consensus, and an expert's whole mask with it (as in
Segebarth et al., eLife 9:e59780, 2020). AP = TP / (TP + FP + FN), the mean over images is given;
mAP is its mean over IoU 0.5, 0.55 ... 0.95.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.agreement import dice, match_labels
from deepflash_service.core.labels import remove_small_rois
from deepflash_service.core.separation import NECK, Cut
from deepflash_service.core.tuning import measure_cuts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepflash_service.core.tuning import CutTable
    from deepflash_service.records import LabelImage, ModelCard, ProbabilityMap

IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
MEANS = ("dice", "f1", "ap50", "ap70", "map", "precision", "recall")


@dataclass(frozen=True, slots=True)
class Unit:
    """One image to be scored.

    ``group`` is the fold to which it belongs: its cut is chosen on the other groups.
    """

    name: str
    group: int
    probability: ProbabilityMap
    truth: LabelImage
    experts: dict[str, LabelImage]


def score_units(
    units: Sequence[Unit], *, min_roi_size: int, cut: Cut | None = None
) -> dict[str, Any]:
    """Score all images, each with the cut chosen on the other folds, and at the usual cut.

    Parameters
    ----------
    units : sequence of Unit
    min_roi_size : int
        Of the protocol, in pixels.
    cut : Cut, optional
        How ROIs are found, when it is not to be chosen.

    Returns
    -------
    dict
        ``images`` (rows), ``mean``, ``mean_at_half`` (threshold 0.5, protocol's minimum size,
        parted), ``mean_parted`` and ``mean_unparted`` (the cuts of ``mean``, but touching ROIs of
        all images, or of none, are parted), ``experts`` (means), ``cut`` (chosen on all images,
        for later ones).
    """
    table = measure_cuts(
        ((unit.probability, unit.truth) for unit in units), min_roi_size=min_roi_size
    )
    usual = table.choose([])
    cuts = [cut or _choose(table, units, unit.group) for unit in units]

    def score_all(every: Sequence[Cut]) -> dict[str, float]:
        pairs = zip(units, every, strict=True)
        return average_rows([score_cut(one, it, min_roi_size=min_roi_size) for one, it in pairs])

    rows = [_score_unit(one, it, min_roi_size) for one, it in zip(units, cuts, strict=True)]
    return {
        "images": rows,
        "mean": average_rows(rows),
        "mean_at_half": score_all([usual] * len(units)),
        "mean_parted": score_all([replace(one, separation=NECK) for one in cuts]),
        "mean_unparted": score_all([replace(one, separation=0.0) for one in cuts]),
        "experts": average_experts(rows),
        "cut": _describe(table.choose()),
    }


def score_cut(unit: Unit, cut: Cut, *, min_roi_size: int) -> dict[str, Any]:
    """Score one image, its ROIs found as a cut says."""
    found = cut.find_rois(unit.probability)
    truth = remove_small_rois(unit.truth, min_roi_size=min_roi_size)
    return {
        "image": unit.name,
        "group": unit.group,
        **_describe(cut),
        **score_masks(found, truth),
        "dice": round(dice(found > 0, unit.truth > 0), 4),
    }


def read_cut(card: ModelCard) -> Cut:
    """Return how a model finds its ROIs in images of the pixel size of its training."""
    return Cut(card.threshold, card.min_roi_size, card.separation, card.smallest_annotated)


def _describe(cut: Cut) -> dict[str, Any]:
    names = ("threshold", "min_roi_size", "separation")
    return {name: getattr(cut, name) for name in names}


def score_masks(found: LabelImage, truth: LabelImage) -> dict[str, Any]:
    """Return what compares ROIs: F1, precision, recall, AP at single IoU and their mean."""
    matches = {iou: match_labels(found, truth, iou=iou) for iou in IOUS}
    first = matches[0.5]
    jaccards = {iou: match.roi_jaccard for iou, match in matches.items()}
    return {
        "f1": round(first.f1, 4),
        "precision": round(first.precision, 4),
        "recall": round(first.recall, 4),
        "ap50": round(jaccards[0.5], 4),
        "ap70": round(jaccards[0.7], 4),
        "map": round(float(np.mean(list(jaccards.values()))), 4),
        "found": first.predicted,
        "expected": first.expected,
    }


def average_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean of each score over images."""
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in MEANS}


def average_experts(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return means over images of the experts' scores; empty without experts."""
    names = ("mean_expert_f1", "worst_expert_f1", "mean_expert_dice")
    rated = [row for row in rows if "mean_expert_f1" in row]
    if not rated:
        return {}
    means = {name: round(float(np.mean([row[name] for row in rated])), 4) for name in names}
    return {**means, "at_least_worst": sum(row["at_least_worst"] for row in rated)}


def _choose(table: CutTable, units: Sequence[Unit], group: int) -> Cut:
    return table.choose([index for index, one in enumerate(units) if one.group != group])


def _score_unit(unit: Unit, cut: Cut, min_roi_size: int) -> dict[str, Any]:
    row = score_cut(unit, cut, min_roi_size=min_roi_size)
    if not unit.experts:
        return row
    truth = remove_small_rois(unit.truth, min_roi_size=min_roi_size)
    f1s, dices = [], []
    for labels in unit.experts.values():
        kept = remove_small_rois(labels, min_roi_size=min_roi_size)
        f1s.append(match_labels(kept, truth).f1)
        dices.append(dice(labels > 0, unit.truth > 0))
    worst = min(f1s)
    return row | {
        "mean_expert_f1": round(float(np.mean(f1s)), 4),
        "worst_expert_f1": round(worst, 4),
        "mean_expert_dice": round(float(np.mean(dices)), 4),
        "at_least_worst": bool(row["f1"] >= round(worst, 4)),
    }
