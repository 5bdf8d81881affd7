"""Matching ROIs one to one."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.agreement import (
    compare_image,
    roi_jaccard,
    score_labels,
    score_prediction,
)
from deepflash_service.core.labels import label_rois
from deepflash_service.core.matching import RoiMatch, match_labels, match_rois
from deepflash_service.core.overlaps import overlap_rois
from deepflash_service.errors import InputError


def test_labels_of_the_pairs_are_those_given() -> None:
    """Pairs name the user's labels, gaps included."""
    a = np.array([[5, 5, 0, 9, 9, 0, 2]], dtype=np.uint16)
    b = np.array([[3, 3, 0, 0, 7, 0, 0]], dtype=np.int64)
    match = match_rois(a, b)
    assert match.pairs.tolist() == [[5, 3], [9, 7]]
    assert match.ious.tolist() == [1.0, 0.5]
    assert (match.matched, match.predicted, match.expected) == (2, 3, 2)
    assert match.precision == pytest.approx(2 / 3)
    assert (match.recall, match.f1) == (1.0, 0.8)
    assert match.roi_jaccard == pytest.approx(2 / 3)


def test_an_iou_of_exactly_the_limit_matches() -> None:
    """At 0.5 an ROI can have two partners; it gets one."""
    a = np.array([[1, 1, 1, 1]], dtype=np.int32)
    b = np.array([[1, 1, 2, 2]], dtype=np.int32)
    assert match_labels(a, b).matched == 1
    assert match_labels(b, a).matched == 1
    assert match_labels(a, b, iou=0.51).matched == 0


def test_the_global_optimum_beats_the_greedy_choice() -> None:
    """Giving up the best pair wins a second one."""
    a = np.array([[1] * 6 + [2] * 4], dtype=np.int32)
    b = np.array([[0, 0, 0, 1, 1, 1, 1, 1, 1, 2]], dtype=np.int32)
    assert match_labels(a, b, iou=0.2).pairs.tolist() == [[1, 1], [2, 2]]
    three = np.array([[1, 1, 1, 1, 1, 1, 3, 3]], dtype=np.int32)
    two = np.array([[1, 1, 2, 2, 2, 2, 2, 2]], dtype=np.int32)
    match = match_labels(three, two, iou=0.25)
    assert match.pairs.tolist() == [[1, 1], [3, 2]]


def test_many_labels_use_less_memory() -> None:
    """With thousands of labels on both sides only the pairs that occur are counted."""
    labels = np.arange(1, 3001, dtype=np.int32).reshape(50, 60)
    overlap = overlap_rois(labels, labels[::-1].copy())
    assert overlap.first.size == 3000
    assert match_labels(labels, labels).matched == 3000


def test_empty_sides() -> None:
    """Nothing against nothing is perfect, nothing against something is zero."""
    empty, some = np.zeros((2, 2), dtype=bool), np.eye(2, dtype=bool)
    nothing, missed, invented = (
        match_rois(*pair) for pair in ((empty, empty), (empty, some), (some, empty))
    )
    assert nothing.precision == nothing.recall == nothing.f1 == nothing.roi_jaccard == 1.0
    assert missed.precision == missed.recall == missed.f1 == missed.roi_jaccard == 0.0
    assert invented.precision == invented.recall == invented.f1 == 0.0


def test_probabilities_are_cut_at_one_half() -> None:
    """A probability map stands for its ROIs."""
    probability = np.array([[0.9, 0.1, 0.6]], dtype=np.float32)
    assert match_rois(probability, probability > 0.5).matched == 2


@pytest.mark.parametrize("iou", [0.0, -1.0, 1.1])
def test_impossible_iou_is_refused(iou: float) -> None:
    """IoU lies between 0 and 1."""
    with pytest.raises(InputError):
        match_rois(np.eye(2), np.eye(2), iou=iou)


def test_masks_of_different_images_are_refused() -> None:
    """Both shapes are named."""
    with pytest.raises(InputError, match=r"\(2, 2\).*\(3, 3\)") as caught:
        match_rois(np.eye(2), np.eye(3))
    assert caught.value.code == "shape_mismatch"


def test_scores_of_a_match_follow_their_formulas() -> None:
    """TP 3, FP 1, FN 2."""
    match = RoiMatch(np.zeros((3, 2), dtype=np.int64), np.ones(3), 4, 5)
    assert (match.precision, match.recall) == (0.75, 0.6)
    assert match.roi_jaccard == 0.5
    assert match.f1 == pytest.approx(6 / 9)


@pytest.mark.parametrize("kind", [bool, "u1", "u2", "i4", "i8", "f4"])
@pytest.mark.parametrize("value", [1, 255])
def test_two_values_of_any_type_are_a_mask(kind: str, value: int) -> None:
    """Matching, the ROI Jaccard index and labelling read the same mask alike."""
    first = (np.array([[1, 0, 1]]) * value).astype(kind)
    second = (np.array([[0, 0, 1]]) * value).astype(kind)
    match = match_rois(first, second)
    assert (match.matched, match.predicted, match.expected) == (1, 2, 1)
    assert roi_jaccard(first, second) == match.roi_jaccard == 0.5
    assert label_rois(first).max() == 2
    assert score_prediction(first, second).predicted == 2


def test_parts_of_one_label_stay_one_roi() -> None:
    """A label image that is known to be one keeps an ROI of two parts."""
    labels = np.array([[1, 0, 1]], dtype=np.int32)
    assert match_labels(labels, labels).predicted == 1
    assert score_labels(labels, labels).predicted == 1
    assert compare_image({"a": labels, "b": labels}).rois == {"a": 1, "b": 1}


@pytest.mark.parametrize("kind", [bool, "u2", "i4", "i8", "f4"])
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_nothing_agrees_with_nothing(kind: str, shape: tuple[int, int]) -> None:
    """Arrays without a pixel hold no ROI."""
    empty = np.zeros(shape, kind)
    assert match_rois(empty, empty).f1 == 1
    assert roi_jaccard(empty, empty, variant="original") == 1


def test_rows_of_different_lengths_are_refused() -> None:
    """A ragged list is refused in our own words."""
    with pytest.raises(InputError, match="rows and columns"):
        match_rois([[1, 0], [1]], [[1, 0], [1]])


def test_more_pairs_count_more_than_better_ones() -> None:
    """Two poor pairs are chosen over one good pair."""
    a = np.array([[1] * 10 + [2] * 4], dtype=np.int32)
    b = np.array([[2] * 2 + [1] * 10 + [0] * 2], dtype=np.int32)
    assert match_labels(a, b, iou=0.3).pairs.tolist() == [[1, 1]]
    assert match_labels(a, b, iou=0.15).pairs.tolist() == [[1, 2], [2, 1]]
