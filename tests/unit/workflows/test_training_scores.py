"""Scores of images that take no part in the choice by which they are scored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepflash_service.workflows.training_scores import Judgement, judge_maps, score_experts
from tests.unit.workflows.training_samples import TRUTH, draw_map, make_data

FOLDS = ((0, 1, 2), (3, 4, 5), (6, 7, 8))


def judge(inside: dict[int, float]) -> Judgement:
    """Judge maps that are so probable inside the ROIs."""
    maps = {index: draw_map(one) for index, one in inside.items()}
    return judge_maps(make_data(9), FOLDS, maps, min_roi_size=9)


def test_an_image_is_cut_where_other_folds_say() -> None:
    """The first fold alone is faint: the others would not lower the threshold, so it is missed."""
    judged = judge({index: 0.42 if index < 3 else 0.9 for index in range(9)})
    assert [one.f1 for _, one in sorted(judged.scores.items())] == [0.0] * 3 + [1.0] * 6
    assert judged.cut.threshold < 0.42
    assert not judged.labels[0].any()
    assert judged.labels[8].max() == 4


def test_folds_agree_on_a_threshold() -> None:
    """Where all maps are faint every image is scored with the lower threshold."""
    judged = judge(dict.fromkeys(range(9), 0.42))
    assert {one.f1 for one in judged.scores.values()} == {1.0}
    assert judged.mean is not None
    assert (judged.mean.f1, judged.mean.matched) == (1.0, 36)


def test_a_single_fold_is_judged_image_by_image() -> None:
    """The other images of the fold choose; one image alone is cut as usual."""
    judged = judge({0: 0.9, 1: 0.42, 2: 0.42})
    assert judged.scores[1].f1 == 1.0
    assert judged.cut.threshold < 0.42
    alone = judge({0: 0.42})
    assert alone.scores[0].f1 == 0.0
    assert alone.cut.threshold < 0.42


def test_without_maps_there_is_no_score() -> None:
    """The model keeps the usual cut."""
    judged = judge({})
    assert judged.mean is None
    assert (judged.cut.threshold, judged.cut.min_roi_size) == (0.5, 9)


def test_only_the_prediction_loses_small_rois() -> None:
    """A larger size removes specks, and the truth keeps its ROIs of the smallest annotated size."""
    specked = draw_map(0.9)
    specked[1:5, 14:18] = 0.9
    specked[1:5, 22:26] = 0.9
    maps = dict.fromkeys(range(9), specked)
    truth = TRUTH.copy()
    truth[1:5, 30:34] = 5
    data = make_data(9)
    images = tuple(replace(image, truth=truth) for image in data.images)
    judged = judge_maps(replace(data, images=images), FOLDS, maps, min_roi_size=9)
    assert 16 < judged.cut.min_roi_size <= 27
    assert {(one.predicted, one.expected) for one in judged.scores.values()} == {(4, 5)}


def test_experts_are_scored_on_the_same_images() -> None:
    """The consensus is the truth; a single annotation is not compared with itself."""
    found = score_experts(make_data(3), [0, 2], min_roi_size=9)
    assert (found["a"].f1, found["a"].expected) == (1.0, 8)
    assert found["b"].recall == pytest.approx(0.75)
    assert score_experts(make_data(3, experts="a"), [0, 2], min_roi_size=9) == {}
    assert score_experts(make_data(3), [], min_roi_size=9) == {}
