"""From a data set to what a network learns from: pixels, targets, consensus."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.consensus import build_consensus
from deepflash_service.core.labels import label_rois
from deepflash_service.core.normalization import measure_range, normalize
from deepflash_service.core.scaling import find_diameter
from deepflash_service.errors import InputError
from deepflash_service.records import Calibration, TrainOptions
from deepflash_service.workflows.pairs import AnnotatedImage, read_pairs
from deepflash_service.workflows.pixel_sizes import (
    choose_calibration,
    find_usual,
    list_differences,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepflash_service.records import ConsensusMethod, Image, LabelImage, ModelCard
    from deepflash_service.store.datasets import Dataset
    from deepflash_service.workflows.hooks import Hooks

_SMALLEST_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """One image ready for training.

    Attributes
    ----------
    name : str
        File name.
    pixels : ndarray of shape (M, N) or (M, N, C)
        Raw values.
    targets : tuple of LabelImage
        What may be learnt: the consensus, or the annotation of every expert.
    truth : LabelImage
        The consensus, for scores.
    annotations : dict
        Label image of each expert.
    calibration : Calibration
        Size of its pixels.
    """

    name: str
    pixels: Any
    targets: tuple[LabelImage, ...]
    truth: LabelImage
    annotations: dict[str, LabelImage]
    calibration: Calibration = field(default_factory=Calibration)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """All images of a training, and what they have in common."""

    images: tuple[TrainingImage, ...]
    warnings: tuple[str, ...]
    method: str
    channels: int
    intensity_range: float
    calibration: Calibration

    @property
    def experts(self) -> list[str]:
        """All experts, sorted."""
        return sorted({expert for image in self.images for expert in image.annotations})

    def normalise(self, index: int) -> Image:
        """Return the normalised pixels, float32 (M, N, C), of one image."""
        image = normalize(self.images[index].pixels)
        return image if image.ndim == 3 else image[..., np.newaxis]

    def find_smallest_size(self) -> int:
        """Return the area in pixels below which only one in a hundred consensus ROIs lies."""
        areas = self._measure_areas()
        return int(np.quantile(areas, _SMALLEST_SHARE)) if areas.size else 0

    def find_diameter(self) -> float:
        """Return the median diameter in pixels of consensus ROIs, taken as circles; 0 = none."""
        return find_diameter(self._measure_areas())

    def _measure_areas(self) -> Any:
        areas = [np.bincount(image.truth.ravel())[1:] for image in self.images]
        return np.concatenate([one[one > 0] for one in areas]) if areas else np.zeros(0)


def read_training_data(
    dataset: Dataset, options: TrainOptions, *, hooks: Hooks, base: ModelCard | None = None
) -> TrainingData:
    """Read, check and prepare all pairs of a data set.

    Raises
    ------
    InputError
        Codes ``pairing_failed``, ``invalid_image``, ``rgb_image``, ``channel_mismatch``,
        ``shape_mismatch``, ``empty_annotations``.
    """
    pairs, warnings = read_pairs(dataset, hooks=hooks)
    images = []
    for pair in pairs:
        hooks.check()
        image, notes = _prepare(pair, options)
        images.append(image)
        warnings += [f"{pair.name}: {note}" for note in notes]
    sizes = {image.name: image.calibration for image in images}
    warnings += list_differences(sizes, None if base is None else base.calibration)
    if not any(target.any() for image in images for target in image.targets):
        raise InputError(
            "No annotation marks anything, so there is nothing to learn. Check that the masks are "
            "white on black, or choose another consensus.",
            code="empty_annotations",
        )
    return TrainingData(
        images=tuple(images),
        warnings=tuple(warnings),
        method=_name_method(pairs, options),
        channels=_count_channels(images),
        intensity_range=_measure_intensity(images),
        calibration=find_usual(sizes)[1],
    )


def _prepare(pair: AnnotatedImage, options: TrainOptions) -> tuple[TrainingImage, list[str]]:
    if pair.image.is_rgb and options.channel is None:
        raise InputError(
            f"{pair.name} is an RGB image, but a model learns from single channels. Use Image > "
            "Color > Split Channels or Image > Type > 8-bit in Fiji, or choose a channel.",
            code="rgb_image",
            details={"name": pair.name},
        )
    truth, notes = find_truth(pair, options.consensus)
    every = tuple(pair.annotations.values())
    targets = every if options.consensus == "each" or len(every) == 1 else (truth,)
    pixels = pair.image.select(channel=options.channel)
    calibration = choose_calibration(pair.image.calibration, options)
    return TrainingImage(pair.name, pixels, targets, truth, pair.annotations, calibration), notes


def find_truth(pair: AnnotatedImage, method: ConsensusMethod) -> tuple[LabelImage, list[str]]:
    """Return the consensus of an image's experts as ROIs, and warnings about it."""
    if len(pair.annotations) == 1:
        return next(iter(pair.annotations.values())), []
    consensus = build_consensus(pair.annotations, method="auto" if method == "each" else method)
    labels = label_rois(consensus.mask) if consensus.labels is None else consensus.labels
    return labels, list(consensus.warnings)


def _name_method(pairs: Sequence[AnnotatedImage], options: TrainOptions) -> str:
    from deepflash_service.core.consensus import choose_method

    most = max(len(pair.annotations) for pair in pairs)
    return str(options.consensus if most == 1 else choose_method(options.consensus, most))


def _count_channels(images: Sequence[TrainingImage]) -> int:
    counts = {
        image.name: 1 if image.pixels.ndim == 2 else image.pixels.shape[2] for image in images
    }
    if len(set(counts.values())) > 1:
        text = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(
            f"The images have different numbers of channels ({text}). Choose one channel for all.",
            code="channel_mismatch",
            details={"channels": counts},
        )
    return next(iter(counts.values()))


def _measure_intensity(images: Sequence[TrainingImage]) -> float:
    ranges = [
        measure_range(plane)
        for image in images
        for plane in np.atleast_3d(image.pixels).transpose(2, 0, 1)
    ]
    return float(np.median(ranges))
