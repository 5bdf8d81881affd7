"""What will be trained: size, epochs, and which images each member never sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deepflash_service.core.sampling import split_folds
from deepflash_service.errors import InputError
from deepflash_service.records import NetworkCard

if TYPE_CHECKING:
    from deepflash_service.records import TrainOptions
    from deepflash_service.store.models import StoredModel
    from deepflash_service.workflows.training_data import TrainingData


@dataclass(frozen=True, slots=True)
class Course:
    """What will be trained: size of the network, epochs, and the fold held out per member.

    ``parts`` = how many folds the images were divided into (0 when none can be held out).
    ``ahead`` and ``behind`` count members of the same job that are trained before and after, and
    ``title`` says what tells these from the others.
    """

    filters: int
    depth: int
    epochs: int
    folds: tuple[tuple[int, ...], ...]
    seed: int
    parts: int = 0
    ahead: int = 0
    behind: int = 0
    title: str = ""

    @property
    def members(self) -> int:
        """Number of members."""
        return len(self.folds)

    @property
    def total(self) -> int:
        """Number of members that the job trains."""
        return self.ahead + self.members + self.behind

    def describe_network(self, channels: int) -> NetworkCard:
        """Return the network of a new model for images of so many channels."""
        return NetworkCard(channels=channels, filters=self.filters, depth=self.depth)

    @property
    def has_held_out(self) -> bool:
        """Whether any image is held out."""
        return any(self.folds)

    def list_seen(self, count: int) -> list[int]:
        """Return the positions of the images, out of ``count``, that at least one member sees."""
        return [index for index in range(count) if any(index not in fold for fold in self.folds)]


def plan_course(data: TrainingData, options: TrainOptions, *, base: StoredModel | None) -> Course:
    """Choose network size, epochs and folds from the preset and the number of images.

    A number of folds in the options overrules those of the preset, and its number of members.

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
    names = [image.name for image in data.images]
    folds = split_folds(names, folds=options.folds or plan.folds)
    members = options.folds or plan.members
    course = Course(plan.filters, plan.depth, plan.epochs, folds[:members], options.seed)
    is_compared = options.compare and base is not None and course.has_held_out
    return replace(
        course,
        parts=len(folds) if course.has_held_out else 0,
        behind=course.members if is_compared else 0,
    )
