"""Train the members of a model, each without its own fold of whole images."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.agreement import average_scores, score_labels
from deepflash_service.core.labels import remove_small_rois
from deepflash_service.core.sampling import make_example
from deepflash_service.core.separation import Cut
from deepflash_service.errors import InputError
from deepflash_service.workflows.devices import find_device
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.training_report import MemberReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from deepflash_service.network.presets import TrainSettings
    from deepflash_service.network.training import TrainedMember, TrainingState
    from deepflash_service.records import LabelImage, ModelCard, ProbabilityMap
    from deepflash_service.store.models import StoredModel
    from deepflash_service.workflows.training_course import Course
    from deepflash_service.workflows.training_data import TrainingData
    from deepflash_service.workflows.training_keeper import Keeper, MemberKeeper

    HalfMap = npt.NDArray[np.float16]

_FINE_TUNING_FACTOR = 0.3


@dataclass(slots=True)
class TrainedMembers:
    """Keras networks, and what a member that never saw it predicts for each held-out image.

    Attributes
    ----------
    networks : list of keras.Model
    steps : list of int
        Taken by each network.
    maps : dict of int to ndarray of float16, shape (M, N)
        Probabilities, keyed by the position of the image in the training data.
    labels : dict of int to LabelImage
        The ROIs in these maps, once it is chosen where to cut them.
    device : str
        What trained last.
    fault : str
        Why the training ended early although nobody asked for it.
    wanted_steps : int
        That an undisturbed training takes at most.
    is_stopped : bool
        The user ended it before all members had learnt.
    endings : list of str
        Of each member that needed fewer epochs than it could have had: why it ended.
    """

    networks: list[Any] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    maps: dict[int, HalfMap] = field(default_factory=dict)
    labels: dict[int, LabelImage] = field(default_factory=dict)
    device: str = ""
    fault: str = ""
    wanted_steps: int = 0
    is_stopped: bool = False
    endings: list[str] = field(default_factory=list)

    def note_ending(self, member: str, ending: str) -> None:
        """Keep why a member ended; nothing when it took all its epochs."""
        self.endings += [f"{member}{ending}"] if ending else []


def train_members(
    data: TrainingData,
    course: Course,
    *,
    card: ModelCard,
    keeper: Keeper,
    base: StoredModel | None,
    hooks: Hooks,
) -> TrainedMembers:
    """Train all members, or the first ones when the user stops early.

    A member that was finished before an interruption is read, the one in hand goes on where its
    last checkpoint was written. A member that was stopped before its first step is left out.

    Raises
    ------
    JobCancelled
        When the user cancelled.
    ComputeError
        Codes ``training_diverged`` and ``out_of_memory``.
    SetupError
        Code ``disk_full``.
    """
    trained = TrainedMembers()
    for number in range(course.members):
        member = _Member(data, course, card=card, number=number, base=base)
        trained.wanted_steps = course.members * member.settings.wanted_steps
        kept = keeper.for_member(course.ahead + number + 1, settings=member.hash_settings())
        report = _make_report(course, number, hooks=hooks, keeper=keeper)
        restored = kept.restore(member.build, hooks.warn)
        if restored is not None:
            network, facts = restored
            steps, trained.device = int(facts["step"]), str(facts["device"])
            trained.note_ending(report.prefix, facts.get("ending", ""))
        else:
            outcome = member.train(kept, report, hooks)
            network, steps, trained.device = outcome.network, outcome.steps, find_device().name
            trained.note_ending(report.prefix, outcome.ending)
            trained.fault = outcome.fault and f"{report.prefix}{outcome.fault}"
            trained.is_stopped = outcome.stopped
            if not steps:
                break
            # A member that was cut short would pass for a finished one when the job is resumed.
            if not outcome.stopped and not outcome.fault:
                kept.finish(outcome, device=trained.device)
        trained.networks.append(network)
        trained.steps.append(steps)
        trained.maps.update(member.predict_held_out(network, hooks))
        if trained.fault:
            break
        if hooks.is_stopping():
            trained.is_stopped |= number + 1 < course.members
            break
    return trained


def _make_report(course: Course, number: int, *, hooks: Hooks, keeper: Keeper) -> MemberReport:
    return MemberReport(
        hooks,
        course.ahead + number,
        members=course.total,
        results=keeper.run.results,
        title=course.title,
    )


class _Member:
    """One member: its fold and its training."""

    def __init__(
        self,
        data: TrainingData,
        course: Course,
        *,
        card: ModelCard,
        number: int,
        base: StoredModel | None,
    ) -> None:
        self.data = data
        self.course = course
        self.card = card
        self.number = number
        self.fold = course.folds[number]
        self.base = base

    @property
    def settings(self) -> TrainSettings:
        """How it learns."""
        from deepflash_service.network.presets import TrainSettings, choose_patience

        usual = TrainSettings()
        return TrainSettings(
            epochs=self.course.epochs,
            patience=choose_patience(self.course.epochs),
            seed=self.course.seed + self.number,
            learning_rate=usual.learning_rate * (1.0 if self.base is None else _FINE_TUNING_FACTOR),
        )

    def hash_settings(self) -> str:
        """Return the SHA-256 of all that, beside the data, decides what the member learns."""
        facts = {
            "network": self.card.network.model_dump(mode="json"),
            "settings": asdict(self.settings),
            "fold": list(self.fold),
            "consensus": self.card.consensus,
            "channel": self.card.options and self.card.options.channel,
            "min_roi_size": self.card.min_roi_size,
            "start": self.card.start,
            "base": self.base and self.base.card.weights_sha256,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def build(self) -> Any:
        """Return the network with random weights."""
        from deepflash_service.network.architecture import build_network

        return build_network(self.card.network)

    def train(self, kept: MemberKeeper, report: MemberReport, hooks: Hooks) -> TrainedMember:
        """Train the network, from the beginning or from its last checkpoint."""
        state = kept.read(hooks.warn)
        try:
            return self._train(kept, report, hooks, state=state)
        except InputError as error:
            if state is None or error.code != "unusable_checkpoint":
                raise
        kept.discard(hooks.warn)
        return self._train(kept, report, hooks, state=None)

    def _train(
        self,
        kept: MemberKeeper,
        report: MemberReport,
        hooks: Hooks,
        *,
        state: TrainingState | None,
    ) -> TrainedMember:
        from deepflash_service.network.training import HeldOut, TrainHooks, train_member

        examples = [
            make_example(self.data.normalise(index), image.targets)
            for index, image in enumerate(self.data.images)
            if index not in self.fold
        ]

        def score(maps: Sequence[ProbabilityMap]) -> Mapping[str, float]:
            return self.score(maps, report)

        report.tell_start(find_device(), epochs=self.course.epochs, state=state)
        kept.begin()
        held_out = [self.data.normalise(index) for index in self.fold]
        return train_member(
            self.card.network,
            examples,
            settings=self.settings,
            held_out=HeldOut(held_out, score) if held_out else None,
            hooks=TrainHooks(
                report=report,
                warn=hooks.warn,
                is_cancelled=hooks.is_cancelled,
                is_stopping=hooks.is_stopping,
                share_device=hooks.share_device,
                is_due=kept.is_due,
                save=kept.save,
            ),
            start=state or self._build_start(),
        )

    def score(self, maps: Sequence[ProbabilityMap], report: MemberReport) -> Mapping[str, float]:
        """Return mean scores of probability maps of the held-out images, and draw the first."""
        card, images = self.card, [self.data.images[index] for index in self.fold]
        smallest = card.min_roi_size
        cut = Cut(card.threshold, smallest, card.separation)
        labels = [cut.find_rois(one) for one in maps]
        truths = [remove_small_rois(one.truth, min_roi_size=smallest) for one in images]
        pairs = zip(labels, truths, strict=True)
        mean = average_scores([score_labels(found, truth) for found, truth in pairs])
        report.draw(images[0].pixels, labels[0], truths[0])
        names = ("f1", "dice", "roi_jaccard", "pixel_jaccard")
        return {name: float(getattr(mean, name)) for name in names}

    def predict_held_out(self, network: Any, hooks: Hooks) -> dict[int, HalfMap]:
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
            # half precision: the maps of all images are in memory together
            found[index] = model.predict(pixels, quiet).astype(np.float16)
        return found

    def _build_start(self) -> Any:
        from deepflash_service.network.generic_start import build_start
        from deepflash_service.network.weights import read_weights

        if self.base is None:
            return build_start(self.card.network)
        network = self.build()
        read_weights(network, self.base.weights[self.number % self.base.card.members])
        return network
