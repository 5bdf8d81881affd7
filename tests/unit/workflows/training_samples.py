"""Training data without files, and probability maps of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from deepflash_service.records import Calibration
from deepflash_service.workflows.training_data import TrainingData, TrainingImage

TRUTH = np.zeros((40, 40), np.int32)
for _number, _corner in enumerate((2, 12, 22, 32), start=1):
    TRUTH[_corner : _corner + 6, _corner : _corner + 6] = _number


def make_data(images: int, *, experts: str = "ab") -> TrainingData:
    """Return images with the same four ROIs; expert b misses the first."""
    annotations = {"a": TRUTH, "b": np.where(TRUTH > 1, TRUTH, 0)}
    chosen = {expert: annotations[expert] for expert in experts}
    pictures = tuple(
        TrainingImage(f"{number}.tif", TRUTH.astype(np.uint8), (TRUTH,), TRUTH, chosen)
        for number in range(images)
    )
    return TrainingData(pictures, (), "majority", 1, 9.0, Calibration())


def draw_map(inside: float) -> Any:
    """Return a map that is ``inside`` in the ROIs, in half precision."""
    return np.where(TRUTH > 0, inside, 0.05).astype(np.float16)
