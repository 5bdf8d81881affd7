"""Made-up results of a demonstration."""

from __future__ import annotations

from typing import Any

import pytest

from deepflash_service.demo.results import DemoResults, Step, Training, UnseenResult
from deepflash_service.records import RoiScores


def make_scores(f1: float, **counts: int) -> RoiScores:
    numbers = {"matched": 40, "predicted": 45, "expected": 50} | counts
    return RoiScores(
        pixel_jaccard=0.7, dice=0.82, roi_jaccard=f1 / (2 - f1), precision=0.9, recall=0.8, f1=f1,
        matched=numbers["matched"], predicted=numbers["predicted"], expected=numbers["expected"],
    )  # fmt: skip


@pytest.fixture
def agreement() -> dict[str, Any]:
    return {
        "images": 8,
        "experts": ["expert_1", "expert_2"],
        "pairs": {"pixel_jaccard": 0.5, "dice": 0.6, "roi_jaccard": 0.6, "f1": 0.75},
        "pairwise": [{"a": "expert_1", "b": "expert_2", "f1": 0.75}],
        "consensus": {
            "mean_f1": 0.85,
            "per_expert": {
                "expert_1": {"f1": 0.9, "dice": 0.8},
                "expert_2": {"f1": 0.8, "dice": 0.7},
            },
        },
        "rois": {"expert_1": 500, "expert_2": 420, "consensus": 480},
    }


@pytest.fixture
def results(agreement: dict[str, Any]) -> DemoResults:
    return DemoResults(
        images=(
            UnseenResult("unseen-01", make_scores(0.8), {"expert_1": 0.9, "expert_2": 0.7}),
            UnseenResult("unseen-02", make_scores(0.9), {"expert_1": 0.8, "expert_2": 0.8}),
        ),
        agreement=agreement,
        training=Training(
            "demo@1",
            "a <CPU>",
            251.3,
            6,
            ({"epoch": 1.0, "loss": 1.0}, {"epoch": 2.0, "loss": 0.5, "f1": 0.8}),
            "Stopped early after epoch 2 of 40: the best epoch 1 is kept.",
        ),
        steps=(Step("Demonstration data", "8 images.", 3.21), Step("Training", "Long.", 251.3)),
        imagej="1.54p",
    )
