"""Scores of one image and of several."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.agreement import (
    average_scores,
    count_agreement,
    dice,
    pixel_jaccard,
    pool_scores,
    roi_jaccard,
    score_labels,
    score_prediction,
)
from deepflash_service.errors import InputError

A = np.array([[1, 1, 0, 0, 1, 0]], dtype=bool)
B = np.array([[0, 1, 1, 0, 1, 0]], dtype=bool)


def test_pixel_scores() -> None:
    """Two of four pixels are shared."""
    assert pixel_jaccard(A, B) == 0.5
    assert dice(A, B) == pytest.approx(2 / 3)
    assert pixel_jaccard(A * 0.4, B, threshold=0.3) == 0.5


def test_roi_jaccard_filters_both_sides() -> None:
    """Of three ROIs one matches; without single pixels nothing is left to match."""
    assert roi_jaccard(A, B) == pytest.approx(1 / 3)
    assert roi_jaccard(A, B, min_roi_size=2) == 0.0
    assert roi_jaccard(A, B, min_roi_size=3) == 1.0


def test_score_of_a_prediction() -> None:
    """All scores and counts at once; label images keep touching ROIs apart."""
    scores = score_prediction(A, B)
    assert (scores.matched, scores.predicted, scores.expected) == (1, 2, 2)
    assert (scores.precision, scores.recall, scores.f1) == (0.5, 0.5, 0.5)
    assert scores.pixel_jaccard == 0.5
    assert scores.roi_jaccard == pytest.approx(1 / 3)
    labels = np.array([[1, 1, 2, 2]], dtype=np.int32)
    assert score_prediction(labels, labels).matched == 2
    assert score_labels(labels, labels, iou=1.0).f1 == 1.0


def test_mean_and_pooled_scores_differ() -> None:
    """The mean weighs images alike, pooling weighs ROIs alike."""
    empty = np.zeros_like(A)
    scores = [score_prediction(A, B), score_prediction(empty, empty)]
    mean = average_scores(scores)
    assert (mean.f1, mean.matched, mean.predicted) == (0.75, 1, 2)
    pooled = pool_scores([count_agreement(A, B), count_agreement(empty, empty)])
    assert pooled.f1 == 0.5
    assert pooled.dice == pytest.approx(2 / 3)


def test_no_scores_have_no_mean() -> None:
    """Nothing to average is an error, not NaN."""
    with pytest.raises(InputError):
        average_scores([])
    with pytest.raises(InputError):
        pool_scores([])


def test_pixels_of_different_images_are_refused() -> None:
    """Sizes must agree."""
    with pytest.raises(InputError):
        dice(A, A.T)
