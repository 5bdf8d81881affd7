"""Trainings of the accuracy protocols: found again in the home folder, resumed, read.

A training is a run of the product. Its name is the name of its model; a run of that name with
the same options is found again, goes on from its last checkpoint, and is not trained again when
its members are finished.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.accuracy_data import link_set
from deepflash_service.commands.running import perform_job
from deepflash_service.core.sampling import split_folds
from deepflash_service.errors import InputError
from deepflash_service.network.presets import plan_training
from deepflash_service.records import ModelCard, NetworkCard, TrainOptions
from deepflash_service.store.checkpoints import name_weights, read_finished
from deepflash_service.store.datasets import open_dataset
from deepflash_service.store.models import find_model, list_models
from deepflash_service.store.reading import hash_file
from deepflash_service.store.runs import clear_requests, create_run, list_runs, read_state
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.training_data import TrainingData, read_training_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.accuracy_data import ImageSet
    from deepflash_service.records import Preset, Progress
    from deepflash_service.store.models import StoredModel
    from deepflash_service.store.runs import Run

_QUIET_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Training:
    """What shall be trained; ``base`` is the name of another training's model, or ``new``."""

    name: str
    images: ImageSet
    folds: int
    preset: Preset = "standard"
    epochs: int | None = None
    seed: int = 0
    base: str = "new"
    only: tuple[str, ...] = ()

    def describe(self, dataset: str) -> TrainOptions:
        """Return the options of the product that mean this training."""
        return TrainOptions(
            dataset=dataset,
            model=self.name,
            base=self.base,
            preset=self.preset,
            epochs=self.epochs,
            folds=self.folds,
            consensus=self.images.consensus,
            min_roi_size=self.images.min_roi_size,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True)
class Member:
    """A finished member: its weights, and the positions of the images that it never learnt from.

    ``epochs`` holds F1 and Dice of its best and its last scored epoch on these images, at the usual
    cut: the best epoch is chosen on them.
    """

    number: int
    weights: Path
    sha256: str
    unseen: tuple[int, ...]
    steps: int
    seconds: float | None
    epochs: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Trained:
    """The members of a training that exist, and what they were trained with."""

    training: Training
    data: TrainingData
    card: ModelCard
    members: tuple[Member, ...]
    missing: tuple[int, ...]
    facts: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """File names of the images, in the order of their positions."""
        return [image.name for image in self.data.images]


def ensure_trained(home: Path, training: Training, *, may_train: bool = True) -> Trained:
    """Train what is missing, if that is wanted, and return the members that exist."""
    run = find_run(home, training)
    if may_train and not (run and _is_complete(home, run, training)):
        run = run or _begin(home, training)
        _perform(home, run, training)
    if run is None:
        raise SystemExit(f"{training.name}: nothing is trained yet; run without --no-train.")
    return read_trained(home, run, training)


def find_run(home: Path, training: Training) -> Run | None:
    """Return the newest run that trains exactly this, or None."""
    found = None
    for run in list_runs(home):
        if run.kind != "training" or run.options.get("model") != training.name:
            continue
        options = TrainOptions.from_json(run.options)
        is_ended = read_state(run) in {"failed", "cancelled"}
        if options == training.describe(options.dataset) and not is_ended:
            found = run
    return found


def read_trained(home: Path, run: Run, training: Training) -> Trained:
    """Return the finished members of a run, from the library or from its checkpoints."""
    options = TrainOptions.from_json(run.options)
    data = read_training_data(open_dataset(home, options.dataset), options, hooks=Hooks())
    folds = split_folds([image.name for image in data.images], folds=training.folds)
    stored = _find_published(home, run, training)
    facts = [_read_facts(run, number) for number in range(1, training.folds + 1)]
    members, missing = [], []
    before = 0.0
    for number, (fold, fact) in enumerate(zip(folds, facts, strict=True), start=1):
        path = stored.weights[number - 1] if stored else name_weights(run, number)
        if stored is None and fact is None:
            missing.append(number)
            continue
        spent = float(fact["job_seconds"]) if fact else None
        seconds = None if spent is None else round(spent - before, 1)
        steps = int(fact["step"]) if fact else 0
        epochs = compare_epochs(fact["history"] if fact else [])
        members.append(Member(number, path, hash_file(path), fold, steps, seconds, epochs))
        before = spent or before
    card = stored.card if stored else _draft_card(home, training, data)
    device = {str(fact["device"]) for fact in facts if fact}
    about = {
        "model": training.name,
        "options": training.describe("").model_dump(mode="json", exclude={"dataset"}),
        "filters": card.network.filters,
        "device": ", ".join(sorted(device)),
        "members": [
            {
                "number": one.number,
                "steps": one.steps,
                "seconds": one.seconds,
                "sha256": one.sha256,
                **one.epochs,
            }
            for one in members
        ],
        "missing": missing,
        "card": _describe_card(stored),
    }
    return Trained(training, data, card, tuple(members), tuple(missing), about)


def compare_epochs(history: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return F1 and Dice of the ``best_epoch`` and of the ``last_epoch`` that were scored."""
    scored = [one for one in history if {"f1", "dice"} <= one.keys()]
    if not scored:
        return {}
    chosen = {"best_epoch": max(scored, key=lambda one: one["f1"] + one["dice"])}
    chosen["last_epoch"] = scored[-1]
    return {
        name: {key: round(one[key], 4) for key in ("epoch", "f1", "dice")}
        for name, one in chosen.items()
    }


def _describe_card(stored: StoredModel | None) -> dict[str, Any] | None:
    """Return what the product itself says of the model, on the same images."""
    scores = None if stored is None else stored.card.scores
    if stored is None or scores is None:
        return None
    chosen = stored.card.model_dump(include={"threshold", "min_roi_size", "smallest_annotated"})
    return {**chosen, "f1": round(scores.f1, 4), "dice": round(scores.dice, 4)}


def _begin(home: Path, training: Training) -> Run:
    dataset = link_set(home, training.images, only=training.only)
    options = training.describe(dataset)
    return create_run(home, "training", options=options.model_dump(mode="json"))


def _perform(home: Path, run: Run, training: Training) -> None:
    print(f"{training.name}: job {run.id}", flush=True)
    clear_requests(run)
    job = perform_job(home, run, report=_Teller(training.name))
    if job["state"] != "done":
        raise SystemExit(f"{training.name}: {job['state']}. {job['message']}")


class _Teller:
    """Prints progress, a line each half minute."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last < _QUIET_SECONDS:
            return
        self._last = now
        wanted = ("epoch", "loss", "f1", "dice", "seconds_left")
        figures = {
            key: round(progress.metrics[key], 3) for key in wanted if key in progress.metrics
        }
        print(f"{self._name}: {progress.message} {figures}", flush=True)


def _is_complete(home: Path, run: Run, training: Training) -> bool:
    return _find_published(home, run, training) is not None


def _find_published(home: Path, run: Run, training: Training) -> StoredModel | None:
    cards = [one for one in list_models(home).get(training.name, []) if one.job == run.id]
    whole = [one for one in cards if one.members == training.folds]
    return find_model(home, f"{training.name}@{whole[-1].version}") if whole else None


def _read_facts(run: Run, number: int) -> dict[str, Any] | None:
    with suppress(InputError):
        return read_finished(run, number)
    return None


def _draft_card(home: Path, training: Training, data: TrainingData) -> ModelCard:
    """Return what prediction needs to know of a model that is not in the library yet."""
    if training.base == "new":
        plan = plan_training(training.preset)
        network = NetworkCard(channels=data.channels, filters=plan.filters, depth=plan.depth)
    else:
        network = find_model(home, training.base).card.network
    return ModelCard(name=training.name, network=network, intensity_range=data.intensity_range)
