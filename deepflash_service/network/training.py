"""Train one member: a U-Net on some images, scored on whole images held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import ComputeError, InputError
from deepflash_service.network.architecture import build_network
from deepflash_service.network.devices import Device, describe_device, make_deterministic
from deepflash_service.network.fitting import Fitter
from deepflash_service.network.presets import TrainSettings
from deepflash_service.network.rounds import HeldOut, Rounds, Score, TrainHooks
from deepflash_service.network.training_state import TrainingState

if TYPE_CHECKING:
    from deepflash_service.core.sampling import Example
    from deepflash_service.records import NetworkCard

__all__ = [
    "HeldOut",
    "Score",
    "TrainHooks",
    "TrainSettings",
    "TrainedMember",
    "TrainingState",
    "train_member",
]


@dataclass(frozen=True, slots=True)
class TrainedMember:
    """A trained network (float32, probabilities out) and how it came about.

    Attributes
    ----------
    network : keras.Model
    history : tuple of dict
        One entry per epoch.
    best_epoch : int
        Where the weights come from.
    scores : dict
        Of ``best_epoch`` on the held-out images; empty where nothing was scored.
    steps : int
        Taken in all, before an interruption too; 0 = stopped before the first one, so the
        weights are those of the start.
    stopped : bool
        The user ended it before its time.
    fault : str
        Why it ended before its time with usable weights although nobody asked for it.
    ending : str
        Why it ended before its last epoch because more would have been in vain.
    device : Device
    """

    network: Any
    history: tuple[dict[str, float], ...]
    best_epoch: int
    scores: dict[str, float]
    steps: int
    stopped: bool
    device: Device
    fault: str = ""
    ending: str = ""


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
        Told of the progress; asked before every step.
    start : keras.Model or TrainingState, optional
        Network of the same card whose weights are the starting point (fine-tuning), or the
        state in which an interrupted training with the same arguments goes on.

    Returns
    -------
    TrainedMember
        On a CPU with as many threads, in float32, a training that was interrupted has the same
        weights as one that was not, bit for bit.

    Raises
    ------
    InputError
        Codes ``no_training_image`` and ``unusable_checkpoint``.
    JobCancelled
        When ``hooks.is_cancelled`` answers True.
    ComputeError
        Codes ``training_diverged`` (before anything was scored) and ``out_of_memory``.
    """
    if not examples:
        raise InputError(
            "There is no image to train on. Add at least one image with an annotation.",
            code="no_training_image",
        )
    make_deterministic()
    state = start if isinstance(start, TrainingState) else None
    device = _choose_device(state)
    source = None if state else start
    fitter = Fitter(card, examples, settings=settings, precision=device.precision, start=source)
    rounds = Rounds(fitter, settings, device=device, held_out=held_out, hooks=hooks or TrainHooks())
    if state:
        rounds.restore(state)
    stopped, fault = False, ""
    with fitter:
        try:
            stopped = rounds.run()
        except ComputeError as error:
            fault = _explain_divergence(error, rounds)
        best = rounds.choose_best()
    network = build_network(card)
    network.set_weights(best.weights)
    history, steps = tuple(rounds.history), fitter.steps
    return TrainedMember(
        network, history, best.epoch, best.scores, steps, stopped, device, fault, rounds.ending
    )


def _choose_device(state: TrainingState | None) -> Device:
    """Return the present device; a training goes on in the precision that it began with."""
    device = describe_device()
    if state is not None and state.facts.get("device") == device.kind:
        return replace(device, precision=state.facts["precision"])
    return device


def _explain_divergence(error: ComputeError, rounds: Rounds) -> str:
    if error.code != "training_diverged" or rounds.best is None:
        raise error
    return (
        f"The loss was no longer a number in epoch {rounds.epoch}; the model holds the best "
        f"weights, of epoch {rounds.best.epoch}."
    )
