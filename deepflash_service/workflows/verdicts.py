"""One verdict for each image and expert of a data set: what fits, and what to do about the rest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.overlaps import count_rois
from deepflash_service.core.pairing import find_identical
from deepflash_service.core.scores import score_labels
from deepflash_service.workflows.pairs import merge_identical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deepflash_service.errors import InputError
    from deepflash_service.records import LabelImage
    from deepflash_service.store.datasets import Dataset
    from deepflash_service.workflows.pairs import AnnotatedImage, PairFault

FITS = "fits"
_LOW_AGREEMENT = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to say about one annotation of one image.

    ``verdict`` is one of fits, missing, unreadable, stack, size, not binary, channel, empty, bit
    depth, agreement; ``advice`` names cause and remedy. ``f1`` and ``jaccard`` are the means over
    all pairs of experts of the image (ROI F1 at an IoU of 0.5, pixel Jaccard), ``None`` for one
    expert.
    """

    image: str
    expert: str
    file: str
    verdict: str
    advice: str = ""
    rois: int | None = None
    f1: float | None = None
    jaccard: float | None = None


def judge_pairs(
    dataset: Dataset, pairs: Sequence[AnnotatedImage], faults: Sequence[PairFault]
) -> list[Verdict]:
    """Judge each image with each expert, and each annotation without an image.

    Parameters
    ----------
    dataset : Dataset
        From the store.
    pairs : sequence of AnnotatedImage
        What could be read, images with identical pixels not merged.
    faults : sequence of PairFault
        What could not be read.

    Returns
    -------
    list of Verdict
        In the order of images and experts; annotations that fit no image at the end. Of images
        with identical pixels, uploaded once per expert, an expert need annotate one only.
    """
    files = {
        (pair.name, expert): path.name
        for pair in dataset.pairs
        for expert, path in pair.annotations.items()
    }
    readable = {pair.name: pair for pair in pairs}
    by_file = {(fault.image, fault.expert): fault.error for fault in faults}
    twins = find_identical({pair.name: pair.image.planes[0] for pair in pairs})
    elsewhere = _find_elsewhere(files, twins)
    scores = _compare_experts(pairs, twins)
    channels = _find_usual(pair.image.channels for pair in pairs if not pair.image.is_rgb)
    bits = _find_usual(_count_bits(pair) for pair in pairs)
    advice = {pair.name: _judge_image(pair, channels, bits) for pair in pairs}
    verdicts = []
    for image in dataset.images:
        for expert in dataset.experts:
            place = (image, expert, files.get((image, expert), ""))
            error = by_file.get((image, "")) or by_file.get((image, expert))
            if (image, expert) in elsewhere:
                continue
            if not place[2]:
                verdicts.append(_describe_missing(image, expert))
            elif error is not None:
                verdicts.append(Verdict(*place, _name_fault(error), error.message))
            else:
                pair, score = readable[image], scores.get(image)
                verdicts.append(_judge(place, pair, score=score, image_advice=advice[image]))
    lonely = [(expert, name) for expert, names in dataset.lonely.items() for name in names]
    return [*verdicts, *(_describe_lonely(expert, name) for expert, name in lonely)]


def _judge(
    place: tuple[str, str, str],
    pair: AnnotatedImage,
    *,
    score: tuple[float, float] | None,
    image_advice: tuple[str, str],
) -> Verdict:
    _, expert, file = place
    labels = pair.annotations[expert]
    word, advice = image_advice
    is_empty = not labels.any()
    if is_empty and word != "channel":
        word, advice = (
            "empty",
            f"{file} marks nothing. That is right where there is nothing to see; else annotate "
            "the image and save again.",
        )
    elif word == FITS and score is not None and score[0] < _LOW_AGREEMENT:
        word, advice = (
            "agreement",
            f"The experts agree on few ROIs of this image (mean F1 {score[0]:.2f}). Look at it "
            "together, or check that all annotated the same image and target.",
        )
    f1, jaccard = (None, None) if score is None else score
    return Verdict(*place, word, advice, count_rois(labels), f1, jaccard)


def _describe_missing(image: str, expert: str) -> Verdict:
    advice = (
        f"There is no annotation of {image} by {expert}. Annotate the image, name the file like "
        "the image, or go on without."
    )
    return Verdict(image, expert, "", "missing", advice)


def _describe_lonely(expert: str, file: str) -> Verdict:
    advice = (
        f"No image, or more than one, belongs to {file} of {expert}. Name the annotation like its "
        "image, or add the image."
    )
    return Verdict("", expert, file, "missing", advice)


def _judge_image(pair: AnnotatedImage, channels: int, bits: int) -> tuple[str, str]:
    """Return verdict and advice on what the image is; most have these channels and bits."""
    name, image = pair.name, pair.image
    if image.is_rgb:
        return "channel", (
            f"{name} is an RGB image, but a model learns from single channels. Use Image > Color "
            "> Split Channels or Image > Type > 8-bit, or choose a channel for the training."
        )
    if image.channels != channels:
        return "channel", (
            f"{name} has {_count(image.channels)}, most images have {channels}. Choose one channel "
            "for the training, or use images of the same channels."
        )
    if _count_bits(pair) != bits:
        return "bit depth", (
            f"{name} has {_count_bits(pair)} bit, most images have {bits}: its grey values may "
            "have been changed. Save it again from the original."
        )
    return FITS, ""


def _find_usual(values: Iterable[int]) -> int:
    """Return the value of most images; of equally many, that of the first image; 0 of none."""
    return next((value for value, _ in Counter(values).most_common(1)), 0)


def _count_bits(pair: AnnotatedImage) -> int:
    return int(pair.image.planes.dtype.itemsize) * 8


def _count(channels: int) -> str:
    return f"{channels} channel" + ("" if channels == 1 else "s")


def _name_fault(error: InputError) -> str:
    if error.code == "shape_mismatch":
        return "size"
    return str(error.details.get("fault", "unreadable"))


def _find_elsewhere(
    files: Mapping[tuple[str, str], str], twins: Sequence[Sequence[str]]
) -> set[tuple[str, str]]:
    """Return images without an annotation of an expert who annotated the same pixels as a file."""
    experts = {expert for _, expert in files}
    return {
        (image, expert)
        for group in twins
        for expert in experts
        for image in group
        if (image, expert) not in files and any((one, expert) in files for one in group)
    }


def _compare_experts(
    pairs: Sequence[AnnotatedImage], twins: Sequence[Sequence[str]]
) -> dict[str, tuple[float, float]]:
    """Return by image the mean F1 and pixel Jaccard of its experts, where there are two."""
    by_name = {pair.name: pair for pair in pairs}
    joined = {name for group in twins for name in group}
    experts: dict[tuple[str, ...], dict[str, LabelImage]] = {
        (name,): by_name[name].annotations for name in by_name if name not in joined
    }
    for group in twins:
        merged, _ = merge_identical([by_name[name] for name in group])
        experts[tuple(group)] = merged[0].annotations
    scores = {}
    for names, marked in experts.items():
        found = [score_labels(*two) for two in combinations(marked.values(), 2)]
        if found:
            f1, jaccard = ([getattr(one, key) for one in found] for key in ("f1", "pixel_jaccard"))
            scores.update(dict.fromkeys(names, (float(np.mean(f1)), float(np.mean(jaccard)))))
    return scores
