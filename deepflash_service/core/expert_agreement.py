"""How well several experts agree with each other and with their consensus."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from deepflash_service.core.consensus import build_consensus
from deepflash_service.core.labels import remove_small_rois
from deepflash_service.core.overlaps import count_rois, keep_labels
from deepflash_service.core.scores import average_scores, score_labels
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from deepflash_service.records import ConsensusMethod, LabelImage, RoiScores

    Annotations = Mapping[str, Sequence[npt.ArrayLike | None]]

_PAIR_SCORES = ("pixel_jaccard", "dice", "roi_jaccard", "f1")


@dataclass(frozen=True, slots=True)
class ImageAgreement:
    """Agreement of the experts on one image.

    ``pairs`` holds the scores of each pair of experts, without size filter; ``experts`` those of
    each expert against the consensus: ROIs below the minimum size are left out on both sides,
    while Dice and pixel Jaccard compare the masks in full (the protocol of Segebarth et al., eLife
    9:e59780, 2020). ``rois`` and ``consensus_rois`` are numbers of ROIs without size filter,
    ``consensus_kept`` with it.
    """

    name: str
    pairs: dict[tuple[str, str], RoiScores]
    experts: dict[str, RoiScores]
    rois: dict[str, int]
    consensus_rois: int
    consensus_kept: int
    method: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpertAgreement:
    """Agreement of the experts over a set of images."""

    experts: tuple[str, ...]
    images: tuple[ImageAgreement, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``deepflash agreement --json`` prints.

        ``pairs``: mean over images of the mean over expert pairs; ``median_f1``: over all
        expert-image pairs; ``worst_f1``: mean over images of the lowest expert.
        """
        rois = {
            expert: sum(image.rois.get(expert, 0) for image in self.images)
            for expert in self.experts
        }
        return {
            "images": len(self.images),
            "experts": list(self.experts),
            "pairs": self._average_pairs(),
            "pairwise": self._list_pairs(),
            "consensus": self._describe_consensus(),
            "rois": {**rois, "consensus": sum(image.consensus_rois for image in self.images)},
            "warnings": [
                f"{image.name}: {text}" for image in self.images for text in image.warnings
            ],
        }

    def _average_pairs(self) -> dict[str, float | None]:
        rated = [image.pairs.values() for image in self.images if image.pairs]
        return {
            name: _mean([_mean([getattr(one, name) for one in scores]) for scores in rated])
            for name in _PAIR_SCORES
        }

    def _list_pairs(self) -> list[dict[str, Any]]:
        listed = []
        for pair in combinations(self.experts, 2):
            found = [image.pairs[pair] for image in self.images if pair in image.pairs]
            means = {name: _mean([getattr(one, name) for one in found]) for name in _PAIR_SCORES}
            listed.append({"a": pair[0], "b": pair[1], "images": len(found), **means})
        return listed

    def _describe_consensus(self) -> dict[str, Any]:
        every = [one for image in self.images for one in image.experts.values()]
        methods = sorted({image.method for image in self.images})
        return {
            "method": ", ".join(methods),
            "mean_f1": _mean([one.f1 for one in every]),
            "median_f1": float(np.median([one.f1 for one in every])),
            "worst_f1": _mean([_find_worst(image) for image in self.images]),
            "mean_dice": _mean([one.dice for one in every]),
            "rois_kept": sum(image.consensus_kept for image in self.images),
            "per_expert": {
                expert: average_scores(
                    [image.experts[expert] for image in self.images if expert in image.experts]
                ).model_dump()
                for expert in self.experts
            },
            "per_image": [_describe_image(image) for image in self.images],
        }


def compare_experts(
    masks: Annotations,
    *,
    min_roi_size: int = 0,
    iou: float = 0.5,
    consensus: ConsensusMethod | Sequence[npt.ArrayLike] = "auto",
    images: Sequence[str] | None = None,
) -> ExpertAgreement:
    """Compare experts with each other and with their consensus over a set of images.

    Parameters
    ----------
    masks : mapping from expert to sequence of arrays of shape (M, N)
        For each expert one mask or label image per image, ``None`` where there is none; all
        sequences in the order of the images.
    min_roi_size : int
        ROIs with fewer pixels are left out on both sides when ROIs are compared with the
        consensus; pairs of experts, and pixels, are compared in full.
    iou : float
        Smallest intersection over union of a match.
    consensus : consensus method, or sequence of arrays of shape (M, N)
        How to build the consensus of each image, or the given consensus masks.
    images : sequence of str, optional
        Names of the images, by default their numbers.

    Returns
    -------
    ExpertAgreement

    Raises
    ------
    InputError
        No expert, no image, sequences of different lengths, an image without any mask, or masks
        of different shapes.
    """
    count = _count_images(masks)
    names = [str(index + 1) for index in range(count)] if images is None else list(images)
    given = None if isinstance(consensus, str) else list(consensus)
    for title, values in {"image names": names, "consensus masks": given}.items():
        if values is not None and len(values) != count:
            raise InputError(f"There are {count} images but {len(values)} {title}.")
    compared = []
    for index, name in enumerate(names):
        planes = {expert: planes[index] for expert, planes in masks.items()}
        compared.append(
            compare_image(
                {expert: plane for expert, plane in planes.items() if plane is not None},
                consensus=consensus if isinstance(consensus, str) else consensus[index],
                min_roi_size=min_roi_size,
                iou=iou,
                name=name,
            )
        )
    experts = [expert for expert in masks if any(expert in image.rois for image in compared)]
    return ExpertAgreement(tuple(experts), tuple(compared))


def compare_image(
    masks: Mapping[str, npt.ArrayLike],
    *,
    consensus: ConsensusMethod | npt.ArrayLike = "auto",
    min_roi_size: int = 0,
    iou: float = 0.5,
    name: str = "",
) -> ImageAgreement:
    """Compare the experts on one image; see :func:`compare_experts`.

    Parameters
    ----------
    masks : mapping from expert to array of shape (M, N)
    consensus : consensus method, or array of shape (M, N)
    min_roi_size : int
    iou : float
    name : str
        Name of the image, for the report.

    Returns
    -------
    ImageAgreement

    Raises
    ------
    InputError
        No mask, or masks of different shapes.
    """
    if not masks:
        raise InputError(f"No expert has marked image {name!r}. Leave it out.")
    labels = {expert: keep_labels(mask) for expert, mask in masks.items()}
    pairs = {
        (a, b): score_labels(labels[a], labels[b], iou=iou) for a, b in combinations(labels, 2)
    }
    truth, method, warnings = _read_consensus(masks, consensus)
    kept = remove_small_rois(truth, min_roi_size=min_roi_size)
    experts = {}
    for expert, own in labels.items():
        large = remove_small_rois(own, min_roi_size=min_roi_size)
        pixels, rois = score_labels(own, truth, iou=iou), score_labels(large, kept, iou=iou)
        experts[expert] = rois.model_copy(
            update={"pixel_jaccard": pixels.pixel_jaccard, "dice": pixels.dice}
        )
    return ImageAgreement(
        name=name,
        pairs=pairs,
        experts=experts,
        rois={expert: count_rois(own) for expert, own in labels.items()},
        consensus_rois=count_rois(truth),
        consensus_kept=count_rois(kept),
        method=method,
        warnings=warnings,
    )


def _read_consensus(
    masks: Mapping[str, npt.ArrayLike], consensus: ConsensusMethod | npt.ArrayLike
) -> tuple[LabelImage, str, tuple[str, ...]]:
    if not isinstance(consensus, str):
        return keep_labels(consensus), "given", ()
    built = build_consensus(masks, method=cast("ConsensusMethod", consensus))
    labels = keep_labels(built.mask) if built.labels is None else built.labels
    return labels, built.method, built.warnings


def _count_images(masks: Annotations) -> int:
    counts = {expert: len(planes) for expert, planes in masks.items()}
    if not counts or not max(counts.values()):
        raise InputError("There is nothing to compare. Give the masks of at least one expert.")
    if len(set(counts.values())) > 1:
        raise InputError(f"Experts have different numbers of masks: {counts}. Pair them first.")
    return max(counts.values())


def _describe_image(image: ImageAgreement) -> dict[str, Any]:
    scores = image.experts
    return {
        "image": image.name,
        "mean_f1": _mean([one.f1 for one in scores.values()]),
        "worst_f1": _find_worst(image),
        "mean_dice": _mean([one.dice for one in scores.values()]),
        "experts": {expert: one.model_dump() for expert, one in scores.items()},
    }


def _find_worst(image: ImageAgreement) -> float:
    return min(one.f1 for one in image.experts.values())


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean; ``None`` of nothing, which JSON can hold where NaN cannot."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
