"""How good the members of a training are, on images that they never saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.agreement import average_scores, score_labels
from deepflash_service.core.labels import remove_small_rois
from deepflash_service.core.tuning import measure_cuts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from deepflash_service.core.separation import Cut
    from deepflash_service.records import LabelImage, RoiScores
    from deepflash_service.workflows.training_data import TrainingData

    Maps = Mapping[int, npt.NDArray[np.floating[Any]]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where the maps of held-out images are cut, and what this gives.

    Attributes
    ----------
    cut : Cut
        Chosen on all held-out images, for the images to come.
    labels : dict of int to LabelImage
        ROIs of each held-out image, keyed by its position in the training data.
    scores : dict of int to RoiScores
        Of these ROIs.
    cuts : dict of int to Cut
        By which each of them was found: chosen on other images.
    """

    cut: Cut
    labels: dict[int, LabelImage]
    scores: dict[int, RoiScores]
    cuts: dict[int, Cut]

    @property
    def mean(self) -> RoiScores | None:
        """Mean over images; None without any."""
        return average_scores(list(self.scores.values())) if self.scores else None


def judge_maps(
    data: TrainingData,
    folds: Sequence[Sequence[int]],
    maps: Maps,
    *,
    min_roi_size: int,
) -> Judgement:
    """Choose how ROIs are found, and score each image by the choice of the others.

    An image takes no part in the choice by which it is scored: that is made on the images of all
    other folds, or, where only one fold was held out, on the other images of this fold. One image
    alone is cut as usual.

    Parameters
    ----------
    data : TrainingData
    folds : sequence of sequences of int
        Positions of the images that each member never saw.
    maps : mapping of int to ndarray of shape (M, N), float
        Probability map of each image to score, by the member that never saw it.
    min_roi_size : int
        Of the smallest annotated ROIs, in pixels; the truth never holds smaller ones, and for the
        prediction a larger size may be chosen.
    """
    indices = sorted(maps)
    truths = {
        index: remove_small_rois(data.images[index].truth, min_roi_size=min_roi_size)
        for index in indices
    }
    table = measure_cuts(
        ((maps[index], truths[index]) for index in indices),
        min_roi_size=min_roi_size,
    )
    cuts = {
        index: table.choose([indices.index(one) for one in _list_others(index, indices, folds)])
        for index in indices
    }
    labels = {index: cut.find_rois(maps[index]) for index, cut in cuts.items()}
    scores = {index: score_labels(labels[index], truths[index]) for index in indices}
    return Judgement(table.choose(), labels, scores, cuts)


def score_experts(
    data: TrainingData, indices: Iterable[int], *, min_roi_size: int
) -> dict[str, RoiScores]:
    """Return the mean scores of each expert against the consensus, on some images.

    Parameters
    ----------
    data : TrainingData
    indices : iterable of int
        Positions of the images; those with a single annotation tell nothing.
    min_roi_size : int
        Smaller ROIs are left out on both sides, in pixels.
    """
    found: dict[str, list[RoiScores]] = {}
    for index in sorted(indices):
        image = data.images[index]
        if len(image.annotations) < 2:
            continue
        truth = remove_small_rois(image.truth, min_roi_size=min_roi_size)
        for expert, annotation in image.annotations.items():
            kept = remove_small_rois(annotation, min_roi_size=min_roi_size)
            found.setdefault(expert, []).append(score_labels(kept, truth))
    return {name: average_scores(one) for name, one in sorted(found.items())}


def _list_others(index: int, indices: Sequence[int], folds: Sequence[Sequence[int]]) -> list[int]:
    own = next((fold for fold in folds if index in fold), ())
    elsewhere = [one for one in indices if one not in own]
    return elsewhere or [one for one in indices if one != index]
