"""Train the members of a model, each without its own fold of whole images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.agreement import average_scores, score_labels
from deepflash_service.core.labels import label_rois, remove_small_rois
from deepflash_service.core.sampling import make_example, split_folds
from deepflash_service.errors import InputError
from deepflash_service.store.atomic import write_json
from deepflash_service.store.reading import read_json
from deepflash_service.workflows.devices import find_device
from deepflash_service.workflows.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from deepflash_service.records import LabelImage, ModelCard, ProbabilityMap, TrainOptions
    from deepflash_service.store.models import StoredModel
    from deepflash_service.store.runs import Run
    from deepflash_service.workflows.training_data import TrainingData

_FINE_TUNING_FACTOR = 0.3


@dataclass(frozen=True, slots=True)
class Course:
    """What will be trained: size of the network, epochs, and the fold held out per member."""

    filters: int
    depth: int
    epochs: int
    folds: tuple[tuple[int, ...], ...]
    seed: int

    @property
    def members(self) -> int:
        """Number of members."""
        return len(self.folds)

    @property
    def has_held_out(self) -> bool:
        """Whether any image is held out."""
        return any(self.folds)

    def list_seen(self, count: int) -> list[int]:
        """Return the positions of the images, out of ``count``, that at least one member sees."""
        return [index for index in range(count) if any(index not in fold for fold in self.folds)]


@dataclass(slots=True)
class TrainedMembers:
    """Keras networks, and the ROIs predicted on each held-out image by a member that never saw it.

    ``labels`` is keyed by the position of the image in the training data.
    """

    networks: list[Any] = field(default_factory=list)
    labels: dict[int, LabelImage] = field(default_factory=dict)
    device: str = ""


def plan_course(data: TrainingData, options: TrainOptions, *, base: StoredModel | None) -> Course:
    """Choose network size, epochs and folds from the preset and the number of images.

    Raises
    ------
    InputError
        Code ``channel_mismatch`` when the base model has other channels.
    """
    from deepflash_service.network.presets import plan_training

    if base is not None and base.card.network.channels != data.channels:
        raise InputError(
            f"The base model {base.reference} expects {base.card.network.channels} channels, but "
            f"the images have {data.channels}. Choose another base model or a channel.",
            code="channel_mismatch",
        )
    plan = plan_training(options.preset, epochs=options.epochs, is_fine_tuning=base is not None)
    folds = split_folds([image.name for image in data.images], folds=plan.folds)
    return Course(plan.filters, plan.depth, plan.epochs, folds[: plan.members], options.seed)


def train_members(
    data: TrainingData,
    course: Course,
    *,
    card: ModelCard,
    job: Run,
    base: StoredModel | None,
    hooks: Hooks,
) -> TrainedMembers:
    """Train all members, or the first ones when the user stops early.

    Raises
    ------
    JobCancelled
        When the user cancelled.
    ComputeError
        Codes ``training_diverged`` and ``out_of_memory``.
    """
    trained = TrainedMembers()
    for number, fold in enumerate(course.folds):
        prefix = f"member {number + 1} of {course.members}, " if course.members > 1 else ""
        step = hooks.for_step(number, course.members, prefix=prefix)
        member = _Member(data, course, card=card, number=number, fold=fold)
        network, device = member.restore(job.checkpoints), ""
        if network is None:
            network, device = member.train(base, step)
            # A member that was cut short would pass for a finished one when the job is resumed.
            if not hooks.is_stopping():
                member.keep(network, device, folder=job.checkpoints)
        trained.networks.append(network)
        trained.device = device or trained.device or member.read_device(job.checkpoints)
        trained.labels.update(member.label_held_out(network, hooks))
        if hooks.is_stopping():
            break
    return trained


class _Member:
    """One member: its fold, its training, its place in the job folder."""

    def __init__(
        self,
        data: TrainingData,
        course: Course,
        *,
        card: ModelCard,
        number: int,
        fold: Sequence[int],
    ) -> None:
        self.data = data
        self.course = course
        self.card = card
        self.number = number
        self.fold = tuple(fold)

    def train(self, base: StoredModel | None, hooks: Hooks) -> tuple[Any, str]:
        """Train the network; return it with the name of the device."""
        from deepflash_service.network.presets import TrainSettings
        from deepflash_service.network.training import HeldOut, TrainHooks, train_member

        usual = TrainSettings()
        settings = TrainSettings(
            epochs=self.course.epochs,
            seed=self.course.seed + self.number,
            learning_rate=usual.learning_rate * (1.0 if base is None else _FINE_TUNING_FACTOR),
        )
        examples = [
            make_example(self.data.normalise(index), image.targets)
            for index, image in enumerate(self.data.images)
            if index not in self.fold
        ]
        held_out = [self.data.normalise(index) for index in self.fold]
        trained = train_member(
            self.card.network,
            examples,
            settings=settings,
            held_out=HeldOut(held_out, self.score) if held_out else None,
            hooks=TrainHooks(
                report=hooks.report,
                is_cancelled=hooks.is_cancelled,
                is_stopping=hooks.is_stopping,
            ),
            start=None
            if base is None
            else self._read(base.weights[self.number % base.card.members]),
        )
        return trained.network, find_device().name

    def score(self, maps: Sequence[ProbabilityMap]) -> Mapping[str, float]:
        """Return mean F1 and Dice of probability maps of the held-out images."""
        mean = average_scores(
            [
                score_labels(self._label(one), self._truth(index))
                for one, index in zip(maps, self.fold, strict=True)
            ]
        )
        return {"f1": mean.f1, "dice": mean.dice, "roi_jaccard": mean.roi_jaccard}

    def label_held_out(self, network: Any, hooks: Hooks) -> dict[int, LabelImage]:
        """Predict the held-out images as a finished model would."""
        from deepflash_service.workflows.prediction import make_loaded

        if not self.fold:
            return {}
        model = make_loaded([network], self.card, reference=self.card.name)
        found = {}
        for index in self.fold:
            hooks.check()
            pixels = np.asarray(self.data.images[index].pixels, dtype=np.float32)
            quiet = Hooks(is_cancelled=hooks.is_cancelled)
            found[index] = self._label(model.predict(pixels, quiet))
        return found

    def keep(self, network: Any, device: str, *, folder: Path) -> None:
        """Write the finished member to the job folder, with a fingerprint of its data."""
        from deepflash_service.network.weights import write_weights

        folder.mkdir(exist_ok=True)
        write_weights(network, self._path(folder))
        facts = {"device": device, "data": self.data.fingerprint}
        write_json(self._path(folder).with_suffix(".json"), facts)

    def restore(self, folder: Path) -> Any:
        """Return the member finished before an interruption on the same data, or None."""
        path = self._path(folder)
        facts = path.with_suffix(".json")
        if not facts.is_file() or read_json(facts).get("data") != self.data.fingerprint:
            return None
        return self._read(path)

    def read_device(self, folder: Path) -> str:
        """Return the device that trained the restored member."""
        return str(read_json(self._path(folder).with_suffix(".json")).get("device", ""))

    def _path(self, folder: Path) -> Path:
        return folder / f"member-{self.number + 1}.weights.h5"

    def _read(self, path: Path) -> Any:
        from deepflash_service.network.architecture import build_network
        from deepflash_service.network.weights import read_weights

        network = build_network(self.card.network)
        read_weights(network, path)
        return network

    def _label(self, probability: ProbabilityMap) -> LabelImage:
        return label_rois(
            probability, threshold=self.card.threshold, min_roi_size=self.card.min_roi_size
        )

    def _truth(self, index: int) -> LabelImage:
        truth = self.data.images[index].truth
        return remove_small_rois(truth, min_roi_size=self.card.min_roi_size)
