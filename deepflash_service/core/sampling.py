"""Training examples: folds, weights at ROI borders, tiles drawn around foreground."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from deepflash_service.core.augmentation import Variation, draw_intensity, warp_tile
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from deepflash_service.records import Image, LabelImage, Mask

    Array = npt.NDArray[np.float32]

BORDER_WEIGHT = 10.0
BORDER_SIGMA = 1.5
FOREGROUND_WEIGHT = 2.0
EIGHT = np.ones((3, 3), dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Example:
    """One training image with one target per annotation that may be drawn.

    ``image`` (M, N, C) float32, ``masks`` and ``weights`` (K, M, N) uint8 and float32,
    ``foreground`` flat positions of the pixels inside any ROI.
    """

    image: Image
    masks: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.float32]
    foreground: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Tiles for one step: ``images`` (B, T, T, C), ``masks`` and ``weights`` (B, T, T) float32."""

    images: npt.NDArray[np.float32]
    masks: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tiles are drawn; lengths in pixels.

    ``foreground_share`` of the tiles are centred near a foreground pixel, the others anywhere.
    """

    tile: int = 256
    batch: int = 4
    foreground_share: float = 0.5
    variation: Variation = field(default_factory=Variation)


def make_example(image: Image, targets: Sequence[npt.NDArray[Any]]) -> Example:
    """Prepare a training image and its targets.

    Parameters
    ----------
    image : ndarray of float32, shape (M, N) or (M, N, C)
        Normalised image.
    targets : sequence of ndarray, shape (M, N)
        Masks (two values; their ROIs are the 8-connected components) or label images.
        One consensus, or the annotation of every expert.

    Returns
    -------
    Example

    Raises
    ------
    InputError
        Code ``shape_mismatch`` or ``invalid_annotation``.
    """
    stack = np.asarray(image, dtype=np.float32)
    stack = stack[..., np.newaxis] if stack.ndim == 2 else stack
    if not targets:
        raise InputError(
            "A training image has no annotation. Add a mask or a ROI set of an expert.",
            code="invalid_annotation",
        )
    labels = [_to_labels(target) for target in targets]
    for label_image in labels:
        if label_image.shape != stack.shape[:2]:
            raise InputError(
                f"The annotation has {label_image.shape} pixels, its image {stack.shape[:2]}. "
                "Export the annotation again from the same image.",
                code="shape_mismatch",
            )
    masks = np.stack([cut_contacts(label_image) for label_image in labels]).astype(np.uint8)
    weights = np.stack([weigh_borders(label_image) for label_image in labels])
    return Example(stack, masks, weights, np.flatnonzero(masks.any(axis=0)))


def split_folds(names: Sequence[str], *, folds: int) -> tuple[tuple[int, ...], ...]:
    """Return for each fold the positions of the images that it holds out.

    Images are sorted by name; image i of that order belongs to fold i mod ``folds``. There are
    never more folds than images; with one image nothing can be held out.

    Parameters
    ----------
    names : sequence of str
        One per image.
    folds : int
        How many are wanted.

    Returns
    -------
    tuple of tuple of int
        0-based positions in ``names``; one empty fold where nothing can be held out.
    """
    if len(names) < 2:
        return ((),)
    order = sorted(range(len(names)), key=lambda position: names[position])
    count = max(2, min(folds, len(names)))
    return tuple(tuple(sorted(order[fold::count])) for fold in range(count))


def cut_contacts(labels: LabelImage) -> Mask:
    """Return the mask to learn: touching ROIs are parted by a ridge of background.

    A pixel that has a pixel of another ROI among its eight neighbours counts as background, so
    contacts are two pixels wide and survive turning and scaling. After the background ridges of
    Falk et al., Nature Methods 16 (2019).

    Parameters
    ----------
    labels : ndarray of int, shape (M, N)

    Returns
    -------
    ndarray of bool, shape (M, N)
        True inside ROIs, away from contacts.
    """
    inside = labels > 0
    highest = ndimage.maximum_filter(labels, size=3, mode="nearest")
    other = np.where(inside, labels, np.iinfo(labels.dtype).max)
    lowest = ndimage.minimum_filter(other, size=3, mode="nearest")
    return np.asarray(inside & (highest == labels) & (lowest == labels))


def weigh_borders(labels: LabelImage) -> npt.NDArray[np.float32]:
    """Return the weight of each pixel in the loss: more inside ROIs and in gaps between them.

    ``1 + 10 exp(-(d1 + d2)^2 / (2 * 1.5^2))`` on the background and on the ridges of
    :func:`cut_contacts`, d1 and d2 being the distances (pixels) to the two nearest ROIs; after
    Ronneberger et al., MICCAI 2015, with a band of 1.5 instead of 6 pixels: where cells lie close
    without touching, a wide one costs pixels and finds no more cells. 2 inside ROIs, so that the
    threshold 0.5 lies near the best Dice instead of missing every doubtful pixel.

    Parameters
    ----------
    labels : ndarray of int, shape (M, N)

    Returns
    -------
    ndarray of float32, shape (M, N)
    """
    reach = round(3 * BORDER_SIGMA)
    nearest = np.full((2, *labels.shape), np.float32(4 * reach))
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        area = tuple(slice(max(0, s.start - reach), s.stop + reach) for s in box)
        distance = ndimage.distance_transform_edt(labels[area] != index).astype(np.float32)
        first, second = nearest[0][area], nearest[1][area]
        np.minimum(second, np.maximum(first, distance), out=second)
        np.minimum(first, distance, out=first)
    gap = nearest.sum(axis=0)
    bonus = BORDER_WEIGHT * np.exp(-(gap**2) / (2 * BORDER_SIGMA**2))
    inside = cut_contacts(labels)
    return np.asarray(np.where(inside, FOREGROUND_WEIGHT, 1.0 + bonus), dtype=np.float32)


def draw_batch(examples: Sequence[Example], sampling: Sampling, rng: np.random.Generator) -> Batch:
    """Draw one batch of varied tiles, each from a random image and a random annotation.

    Parameters
    ----------
    examples : sequence of Example
        At least one; all with the same number of channels.
    sampling : Sampling
        Size, number and variation of the tiles.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    Batch
    """
    shape = (sampling.batch, sampling.tile, sampling.tile)
    images = np.empty((*shape, examples[0].image.shape[-1]), dtype=np.float32)
    masks = np.empty(shape, dtype=np.float32)
    weights = np.empty(shape, dtype=np.float32)
    for slot in range(sampling.batch):
        example = examples[int(rng.integers(len(examples)))]
        target = int(rng.integers(len(example.masks)))
        centre = draw_centre(example, sampling, rng)
        tile = warp_tile(
            example.image,
            (example.masks[target], example.weights[target]),
            centre=centre,
            size=sampling.tile,
            variation=sampling.variation,
            rng=rng,
        )
        images[slot] = draw_intensity(tile[0], sampling.variation, rng)
        masks[slot], weights[slot] = tile[1]
    return Batch(images, masks, weights)


def draw_centre(
    example: Example, sampling: Sampling, rng: np.random.Generator
) -> tuple[float, float]:
    """Draw the place around which a tile is cut.

    Parameters
    ----------
    example : Example
        Training image.
    sampling : Sampling
        Share of tiles near foreground, edge of a tile.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    tuple of float
        Row and column in pixels of the image.
    """
    rows, columns = example.image.shape[:2]
    if len(example.foreground) and rng.random() < sampling.foreground_share:
        position = int(example.foreground[int(rng.integers(len(example.foreground)))])
        row, column = divmod(position, columns)
        shift = rng.uniform(-sampling.tile / 4, sampling.tile / 4, 2)
        return row + float(shift[0]), column + float(shift[1])
    return float(rng.uniform(0, rows)), float(rng.uniform(0, columns))


def _to_labels(target: npt.NDArray[Any]) -> LabelImage:
    array = np.asarray(target)
    if array.ndim != 2 or array.dtype.kind not in "bui":
        raise InputError(
            f"An annotation of the type {array.dtype} with the shape {array.shape} is neither a "
            "mask nor a label image. Give one plane of whole numbers.",
            code="invalid_annotation",
        )
    if array.dtype.kind == "b" or len(np.unique(array)) <= 2:
        return np.asarray(ndimage.label(array != 0, structure=EIGHT)[0], dtype=np.int32)
    return array.astype(np.int32)
