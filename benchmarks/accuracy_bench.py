"""What the accuracy protocols share: where they work, which trainings they mean, bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.accuracy_data import find_set, read_experts
from benchmarks.accuracy_maps import predict_unseen
from benchmarks.accuracy_runs import Trained, Training, ensure_trained
from benchmarks.accuracy_scores import Unit, score_units

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deepflash_service.core.separation import Cut
    from deepflash_service.records import Preset, ProbabilityMap

FOLDS = {"wue1": 3, "parv": 3, "mue": 5, "inns1": 5, "dsb2018": 4}


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the protocols work and what was chosen on the command line.

    Attributes
    ----------
    home, data : Path
        Home folder of the product for runs, models and maps; folder with the image sets.
    preset : str
        Of the trainings, but for protocol ``quick``.
    epochs : int or None
        Instead of the preset's number.
    may_train : bool
        Whether missing members are trained.
    """

    home: Path
    data: Path
    preset: Preset = "standard"
    epochs: int | None = None
    may_train: bool = True

    def plan(self, name: str, role: str = "", **changes: Any) -> Training:
        """Return the training on a set; ``role`` tells it from others on the same set."""
        preset: Preset = changes.pop("preset", self.preset)
        epochs: int | None = changes.pop("epochs", self.epochs)
        model = "-".join(one for one in (name, role, preset, f"e{epochs}" * bool(epochs)) if one)
        chosen: dict[str, Any] = {"folds": FOLDS[name], "epochs": epochs, **changes}
        return Training(model, find_set(self.data, name), preset=preset, **chosen)

    def ensure(self, training: Training) -> Trained:
        """Return the members of a training; train what is missing unless told not to."""
        return ensure_trained(self.home, training, may_train=self.may_train)

    def score(self, trained: Trained) -> dict[str, Any]:
        """Return the scores of all images that a finished member never saw."""
        unseen = predict_unseen(self.home, trained)
        maps = {one.position: one.probability for one in unseen}
        return self.score_maps(trained, maps, groups={one.position: one.member for one in unseen})

    def score_maps(
        self,
        trained: Trained,
        maps: dict[int, ProbabilityMap],
        *,
        groups: dict[int, int],
        cut: Cut | None = None,
    ) -> dict[str, Any]:
        """Return the scores of maps given by the position of their image; ``cut`` is theirs."""
        images = trained.training.images
        units = make_units(trained, maps, groups=groups)
        if not units:
            raise SystemExit(f"{trained.training.name}: no member is finished yet.")
        return score_units(units, min_roi_size=images.min_roi_size, cut=cut)


def make_units(
    trained: Trained, maps: dict[int, ProbabilityMap], *, groups: dict[int, int]
) -> list[Unit]:
    """Return the images of a training with their maps, truths and experts."""
    experts = read_experts(trained.training.images)
    return [
        Unit(
            name=trained.names[position],
            group=groups[position],
            probability=probability,
            truth=trained.data.images[position].truth,
            experts=experts.get(trained.names[position], {}),
        )
        for position, probability in sorted(maps.items())
    ]


def judge(
    what: str, value: float | None, *, at_least: float | None = None, at_most: float | None = None
) -> dict[str, Any]:
    """Return one bar with the value measured and whether it holds."""
    is_high = at_least is None or (value is not None and value >= at_least)
    is_low = at_most is None or (value is not None and value <= at_most)
    bound = {"at_least": at_least} if at_most is None else {"at_most": at_most}
    holds = is_high and is_low and value is not None
    return {"what": what, "value": value, **bound, "holds": holds}


def describe(*trained: Trained) -> dict[str, Any]:
    """Return the facts of the trainings of a protocol, and which members are missing."""
    missing = {one.training.name: list(one.missing) for one in trained if one.missing}
    return {"trainings": [one.facts for one in trained], "missing_members": missing}


def find_slowest(trained: Sequence[Trained]) -> float | None:
    """Return the seconds of the slowest member, or None where no time is known."""
    known = [one.seconds for each in trained for one in each.members if one.seconds is not None]
    return max(known, default=None)
