"""The switches of the ablation: each changes one step of the training recipe and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.augmentation import NO_VARIATION, Variation
from deepflash_service.core.normalization import normalize
from deepflash_service.core.sampling import BORDER_WEIGHT, FOREGROUND_WEIGHT, Sampling
from deepflash_service.network.losses import border_dice_loss
from deepflash_service.network.presets import TrainSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepflash_service.records import Image, Normalisation

    Normalise = Callable[[Sequence[Any], Sequence[int]], list[Image]]

EDGE = 64
VARIATION = Variation()
RATE = TrainSettings().learning_rate


@dataclass(frozen=True, slots=True)
class Switch:
    """One variant of the recipe; what is not named stays as it is.

    Attributes
    ----------
    normalise : callable
        Raw images of the whole set and the positions of those to learn from in, normalised out.
    settings : dict
        Of the training, other than length, seed and sampling.
    border_weight, foreground_weight : float
        Of the weights in the cross-entropy.
    loss : callable
        Of the training.
    is_averaged : bool
        Whether weights are averaged over the steps.
    is_prepared : bool
        Whether the network begins with what it learnt from generated cells, not at random.
    edge : {"mirror", "zeros"}
        What lies beyond the border of an image, in training and prediction.
    """

    sampling: Sampling = field(default_factory=Sampling)
    normalise: Normalise = lambda images, _known: [normalize(one) for one in images]
    settings: dict[str, Any] = field(default_factory=dict)
    normalisation: Normalisation = "batch"
    border_weight: float = BORDER_WEIGHT
    foreground_weight: float = FOREGROUND_WEIGHT
    loss: Callable[[Any, Any], Any] = border_dice_loss
    is_averaged: bool = True
    is_prepared: bool = True
    edge: str = "mirror"

    def make_settings(self, *, steps: int, seed: int) -> TrainSettings:
        """Return the settings of a training of so many steps."""
        epochs = max(1, steps // TrainSettings().steps_per_epoch)
        return TrainSettings(epochs=epochs, seed=seed, sampling=self.sampling, **self.settings)


def stretch_ends(images: Sequence[Any], _known: Sequence[int]) -> list[Image]:
    """Map minimum and maximum of each image to 0 and 1."""
    found = []
    for image in images:
        low, high = float(np.min(image)), float(np.max(image))
        found.append((np.asarray(image, dtype=np.float32) - low) / max(high - low, 1.0))
    return found


def standardise_set(images: Sequence[Any], known: Sequence[int]) -> list[Image]:
    """Subtract the mean of the images to learn from and divide by their standard deviation."""
    values = np.concatenate([np.asarray(images[one], dtype=np.float64).ravel() for one in known])
    mean, deviation = np.float32(values.mean()), np.float32(values.std())
    return [(np.asarray(image, dtype=np.float32) - mean) / deviation for image in images]


def divide_by_depth(images: Sequence[Any], _known: Sequence[int]) -> list[Image]:
    """Divide 8-bit images by 255, as DeepFLaSH did in 2018."""
    return [np.asarray(image, dtype=np.float32) / np.float32(255) for image in images]


def weigh_entropy(target: Any, logits: Any) -> Any:
    """Return the weighted cross-entropy of the product's loss, without its Dice part."""
    from keras import ops

    mask, weight = target[..., :1], target[..., 1:]
    logits = ops.cast(logits, "float32")
    entropy = ops.maximum(logits, 0.0) - logits * mask + ops.log1p(ops.exp(-ops.abs(logits)))
    return ops.sum(entropy * weight) / ops.sum(weight)


def measure_dice_loss(target: Any, logits: Any) -> Any:
    """Return the Dice part of the product's loss, without its cross-entropy."""
    return border_dice_loss(target, logits) - weigh_entropy(target, logits)


def _vary(**changes: float) -> Switch:
    return Switch(sampling=Sampling(variation=replace(VARIATION, **changes)))  # type: ignore[arg-type]


SWITCHES: dict[str, Switch] = {
    "recipe": Switch(),
    "start: random weights": Switch(is_prepared=False),
    "normalisation: minimum and maximum of the image": Switch(normalise=stretch_ends),
    "normalisation: mean and deviation of the training images": Switch(normalise=standardise_set),
    "normalisation: divided by 255": Switch(normalise=divide_by_depth),
    "sampling: tiles anywhere": Switch(sampling=Sampling(foreground_share=0.0)),
    "sampling: 90 % of the tiles near foreground": Switch(sampling=Sampling(foreground_share=0.9)),
    "tiles: 1 of 512 in place of 4 of 256": Switch(sampling=Sampling(tile=512, batch=1)),
    "augmentation: none": Switch(sampling=Sampling(variation=NO_VARIATION)),
    "augmentation: turned and mirrored only": Switch(
        sampling=Sampling(variation=replace(NO_VARIATION, turn=True))
    ),
    "augmentation: without turning": Switch(
        sampling=Sampling(variation=replace(VARIATION, turn=False))
    ),
    "augmentation: without scaling": _vary(scale_share=0.0),
    "augmentation: without bending": _vary(bend_share=0.0),
    "augmentation: without gamma": _vary(gamma_share=0.0),
    "augmentation: without brightness and contrast": _vary(light_share=0.0),
    "augmentation: without uneven background": _vary(shade_share=0.0),
    "augmentation: without noise": _vary(noise_share=0.0),
    "augmentation: without blur": _vary(blur_share=0.0),
    "loss: without Dice": Switch(loss=weigh_entropy),
    "loss: Dice only": Switch(loss=measure_dice_loss),
    "loss: without weights between ROIs": Switch(border_weight=0.0),
    "loss: foreground weight 1": Switch(foreground_weight=1.0),
    "border: zeros beyond the image": Switch(edge="zeros"),
    "weights: not averaged": Switch(is_averaged=False),
    "network: group normalisation, random start": Switch(normalisation="group"),
    "network: a fifth of the deeper channels dropped": Switch(settings={"dropout": 0.2}),
    "weights: not decayed": Switch(settings={"weight_decay": 0.0}),
    "learning rate: half": Switch(settings={"learning_rate": RATE / 2}),
    "learning rate: double": Switch(settings={"learning_rate": RATE * 2}),
}
