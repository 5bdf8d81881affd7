"""Scores of images that take no part in the choice by which they are scored."""

from __future__ import annotations

import pytest

from deepflash_service.workflows.training_scores import Judgement, judge_maps, score_experts
from tests.unit.workflows.training_samples import draw_map, make_data

FOLDS = ((0, 1, 2), (3, 4, 5), (6, 7, 8))


def judge(inside: dict[int, float], *, may_change_size: bool = True) -> Judgement:
    """Judge maps that are so probable inside the ROIs."""
    maps = {index: draw_map(one) for index, one in inside.items()}
    return judge_maps(make_data(9), FOLDS, maps, min_roi_size=9, may_change_size=may_change_size)


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


def test_the_size_of_the_user_stays() -> None:
    """Specks that a larger size would remove stay."""
    specked = draw_map(0.9)
    specked[1:5, 14:18] = 0.9
    specked[1:5, 22:26] = 0.9
    maps = dict.fromkeys(range(9), specked)
    free, fixed = (
        judge_maps(make_data(9), FOLDS, maps, min_roi_size=9, may_change_size=one)
        for one in (True, False)
    )
    assert 16 < free.cut.min_roi_size <= 27
    assert fixed.cut.min_roi_size == 9
    assert {one.predicted for one in free.scores.values()} == {4}
    assert {one.predicted for one in fixed.scores.values()} == {6}


def test_experts_are_scored_on_the_same_images() -> None:
    """The consensus is the truth; a single annotation is not compared with itself."""
    found = score_experts(make_data(3), [0, 2], min_roi_size=9)
    assert (found["a"].f1, found["a"].expected) == (1.0, 8)
    assert found["b"].recall == pytest.approx(0.75)
    assert score_experts(make_data(3, experts="a"), [0, 2], min_roi_size=9) == {}
    assert score_experts(make_data(3), [], min_roi_size=9) == {}
