"""What the demonstration found out, as frozen values for table, report and summary.json."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

from deepflash_service.records import RoiScores

_AVERAGED = ("pixel_jaccard", "dice", "roi_jaccard", "precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the workflow: what was done, by whom, and how long it took (seconds)."""

    title: str
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class UnseenResult:
    """The model on one unseen image, and the experts (F1 by name) on the same image."""

    name: str
    scores: RoiScores
    experts: dict[str, float]

    @property
    def mean_expert_f1(self) -> float:
        """Mean F1 of the experts against the truth of this image."""
        return statistics.fmean(self.experts.values())


@dataclass(frozen=True, slots=True)
class Training:
    """How the model came about: name with version, device, seconds, metrics of each epoch.

    ``ending`` says why there were fewer epochs than planned.
    """

    model: str
    device: str
    seconds: float
    images: int
    epochs: tuple[dict[str, float], ...] = ()
    ending: str = ""


@dataclass(frozen=True, slots=True)
class DemoResults:
    """Everything that the demonstration reports.

    Attributes
    ----------
    images : tuple of UnseenResult
        The unseen images, at least one.
    agreement : dict
        Agreement of the experts on the training images, the JSON of ``deepflash agreement``.
    training : Training
        The training run.
    steps : tuple of Step
        What was done, in order.
    imagej : str or None
        Version of the ImageJ that took part; None when there was no JVM.
    is_quick : bool
        Whether the training was cut short.
    """

    images: tuple[UnseenResult, ...]
    agreement: dict[str, Any]
    training: Training
    steps: tuple[Step, ...] = field(default=())
    imagej: str | None = None
    is_quick: bool = False

    @property
    def mean(self) -> RoiScores:
        """Mean over the unseen images; counts are sums."""
        scores = [image.scores for image in self.images]
        means = {
            name: statistics.fmean(float(getattr(score, name)) for score in scores)
            for name in _AVERAGED
        }
        return RoiScores(
            **means,
            matched=sum(score.matched for score in scores),
            predicted=sum(score.predicted for score in scores),
            expected=sum(score.expected for score in scores),
        )

    @property
    def experts(self) -> dict[str, float]:
        """Mean F1 of each expert over the unseen images, against the truth."""
        names = self.images[0].experts
        return {
            name: statistics.fmean(image.experts[name] for image in self.images) for name in names
        }

    @property
    def mean_expert_f1(self) -> float:
        """Mean F1 over experts and unseen images, against the truth."""
        return statistics.fmean(self.experts.values())

    @property
    def seconds(self) -> float:
        """Seconds from the first step to the last."""
        return sum(step.seconds for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``summary.json``."""
        return {
            "scores": self.mean.model_dump(),
            "mean_expert_f1": self.mean_expert_f1,
            "expert_f1": self.experts,
            "seconds": round(self.seconds, 1),
            "training_seconds": round(self.training.seconds, 1),
            "model": self.training.model,
            "device": self.training.device,
            "imagej": self.imagej,
            "quick": self.is_quick,
            "images": [
                {"image": image.name, **image.scores.model_dump(), "expert_f1": image.experts}
                for image in self.images
            ],
            "agreement": self.agreement,
            "steps": [asdict(step) for step in self.steps],
        }
