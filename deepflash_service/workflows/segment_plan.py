"""What all processes of one shared segmentation agree on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from deepflash_service import __version__
from deepflash_service.store.models import find_model
from deepflash_service.workflows.prediction import FASTEST, EngineChoice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deepflash_service.records import SegmentOptions


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """What all processes of one segmentation agree on; plain values, fit to travel.

    Attributes
    ----------
    home, output : str
        Absolute folders that every process sees.
    model : str
        ``NAME@VERSION``.
    weights : tuple of str
        SHA-256 of the weight files.
    options : str
        JSON of the segment options.
    choice : EngineChoice
        What shall compute; ``auto``: the first process that loads the model decides for all.
    token : str
        File that shows another computer that it shares the output folder; empty = not asked.
    """

    home: str
    output: str
    model: str
    weights: tuple[str, ...]
    options: str
    choice: EngineChoice = FASTEST
    token: str = ""

    @property
    def key(self) -> str:
        """Fingerprint of all that decides the results of an image, but for the image."""
        facts = [__version__, self.model, self.weights, json.loads(self.options)]
        return _hash([*facts, asdict(self.choice)])


@dataclass(frozen=True, slots=True)
class ImagePart:
    """One image of the segmentation: its file, and the name of its results."""

    source: str
    name: str


def make_plan(
    home: Path, output: Path, *, options: SegmentOptions, choice: EngineChoice = FASTEST
) -> SegmentPlan:
    """Settle the version of the model and all that must be equal everywhere.

    Raises
    ------
    NotFoundError
        Code ``unknown_model``.
    """
    stored = find_model(home, options.model)
    exact = options.model_copy(update={"model": stored.reference})
    return SegmentPlan(
        home=str(home.absolute()),
        output=str(output.absolute()),
        model=stored.reference,
        weights=tuple(stored.card.weights_sha256),
        options=exact.model_dump_json(),
        choice=choice,
    )


def make_key(plan: SegmentPlan, parts: Sequence[ImagePart]) -> str:
    """Return the fingerprint of a plan with all its images, in their order."""
    return _hash([plan.key, [[part.source, part.name] for part in parts]])


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
