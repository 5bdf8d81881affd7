"""Demonstration data made by seed: fluorescent nuclei with a known truth.

The fields imitate confocal pictures of c-Fos: nuclei of very different brightness along a curved
layer of tissue, out-of-focus nuclei and neurites behind them, autofluorescent debris, an uneven
background, blur, photon noise and read noise. The truth holds the nuclei that are in focus.
Everything follows from the passed generator; nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from deepflash_service.core.synthetic_experts import choose_habits, simulate_expert
from deepflash_service.core.synthetic_scene import (
    BLUR_SIGMA,
    RawImage,
    add_debris,
    add_defocused_cells,
    add_fibres,
    expose,
    make_background,
)
from deepflash_service.core.synthetic_shapes import (
    Canvas,
    draw_blob,
    make_cells,
    make_smooth_noise,
    make_tissue,
)
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from deepflash_service.records import LabelImage


@dataclass(frozen=True, slots=True)
class Field:
    """One simulated field of view.

    Attributes
    ----------
    image : ndarray of uint16 or uint8, shape (M, N)
        What the microscope shows; 12-bit content in 16 bits, or 8 bits.
    labels : LabelImage, shape (M, N)
        The truth: nuclei in focus, 1 to K; touching nuclei keep their own numbers.
    contrast : ndarray of float, shape (K,)
        Brightness of nucleus k + 1 above its surroundings, in units of the photon noise.
    distractors : LabelImage, shape (M, N)
        What is no nucleus in focus but might be taken for one (out-of-focus nuclei, debris).
    """

    image: RawImage
    labels: LabelImage
    contrast: npt.NDArray[np.float64]
    distractors: LabelImage


class TrainingSample(NamedTuple):
    """A field with the annotations of all experts."""

    name: str
    image: RawImage
    experts: dict[str, LabelImage]


class UnseenSample(NamedTuple):
    """A field with its truth."""

    name: str
    image: RawImage
    truth: LabelImage


@dataclass(frozen=True, slots=True)
class SampleSet:
    """The demonstration data.

    Attributes
    ----------
    train : list of TrainingSample
        Fields to train on.
    test : list of UnseenSample
        Unseen fields with their truth.
    train_truth : dict of str to LabelImage
        The truth of the training fields, by field name; a lab never has it.
    test_experts : dict of str to dict of str to LabelImage
        The same experts' annotations of the unseen fields: field name, then expert.
    """

    train: list[TrainingSample]
    test: list[UnseenSample]
    train_truth: dict[str, LabelImage]
    test_experts: dict[str, dict[str, LabelImage]]


def make_field(
    rng: np.random.Generator,
    *,
    shape: tuple[int, int] = (512, 512),
    bits: Literal[8, 12] = 12,
) -> Field:
    """Simulate one field of view.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    shape : tuple of int, optional
        Rows and columns of the picture, at least 64 each.
    bits : {8, 12}, optional
        12 gives uint16 with values up to 4095, 8 gives uint8.

    Returns
    -------
    Field
        Picture, truth and what is needed to simulate experts.

    Raises
    ------
    InputError
        Code ``invalid_options``: a side of the picture is shorter than 64 pixels.
    """
    if min(shape) < 64:
        raise InputError(
            f"A field of {shape[0]} x {shape[1]} pixels is too small. Ask for 64 or more each way.",
            code="invalid_options",
        )
    tissue = make_tissue(rng, shape)
    background = make_background(rng, tissue)
    scene = background.copy()
    distractors = np.zeros(shape, np.int32)
    add_defocused_cells(scene, distractors, rng=rng, tissue=tissue)
    add_fibres(scene, rng)
    labels, contrast = _add_cells(scene, background, rng=rng, tissue=tissue)
    scene = ndimage.gaussian_filter(scene, BLUR_SIGMA)
    add_debris(scene, distractors, rng=rng)
    distractors[labels > 0] = 0
    return Field(expose(scene, rng, bits=bits), labels, contrast, distractors)


def make_samples(
    images: int = 8,
    experts: int = 4,
    seed: int = 0,
    *,
    test_images: int = 4,
    shape: tuple[int, int] = (512, 512),
    bits: Literal[8, 12] = 12,
) -> SampleSet:
    """Make the demonstration data: training fields with experts, unseen fields with truth.

    A field depends only on `seed` and its own number, so asking for more fields leaves the first
    ones as they were.

    Parameters
    ----------
    images, test_images : int, optional
        Number of training fields (``cfos-01`` ...) and of unseen fields (``unseen-01`` ...).
    experts : int, optional
        Number of simulated experts (``expert_1`` ...), who differ in their habits.
    seed : int, optional
        Seed of everything.
    shape : tuple of int, optional
        Rows and columns of each field.
    bits : {8, 12}, optional
        12 gives uint16 with values up to 4095, 8 gives uint8.

    Returns
    -------
    SampleSet
        Training and unseen fields.

    Raises
    ------
    InputError
        Code ``invalid_options``: a number is negative, there is no expert, or the fields are
        too small.
    """
    if images < 0 or test_images < 0 or experts < 1:
        raise InputError(
            f"{images} images, {test_images} unseen images and {experts} experts: not "
            "possible. Ask for at least one expert and for no negative number of images.",
            code="invalid_options",
        )
    habits = choose_habits(experts, seed)
    samples = SampleSet([], [], {}, {})
    for part, count in (("cfos", images), ("unseen", test_images)):
        for number in range(1, count + 1):
            stream = [seed, number, 0 if part == "cfos" else 1]
            field = make_field(np.random.default_rng([*stream, 0]), shape=shape, bits=bits)
            annotations = {
                name: simulate_expert(
                    field.labels,
                    field.contrast,
                    field.distractors,
                    habits=habit,
                    rng=np.random.default_rng([*stream, index]),
                )
                for index, (name, habit) in enumerate(habits.items(), start=1)
            }
            name = f"{part}-{number:02d}"
            if part == "cfos":
                samples.train.append(TrainingSample(name, field.image, annotations))
                samples.train_truth[name] = field.labels
            else:
                samples.test.append(UnseenSample(name, field.image, field.labels))
                samples.test_experts[name] = annotations
    return samples


def _add_cells(
    scene: Canvas, background: Canvas, *, rng: np.random.Generator, tissue: Canvas
) -> tuple[LabelImage, npt.NDArray[np.float64]]:
    """Draw the nuclei in focus onto `scene`; return truth and contrasts."""
    shape = (scene.shape[0], scene.shape[1])
    labels = np.zeros(shape, np.int32)
    depth = np.full(shape, np.inf)
    grain = make_smooth_noise(rng, shape, sigma=1.3)
    contrast: list[float] = []
    for number, blob in enumerate(make_cells(rng, tissue), start=1):
        patch = draw_blob(blob, shape)
        if patch is None:
            continue
        window, radius = patch
        inside = (radius < 1.0) & (radius < depth[window])
        level = float(background[window][inside].mean()) if inside.any() else 0.0
        brightness = _draw_brightness(rng)
        profile = np.clip((1.0 - radius) * blob.radius + 0.5, 0.0, 1.0)
        texture = np.clip(1.15 - 0.35 * radius**2 + 0.22 * grain[window], 0.3, None)
        scene[window] = np.maximum(
            scene[window], scene[window] * (1 - profile) + profile * (level + brightness * texture)
        )
        labels[window][inside] = number
        depth[window][inside] = radius[inside]
        contrast.append(brightness / np.sqrt(max(level, 1.0)))
    return _renumber(labels, np.asarray(contrast))


def _draw_brightness(rng: np.random.Generator) -> float:
    """Photons above the background: log-normal, most nuclei dim, few very bright."""
    return float(np.clip(np.exp(rng.normal(3.3, 0.62)), 12.0, 165.0))


def _renumber(
    labels: LabelImage, contrast: npt.NDArray[np.float64]
) -> tuple[LabelImage, npt.NDArray[np.float64]]:
    """Drop nuclei of which fewer than 12 pixels are left and close the gaps in the numbers."""
    sizes = np.bincount(labels.ravel(), minlength=len(contrast) + 1)[1:]
    kept = np.flatnonzero(sizes >= 12)
    numbers = np.zeros(len(sizes) + 1, np.int32)
    numbers[kept + 1] = np.arange(1, len(kept) + 1)
    return numbers[labels], contrast[kept]
