"""A home folder and images for segmentations that processes share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.errors import ComputeError
from deepflash_service.records import ModelCard, SegmentOptions
from deepflash_service.store import models
from deepflash_service.store.images import write_image
from deepflash_service.workflows import planned_model, prediction, segment_parts
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.prediction import EngineChoice, LoadedModel
from deepflash_service.workflows.segment_plan import ImagePart, SegmentPlan, make_plan
from deepflash_service.workflows.segment_shared import segment_shard
from tests.unit.workflows.conftest import LABELS, make_model

OPTIONS = SegmentOptions(model="bright")


class Library:
    """A home folder with the model ``bright``, and images; counts what is predicted."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.output = folder / "out"
        self.predicted = 0
        self.loaded: list[EngineChoice] = []
        self.engines = {"fake", "other"}
        self.fastest = "fake"
        self.weights: list[str] = []
        with models.stage_model(self.home) as staged:
            (staged / "member-1.weights.h5").write_bytes(b"weights")
            stored = models.publish_model(self.home, staged, card=ModelCard(name="bright"))
            self.weights = stored.card.weights_sha256
        self.parts = []
        for number in range(5):
            path = folder / "images" / f"i{number}.tif"
            write_image(path, ((LABELS > 0) * 40 * (number + 1)).astype(np.uint8))
            self.parts.append(ImagePart(str(path), path.stem))

    def load(self, _home: Path, _reference: str, *, choice: EngineChoice) -> LoadedModel:
        """Stand for ``load_model``."""
        self.loaded.append(choice)
        engine = self.fastest if choice.engine == "auto" else str(choice.engine)
        if engine not in self.engines:
            raise ComputeError("No engine.", code="engine_unavailable")
        model = make_model(weights_sha256=self.weights)

        def predict(image: Any, hooks: Hooks) -> Any:
            self.predicted += 1
            return model.predict(image, hooks)

        return replace(model, predict=predict, engine=engine, precision="float32")

    def plan(self, **options: Any) -> SegmentPlan:
        """Return the plan of a segmentation."""
        return make_plan(self.home, self.output, options=OPTIONS.model_copy(update=options))

    def run(self, number: int, count: int = 2, **options: Any) -> dict[str, Any]:
        """Segment one shard."""
        return segment_shard(
            self.plan(**options), self.parts, shard=(number, count), output=self.output
        )

    def read(self, name: str) -> bytes:
        """Return the bytes of a result."""
        return (self.output / name).read_bytes()


def make_library(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Return a library whose model is a fake."""
    found = Library(folder)
    monkeypatch.setattr(prediction, "load_model", found.load)
    planned_model._load_once.cache_clear()
    segment_parts._check_folders.cache_clear()
    return found
