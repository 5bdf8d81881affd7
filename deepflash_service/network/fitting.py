"""The training loop below the epoch: optimiser, steps, input pipeline, averaged weights."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from deepflash_service.core.sampling import Batch, draw_batch
from deepflash_service.errors import ComputeError, InputError
from deepflash_service.network.architecture import build_network
from deepflash_service.network.losses import border_dice_loss
from deepflash_service.network.prediction import make_callable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepflash_service.core.sampling import Example
    from deepflash_service.core.tiling import PredictTiles
    from deepflash_service.network.devices import Precision
    from deepflash_service.network.presets import TrainSettings
    from deepflash_service.records import NetworkCard

WARM_UP = 0.05
AVERAGE_EVERY = 5
AVERAGE_SPAN = 0.1


class Fitter:
    """One network in training.

    Tiles for the next step are drawn in one thread beside the network, so runs with the same
    seed see the same tiles. Weights are averaged exponentially over about a tenth of the run.

    Parameters
    ----------
    card : NetworkCard
    examples : sequence of Example
    settings : TrainSettings
    precision : {"float32", "bfloat16", "float16"}
    start : keras.Model, optional
        Source of the first weights.
    """

    def __init__(
        self,
        card: NetworkCard,
        examples: Sequence[Example],
        *,
        settings: TrainSettings,
        precision: Precision,
        start: Any = None,
    ) -> None:
        self._examples = examples
        self._settings = settings
        self._rng = np.random.default_rng(settings.seed)
        self.network = _build_seeded(card, precision, settings.seed)
        self._mirror = build_network(card, precision=precision)
        if start is not None:
            _copy_weights(start, self.network)
        self._average: list[Any] = self.network.get_weights()
        self._steps = 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="tiles")
        self._next: Future[Batch] | None = None
        _compile(self.network, settings)

    def __enter__(self) -> Self:
        """Start drawing tiles."""
        self._next = self._pool.submit(self._draw)
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread that draws tiles."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def take_step(self) -> float:
        """Train on one batch and return its loss.

        Raises
        ------
        ComputeError
            Codes ``training_diverged``, ``out_of_memory``.
        """
        batch = (self._next or self._pool.submit(self._draw)).result()
        self._next = self._pool.submit(self._draw)
        target = np.stack([batch.masks, batch.weights], axis=-1)
        loss = train_step(self.network, batch.images, target)
        if not np.isfinite(loss):
            raise ComputeError(
                "The training diverged: its loss is no longer a number. Train again with "
                "another seed, or from a new model instead of a base model.",
                code="training_diverged",
            )
        self._steps += 1
        if self._steps % AVERAGE_EVERY == 0:
            self._update_average()
        return loss

    def averaged_weights(self) -> list[Any]:
        """Return a copy of the averaged weights."""
        return [array.copy() for array in self._average]

    def predict_with(self, weights: list[Any]) -> PredictTiles:
        """Return a predictor of tiles with the given weights, in the precision of training."""
        self._mirror.set_weights(weights)
        return make_callable(self._mirror)

    def _draw(self) -> Batch:
        return draw_batch(self._examples, self._settings.sampling, self._rng)

    def _update_average(self) -> None:
        total = self._settings.epochs * self._settings.steps_per_epoch
        span = max(AVERAGE_EVERY, AVERAGE_SPAN * total)
        keep = min(np.exp(-AVERAGE_EVERY / span), self._steps / (self._steps + 10 * AVERAGE_EVERY))
        for index, array in enumerate(self.network.get_weights()):
            self._average[index] *= np.float32(keep)
            self._average[index] += np.float32(1 - keep) * array


def _build_seeded(card: NetworkCard, precision: Precision, seed: int) -> Any:
    network = build_network(card, precision=precision, logits=True)
    rng = np.random.default_rng([seed, 1])
    weights = network.get_weights()
    for index, array in enumerate(weights):
        if array.ndim == 4:
            deviation = np.sqrt(2.0 / np.prod(array.shape[:3]))
            weights[index] = (deviation * rng.standard_normal(array.shape)).astype(np.float32)
    network.set_weights(weights)
    return network


def _copy_weights(source: Any, target: Any) -> None:
    weights = source.get_weights()
    expected = [array.shape for array in target.get_weights()]
    if [array.shape for array in weights] != expected:
        raise InputError(
            "The base model has another architecture than the network to train. Use the card "
            "of the base model.",
            code="invalid_weights",
        )
    target.set_weights(weights)


def _compile(network: Any, settings: TrainSettings) -> None:
    import keras

    total = settings.epochs * settings.steps_per_epoch
    warm_up = max(1, round(WARM_UP * total))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(1, total - warm_up),
        alpha=0.01,
        warmup_target=settings.learning_rate,
        warmup_steps=warm_up,
    )
    network.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, clipnorm=1.0),
        loss=border_dice_loss,
        # XLA on a CPU cannot use the bfloat16 units: twice the time per step
        jit_compile="auto" if keras.backend.backend() == "jax" else False,
    )


def train_step(network: Any, images: Any, target: Any) -> float:
    """Train a compiled network on one batch and return the loss.

    Parameters
    ----------
    network : keras.Model
    images : ndarray (B, T, T, C)
    target : ndarray (B, T, T, 2)
        Masks and weights.

    Raises
    ------
    ComputeError
        Code ``out_of_memory``.
    """
    try:
        return float(network.train_on_batch(images, target))
    except Exception as error:
        if "RESOURCE_EXHAUSTED" in str(error) or "out of memory" in str(error).lower():
            raise ComputeError(
                "The device has too little memory to train. Close other programs that use it.",
                code="out_of_memory",
            ) from None
        raise
