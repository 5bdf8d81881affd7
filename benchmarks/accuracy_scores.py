"""Scores of probability maps: cut chosen on the other folds, each image beside its experts.

F1, AP50 and mAP compare ROIs of at least the minimum size on both sides; Dice compares what the
model marks after the cut with the whole consensus, and an expert's whole mask with it (as in
Segebarth et al., eLife 9:e59780, 2020). AP = TP / (TP + FP + FN), the mean over images is given;
mAP is its mean over IoU 0.5, 0.55 ... 0.95.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.agreement import dice, match_labels
from deepflash_service.core.labels import remove_small_rois
from deepflash_service.core.separation import NECK, make_label
from deepflash_service.core.tuning import measure_cuts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepflash_service.core.separation import Label
    from deepflash_service.core.tuning import CutTable
    from deepflash_service.records import LabelImage, ProbabilityMap

IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
LABEL = make_label(NECK)
"""How models that are trained now find their ROIs."""
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
    units: Sequence[Unit], *, min_roi_size: int, cut: tuple[float, int] | None = None
) -> dict[str, Any]:
    """Score all images, each with the cut chosen on the other folds, and at the usual cut.

    Parameters
    ----------
    units : sequence of Unit
    min_roi_size : int
        Of the protocol, in pixels.
    cut : tuple of float and int, optional
        Threshold and minimum size of the prediction, when they are not to be chosen.

    Returns
    -------
    dict
        ``images`` (rows), ``mean``, ``mean_at_half`` (threshold 0.5, protocol's minimum size),
        ``mean_unparted`` (the cuts of ``mean``, but touching ROIs are not parted), ``experts``
        (means), ``cut`` (chosen on all images, for later ones).
    """
    table = measure_cuts(
        ((unit.probability, unit.truth) for unit in units), min_roi_size=min_roi_size, label=LABEL
    )
    rows = [
        _score_unit(unit, cut or _choose(table, units, unit.group), min_roi_size) for unit in units
    ]
    usual = [score_cut(unit, (0.5, min_roi_size), min_roi_size=min_roi_size) for unit in units]
    unparted = [
        score_cut(
            unit,
            (row["threshold"], row["min_roi_size"]),
            min_roi_size=min_roi_size,
            label=make_label(0.0),
        )
        for unit, row in zip(units, rows, strict=True)
    ]
    final = table.choose()
    return {
        "images": rows,
        "mean": average_rows(rows),
        "mean_at_half": average_rows(usual),
        "mean_unparted": average_rows(unparted),
        "experts": average_experts(rows),
        "cut": {"threshold": final.threshold, "min_roi_size": final.min_roi_size},
    }


def score_cut(
    unit: Unit, cut: tuple[float, int], *, min_roi_size: int, label: Label = LABEL
) -> dict[str, Any]:
    """Score one image at a threshold and a minimum ROI size of the prediction."""
    threshold, size = cut
    found = label(unit.probability, threshold, size)
    truth = remove_small_rois(unit.truth, min_roi_size=min_roi_size)
    return {
        "image": unit.name,
        "group": unit.group,
        "threshold": threshold,
        "min_roi_size": size,
        **score_masks(found, truth),
        "dice": round(dice(found > 0, unit.truth > 0), 4),
    }


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


def _choose(table: CutTable, units: Sequence[Unit], group: int) -> tuple[float, int]:
    others = [index for index, one in enumerate(units) if one.group != group]
    cut = table.choose(others)
    return cut.threshold, cut.min_roi_size


def _score_unit(unit: Unit, cut: tuple[float, int], min_roi_size: int) -> dict[str, Any]:
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
