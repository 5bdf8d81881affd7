"""Means over images and experts, and the content of summary.json."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from deepflash_service.demo.results import DemoResults


def test_means_are_over_images_and_counts_are_sums(results: DemoResults) -> None:
    """Scores are averaged per image, ROI counts added up."""
    assert results.mean.f1 == pytest.approx(0.85)
    assert (results.mean.matched, results.mean.predicted, results.mean.expected) == (80, 90, 100)


def test_the_mean_expert_is_scored_on_the_same_images(results: DemoResults) -> None:
    """Each expert's mean, and the mean of all of them."""
    assert results.experts == pytest.approx({"expert_1": 0.85, "expert_2": 0.75})
    assert results.mean_expert_f1 == pytest.approx(0.80)
    assert results.images[0].mean_expert_f1 == pytest.approx(0.8)


def test_the_summary_is_json_with_scores_experts_and_seconds(results: DemoResults) -> None:
    """The keys that scripts read are there, and JSON can hold everything."""
    summary = json.loads(json.dumps(results.to_json()))
    assert summary["scores"]["f1"] == pytest.approx(0.85)
    assert summary["mean_expert_f1"] == pytest.approx(0.8)
    assert summary["seconds"] == pytest.approx(254.5)
    assert [image["image"] for image in summary["images"]] == ["unseen-01", "unseen-02"]
    assert summary["images"][0]["expert_f1"]["expert_2"] == pytest.approx(0.7)
    assert summary["imagej"] == "1.54p"
    assert json.loads(json.dumps(replace(results, imagej=None).to_json()))["imagej"] is None
