"""The epochs of a training: steps, scores, what is told and what is kept on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.tiling import Tiling, predict_tiled
from deepflash_service.errors import JobCancelled
from deepflash_service.network.training_state import TrainingState, name_arrays, select_arrays
from deepflash_service.records import IsCancelled, Progress, Report

if TYPE_CHECKING:
    from deepflash_service.network.devices import Device
    from deepflash_service.network.fitting import Fitter
    from deepflash_service.network.presets import TrainSettings
    from deepflash_service.records import Image, ProbabilityMap

Score = Callable[[Sequence["ProbabilityMap"]], Mapping[str, float]]
"""Seam: probability maps of the held-out images, in their order, to named scores."""

TELL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class TrainHooks:
    """Callables that a training tells and asks; all optional.

    Attributes
    ----------
    report : callable
        Told once per epoch, and every few seconds within a long one.
    warn : callable
        Told sentences for the user.
    is_cancelled, is_stopping : callable
        Asked before every step and every tile that is scored.
    share_device : callable
        Called before every step and every image that is scored; may wait.
    is_due : callable
        Asked after every step whether the state is to be kept.
    save : callable
        Given the state when it is due, and when the training stops.
    """

    report: Report = lambda _progress: None
    warn: Callable[[str], None] = lambda _text: None
    is_cancelled: IsCancelled = lambda: False
    is_stopping: IsCancelled = lambda: False
    share_device: Callable[[], None] = lambda: None
    is_due: Callable[[], bool] = lambda: False
    save: Callable[[TrainingState], None] = lambda _state: None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Normalised whole images (M, N, C) never trained on, and how maps of them are scored."""

    images: Sequence[Image]
    score: Score


@dataclass(frozen=True, slots=True)
class Best:
    """Weights of one epoch with their scores."""

    epoch: int
    weights: list[Any]
    scores: dict[str, float]


class Rounds:
    """The epochs of one training, from the first step or from a kept state.

    ``ending`` says in a sentence why they ended before the last one, if they did by themselves.

    Parameters
    ----------
    fitter : Fitter
    settings : TrainSettings
    device : Device
        What the fitter computes on.
    held_out : HeldOut or None
    hooks : TrainHooks
    """

    def __init__(
        self,
        fitter: Fitter,
        settings: TrainSettings,
        *,
        device: Device,
        held_out: HeldOut | None,
        hooks: TrainHooks,
    ) -> None:
        self.epoch = 1
        self.history: list[dict[str, float]] = []
        self.best: Best | None = None
        self.ending = ""
        self._losses: list[float] = []
        self._seconds = 0.0
        self._fitter = fitter
        self._settings = settings
        self._device = device
        self._held_out = held_out if held_out is not None and held_out.images else None
        self._hooks = hooks
        self._told = time.monotonic()

    def run(self) -> bool:
        """Train to the end; return True when the user stopped before.

        A stop before the first step keeps nothing and scores nothing.

        Raises
        ------
        JobCancelled
            When the user cancelled.
        ComputeError
            Codes ``training_diverged`` and ``out_of_memory``.
        """
        while self.epoch <= self._settings.epochs:
            if self._take_steps():
                if not self._fitter.steps:
                    return True
                # before the epoch is closed: a resumption goes on inside it
                self._hooks.save(self.capture())
                self._close_epoch(is_stopped=True)
                return True
            if self._close_epoch(is_stopped=False):
                return True
            if self.ending:
                return False
            self.epoch += 1
        return False

    def choose_best(self) -> Best:
        """Return the best scored weights, or the last where nothing was scored."""
        return self.best or Best(len(self.history), self._fitter.averaged_weights(), {})

    def capture(self) -> TrainingState:
        """Return the state between two steps.

        Raises
        ------
        ComputeError
            Code ``training_diverged``.
        """
        facts, arrays = self._fitter.capture()
        best = self.best
        facts |= {
            "epoch": self.epoch,
            "losses": list(self._losses),
            "seconds": self._seconds,
            "history": [dict(entry) for entry in self.history],
            "best": None if best is None else {"epoch": best.epoch, "scores": dict(best.scores)},
            "device": self._device.kind,
            "precision": self._device.precision,
        }
        return TrainingState(facts, arrays, name_arrays("best", best.weights) if best else {})

    def restore(self, state: TrainingState) -> None:
        """Go on from a state of :meth:`capture`.

        Raises
        ------
        InputError
            Code ``unusable_checkpoint``.
        """
        facts = state.facts
        self._fitter.restore(facts, state.arrays)
        self.epoch = int(facts["epoch"])
        self.history = [dict(entry) for entry in facts["history"]]
        self._losses = [float(loss) for loss in facts["losses"]]
        self._seconds = float(facts["seconds"])
        if facts["best"] is not None:
            shapes = [array.shape for array in self._fitter.network.get_weights()]
            weights = select_arrays(state.best, "best", shapes=shapes)
            self.best = Best(int(facts["best"]["epoch"]), weights, dict(facts["best"]["scores"]))

    def _take_steps(self) -> bool:
        """Take the steps that the epoch lacks; return True when the user stops."""
        hooks = self._hooks
        while len(self._losses) < self._settings.steps_per_epoch:
            hooks.share_device()
            if hooks.is_cancelled():
                raise JobCancelled("The training was cancelled.")
            if hooks.is_stopping():
                return True
            start = time.monotonic()
            self._losses.append(self._fitter.take_step(hooks.warn))
            self._seconds += time.monotonic() - start
            if hooks.is_due():
                hooks.save(self.capture())
            if time.monotonic() - self._told >= TELL_SECONDS:
                self._tell({})
        return False

    def _close_epoch(self, *, is_stopped: bool) -> bool:
        """Score where it is time to, and note the epoch; return True when the user stops."""
        epoch, settings = self.epoch, self._settings
        entry = {"epoch": float(epoch), "seconds_per_epoch": self._seconds}
        if self._losses:
            entry["loss"] = float(np.mean(self._losses))
        if is_stopped or epoch % settings.score_every == 0 or epoch == settings.epochs:
            is_stopped = self._score(entry, is_stopped=is_stopped)
        self.history.append(entry)
        self._losses, self._seconds = [], 0.0
        self.ending = "" if is_stopped else self._explain_early_end()
        self._tell(entry, is_ended=is_stopped or bool(self.ending))
        return is_stopped

    def _score(self, entry: dict[str, float], *, is_stopped: bool) -> bool:
        """Score the present weights; return True when the user stopped, now or before."""
        weights = self._fitter.averaged_weights()
        if self._held_out is None:
            return is_stopped
        start = time.monotonic()
        try:
            maps = self._predict(self._held_out, weights, is_stopped=is_stopped)
        except JobCancelled:
            if self._hooks.is_cancelled():
                raise
            # stopped in the middle: what was scored before counts, and a resumption scores again
            self._hooks.save(self.capture())
            return True
        scores = {name: float(value) for name, value in self._held_out.score(maps).items()}
        entry |= scores | {"seconds_scoring": time.monotonic() - start}
        if self.best is None or _rate(scores) > _rate(self.best.scores):
            self.best = Best(self.epoch, weights, scores)
        return is_stopped

    def _predict(
        self, held_out: HeldOut, weights: list[Any], *, is_stopped: bool
    ) -> list[ProbabilityMap]:
        hooks = self._hooks
        predict = self._fitter.predict_with(weights)

        def is_ending() -> bool:
            return hooks.is_cancelled() or (not is_stopped and hooks.is_stopping())

        maps = []
        for image in held_out.images:
            hooks.share_device()
            tiling = Tiling(tile=512, overlap=64)
            maps.append(predict_tiled(image, predict, tiling=tiling, is_cancelled=is_ending))
        return maps

    def _explain_early_end(self) -> str:
        """Return why the training ends before its last epoch; empty when it goes on."""
        best, settings = self.best, self._settings
        if best is None or settings.patience is None or self.epoch == settings.epochs:
            return ""
        waited = self.epoch - best.epoch
        if waited < settings.patience:
            return ""
        return (
            f"stopped early after epoch {self.epoch} of {settings.epochs}: no better score for "
            f"{waited} epochs; the best epoch {best.epoch} is kept"
        )

    def _tell(self, entry: Mapping[str, float], *, is_ended: bool = False) -> None:
        """Report a closed epoch, or with an empty entry how far the present one is."""
        self._told = time.monotonic()
        settings, steps = self._settings, self._fitter.steps
        total = settings.epochs * settings.steps_per_epoch
        spent = self._seconds + sum(
            one["seconds_per_epoch"] + one.get("seconds_scoring", 0.0) for one in self.history
        )
        left = 0.0 if is_ended else spent / max(steps, 1) * (total - steps)
        message = self.ending or f"epoch {self.epoch} of {settings.epochs}"
        facts: dict[str, float] = {
            "epochs": settings.epochs,
            "step": steps,
            "steps": total,
            "seconds_left": left,
            "seconds_member": 0.0 if is_ended else spent + left,
        }
        if not entry:
            message += f", step {len(self._losses)} of {settings.steps_per_epoch}"
            entry = {"epoch": float(self.epoch), "loss": float(np.mean(self._losses))}
        self._hooks.report(
            Progress(message, len(self.history), settings.epochs, dict(entry) | facts)
        )


def _rate(scores: Mapping[str, float]) -> float:
    chosen = [scores[name] for name in ("f1", "dice") if name in scores]
    return float(np.mean(chosen)) if chosen else float(np.mean(list(scores.values())))
