"""The training loop below the epoch: optimiser, steps, input pipeline, averaged weights."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from deepflash_service.core.sampling import draw_batch
from deepflash_service.errors import ComputeError, InputError
from deepflash_service.network.architecture import Dropout, build_network
from deepflash_service.network.devices import count_tile_threads, is_out_of_memory
from deepflash_service.network.losses import border_dice_loss
from deepflash_service.network.prediction import make_callable
from deepflash_service.network.training_state import are_finite, name_arrays, select_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deepflash_service.core.sampling import Batch, Example
    from deepflash_service.core.tiling import PredictTiles
    from deepflash_service.network.devices import Precision
    from deepflash_service.network.presets import TrainSettings
    from deepflash_service.records import NetworkCard

WARM_UP = 0.05
AVERAGE_EVERY = 5
AVERAGE_SPAN = 0.1


class Fitter:
    """One network in training.

    Tiles for the next steps are drawn in threads beside the network. Those of a step follow from
    the seed and the number of the step alone, so runs with the same seed see the same tiles,
    interrupted or not. Weights are averaged exponentially over about a tenth of the run.

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
        self.steps = 0
        self._examples = examples
        self._settings = settings
        self.network = _build_seeded(card, precision, settings)
        self._mirror = build_network(card, precision=precision)
        if start is not None:
            _copy_weights(start, self.network)
        self._average: list[Any] = self.network.get_weights()
        self._tiles = settings.sampling.batch
        self._threads = count_tile_threads()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="tiles")
        self._coming: deque[Future[Batch]] = deque()
        _compile(self.network, settings)

    def __enter__(self) -> Self:
        """Start drawing tiles."""
        self._draw_ahead()
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread that draws tiles."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def take_step(self, warn: Callable[[str], None] | None = None) -> float:
        """Train on one batch and return its loss.

        Parameters
        ----------
        warn : callable, optional
            Told when the device ran out of memory, so that batches are smaller from now on.

        Raises
        ------
        ComputeError
            Codes ``training_diverged``, and ``out_of_memory`` when one tile is too much.
        """
        self._draw_ahead()
        batch = self._coming.popleft().result()
        self._draw_ahead(taken=1)
        loss = self._fit(batch, warn)
        if not np.isfinite(loss):
            raise _tell_divergence()
        self.steps += 1
        if self.steps % AVERAGE_EVERY == 0:
            self._update_average()
        return loss

    def averaged_weights(self) -> list[Any]:
        """Return a copy of the averaged weights; before the first average, of the present ones.

        Raises
        ------
        ComputeError
            Code ``training_diverged`` when they are no numbers any more.
        """
        is_averaged = self.steps == 0 or self.steps >= AVERAGE_EVERY
        weights = self._average if is_averaged else self.network.get_weights()
        if not are_finite(weights):
            raise _tell_divergence()
        return [array.copy() for array in weights]

    def predict_with(self, weights: list[Any]) -> PredictTiles:
        """Return a predictor of tiles with the given weights, in the precision of training."""
        self._mirror.set_weights(weights)
        return make_callable(self._mirror)

    def capture(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return facts and arrays from which :meth:`restore` goes on with the same steps.

        Raises
        ------
        ComputeError
            Code ``training_diverged``: what is no number is never kept.
        """
        variables = [np.asarray(one) for one in self.network.optimizer.variables]
        arrays = {
            **name_arrays("network", self.network.get_weights()),
            **name_arrays("optimizer", variables),
            **name_arrays("average", self._average),
            **name_arrays("dropout", [np.asarray(one) for one in self._list_draws()]),
        }
        if not are_finite(arrays.values()):
            raise _tell_divergence()
        return {"step": self.steps, "tiles": self._tiles}, arrays

    def restore(self, facts: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        """Go on where :meth:`capture` was called; before the first step.

        Raises
        ------
        InputError
            Code ``unusable_checkpoint``.
        """
        optimizer = self.network.optimizer
        optimizer.build(self.network.trainable_variables)
        shapes = [array.shape for array in self._average]
        slots = [tuple(one.shape) for one in optimizer.variables]
        weights = select_arrays(arrays, "network", shapes=shapes)
        average = select_arrays(arrays, "average", shapes=shapes)
        stored = select_arrays(arrays, "optimizer", shapes=slots)
        draws = self._list_draws()
        drawn = select_arrays(arrays, "dropout", shapes=[tuple(one.shape) for one in draws])
        self.network.set_weights(weights)
        for variable, array in zip(optimizer.variables, stored, strict=True):
            variable.assign(array)
        for variable, array in zip(draws, drawn, strict=True):
            variable.assign(array)
        self._average = [array.copy() for array in average]
        self.steps, self._tiles = int(facts["step"]), int(facts["tiles"])
        self._coming.clear()

    def _list_draws(self) -> list[Any]:
        """Return the states of the random generators in the network: no weights, in fixed order."""
        weights = {id(one) for one in self.network.weights}
        return [one for one in self.network.non_trainable_variables if id(one) not in weights]

    def _draw_ahead(self, taken: int = 0) -> None:
        """Let the threads draw for the coming steps; ``taken`` batches are out of the queue."""
        while len(self._coming) <= self._threads:
            number = self.steps + taken + len(self._coming)
            self._coming.append(self._pool.submit(self._draw, number))

    def _draw(self, number: int) -> Batch:
        rng = np.random.default_rng([self._settings.seed, 2, number])
        return draw_batch(self._examples, self._settings.sampling, rng)

    def _fit(self, batch: Batch, warn: Callable[[str], None] | None) -> float:
        """Train on the first tiles of a batch: as many as the device has room for."""
        while True:
            tiles = slice(self._tiles)
            target = np.stack([batch.masks[tiles], batch.weights[tiles]], axis=-1)
            try:
                return train_step(self.network, batch.images[tiles], target)
            except ComputeError as error:
                if error.code != "out_of_memory" or self._tiles == 1:
                    raise
            before, self._tiles = self._tiles, self._tiles // 2
            if warn is not None:
                warn(
                    f"The device ran out of memory, so the training goes on with {self._tiles} "
                    f"instead of {before} tiles at once."
                )

    def _update_average(self) -> None:
        total = self._settings.epochs * self._settings.steps_per_epoch
        span = max(AVERAGE_EVERY, AVERAGE_SPAN * total)
        keep = min(np.exp(-AVERAGE_EVERY / span), self.steps / (self.steps + 10 * AVERAGE_EVERY))
        for index, array in enumerate(self.network.get_weights()):
            self._average[index] *= np.float32(keep)
            self._average[index] += np.float32(1 - keep) * array


def _build_seeded(card: NetworkCard, precision: Precision, settings: TrainSettings) -> Any:
    dropout = Dropout(settings.dropout, settings.seed)
    network = build_network(card, precision=precision, logits=True, dropout=dropout)
    rng = np.random.default_rng([settings.seed, 1])
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


def _tell_divergence() -> ComputeError:
    return ComputeError(
        "The training diverged: its loss is no longer a number. Train again with "
        "another seed, or from a new model instead of a base model.",
        code="training_diverged",
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
        if is_out_of_memory(error):
            raise ComputeError(
                "The device ran out of memory in the training. Close other programs that use it, "
                "or train a smaller network with the preset quick.",
                code="out_of_memory",
            ) from None
        raise
