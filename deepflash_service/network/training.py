"""Train one member: a U-Net on some images, scored on whole images held out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.tiling import Tiling, predict_tiled
from deepflash_service.errors import InputError, JobCancelled
from deepflash_service.network.architecture import build_network
from deepflash_service.network.devices import Device, describe_device
from deepflash_service.network.fitting import Fitter
from deepflash_service.network.presets import TrainSettings
from deepflash_service.records import IsCancelled, NetworkCard, Progress, Report

if TYPE_CHECKING:
    from deepflash_service.core.sampling import Example
    from deepflash_service.records import Image, ProbabilityMap

__all__ = ["HeldOut", "Score", "TrainHooks", "TrainSettings", "TrainedMember", "train_member"]

Score = Callable[[Sequence["ProbabilityMap"]], Mapping[str, float]]
"""Seam: probability maps of the held-out images, in their order, to named scores."""


@dataclass(frozen=True, slots=True)
class TrainHooks:
    """Callables that a training run tells and asks; all optional."""

    report: Report = lambda _progress: None
    is_cancelled: IsCancelled = lambda: False
    is_stopping: IsCancelled = lambda: False


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Normalised whole images (M, N, C) never trained on, and how maps of them are scored."""

    images: Sequence[Image]
    score: Score


@dataclass(frozen=True, slots=True)
class TrainedMember:
    """A trained network (float32, probabilities out) and how it came about.

    ``scores`` are those of ``best_epoch`` on the held-out images, empty without such images;
    ``history`` has one entry per epoch; ``stopped`` = ended before its time.
    """

    network: Any
    history: tuple[dict[str, float], ...]
    best_epoch: int
    scores: dict[str, float]
    stopped: bool
    device: Device


@dataclass(slots=True)
class _Record:
    history: list[dict[str, float]] = field(default_factory=list)
    weights: list[Any] | None = None
    epoch: int = 0
    scores: dict[str, float] = field(default_factory=dict)

    @property
    def value(self) -> float:
        return _rate(self.scores) if self.scores else -1.0


def train_member(
    card: NetworkCard,
    examples: Sequence[Example],
    *,
    settings: TrainSettings,
    held_out: HeldOut | None = None,
    hooks: TrainHooks | None = None,
    start: Any = None,
) -> TrainedMember:
    """Train one network.

    Parameters
    ----------
    card : NetworkCard
        The network to build.
    examples : sequence of Example
        Training images with targets, from ``core.sampling.make_example``.
    settings : TrainSettings
        Length, speed, seed.
    held_out : HeldOut, optional
        Whole images never trained on; the weights with the best mean of their ``f1`` and
        ``dice`` are kept. Without them the last weights are kept and there are no scores.
    hooks : TrainHooks, optional
        Told once per epoch; asked before every step.
    start : keras.Model, optional
        Network of the same card whose weights are the starting point (fine-tuning).

    Returns
    -------
    TrainedMember

    Raises
    ------
    InputError
        Code ``no_training_image``.
    JobCancelled
        When ``hooks.is_cancelled`` answers True.
    ComputeError
        Codes ``training_diverged`` and ``out_of_memory``.
    """
    if not examples:
        raise InputError(
            "There is no image to train on. Add at least one image with an annotation.",
            code="no_training_image",
        )
    hooks = hooks or TrainHooks()
    device = describe_device()
    fitter = Fitter(card, examples, settings=settings, precision=device.precision, start=start)
    record = _Record()
    stopped = False
    with fitter:
        for epoch in range(1, settings.epochs + 1):
            stopped = _run_epoch(fitter, epoch, settings=settings, hooks=hooks, record=record)
            if stopped or epoch % settings.score_every == 0 or epoch == settings.epochs:
                _score_epoch(fitter, epoch, held_out=held_out, hooks=hooks, record=record)
            _report_epoch(epoch, settings, hooks=hooks, record=record)
            if stopped or _is_waiting_in_vain(epoch, settings, record=record):
                break
        stopped = stopped or len(record.history) < settings.epochs
        network = build_network(card)
        network.set_weights(record.weights or fitter.averaged_weights())
    return TrainedMember(
        network, tuple(record.history), record.epoch, record.scores, stopped, device
    )


def _run_epoch(
    fitter: Fitter,
    epoch: int,
    *,
    settings: TrainSettings,
    hooks: TrainHooks,
    record: _Record,
) -> bool:
    start = time.monotonic()
    losses: list[float] = []
    is_stopping = False
    for _ in range(settings.steps_per_epoch):
        if hooks.is_cancelled():
            raise JobCancelled("The training was cancelled.")
        is_stopping = hooks.is_stopping()
        if is_stopping:
            break
        losses.append(fitter.take_step())
    seconds = time.monotonic() - start
    entry = {"epoch": float(epoch), "seconds_per_epoch": seconds}
    if losses:
        entry["loss"] = float(np.mean(losses))
    record.history.append(entry)
    return is_stopping


def _score_epoch(
    fitter: Fitter,
    epoch: int,
    *,
    held_out: HeldOut | None,
    hooks: TrainHooks,
    record: _Record,
) -> None:
    weights = fitter.averaged_weights()
    if held_out is None or not held_out.images:
        record.weights, record.epoch = weights, epoch
        return
    start = time.monotonic()
    predict = fitter.predict_with(weights)
    tiling = Tiling(tile=512, overlap=64)
    maps = [
        predict_tiled(image, predict, tiling=tiling, is_cancelled=hooks.is_cancelled)
        for image in held_out.images
    ]
    scores = {name: float(value) for name, value in held_out.score(maps).items()}
    record.history[-1] |= scores | {"seconds_scoring": time.monotonic() - start}
    if record.weights is None or _rate(scores) > record.value:
        record.weights, record.epoch, record.scores = weights, epoch, scores


def _rate(scores: Mapping[str, float]) -> float:
    chosen = [scores[name] for name in ("f1", "dice") if name in scores]
    return float(np.mean(chosen)) if chosen else float(np.mean(list(scores.values())))


def _is_waiting_in_vain(epoch: int, settings: TrainSettings, *, record: _Record) -> bool:
    if settings.patience is None or not record.scores:
        return False
    return epoch - record.epoch >= settings.patience


def _report_epoch(
    epoch: int, settings: TrainSettings, *, hooks: TrainHooks, record: _Record
) -> None:
    entry = record.history[-1]
    spent = sum(
        item["seconds_per_epoch"] + item.get("seconds_scoring", 0.0) for item in record.history
    )
    left = spent / epoch * (settings.epochs - epoch)
    metrics = {name: value for name, value in entry.items() if name != "epoch"}
    hooks.report(
        Progress(
            f"epoch {epoch} of {settings.epochs}",
            epoch,
            settings.epochs,
            metrics | {"seconds_left": left},
        )
    )
