"""Scores and matches hold for any pair of masks."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deepflash_service.core.agreement import (
    count_labels,
    dice,
    match_labels,
    pixel_jaccard,
    pool_scores,
    roi_jaccard,
    score_labels,
    score_prediction,
)

if TYPE_CHECKING:
    from deepflash_service.records import LabelImage

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10)


@st.composite
def pairs(draw: st.DrawFn, elements: st.SearchStrategy[Any], dtype: type) -> tuple[Any, Any]:
    """Draw two arrays of the same shape."""
    shape = draw(SHAPES)
    return tuple(draw(hnp.arrays(dtype, shape, elements=elements)) for _ in range(2))  # type: ignore[return-value]  # two


MASK_PAIRS = pairs(st.booleans(), np.bool_)
LABEL_PAIRS = pairs(st.integers(0, 4), np.int32)


@given(MASK_PAIRS)
def test_jaccard_and_dice_are_symmetric(masks: tuple[np.ndarray, np.ndarray]) -> None:
    """It does not matter which annotator comes first."""
    first, second = masks
    for measure in (pixel_jaccard, dice, roi_jaccard):
        assert measure(first, second) == measure(second, first)
        assert 0 <= measure(first, second) <= 1


@given(hnp.arrays(np.bool_, SHAPES))
def test_equal_masks_agree_fully(mask: np.ndarray) -> None:
    """A mask against itself scores 1, empty or not."""
    scores = score_prediction(mask, mask).model_dump()
    assert {scores[name] for name in ("pixel_jaccard", "dice", "roi_jaccard", "f1")} == {1.0}
    assert scores["precision"] == scores["recall"] == 1.0


@given(LABEL_PAIRS, st.sampled_from([0.1, 0.3, 0.5, 0.51, 0.8, 1.0]))
def test_matches_are_one_to_one_and_the_best(
    labels: tuple[LabelImage, LabelImage], iou: float
) -> None:
    """No ROI is used twice, and trying all assignments finds no better one."""
    first, second = labels
    match = match_labels(first, second, iou=iou)
    for side in match.pairs.T:
        assert len(set(side.tolist())) == side.size
    assert (match.ious >= iou).all()
    found = (match.matched, float(match.ious.sum()))
    assert found == pytest.approx(find_best(first, second, iou=iou))


def find_best(first: LabelImage, second: LabelImage, *, iou: float) -> tuple[int, float]:
    """Return most pairs, then largest sum of IoU, by trying every assignment."""
    rows = [first == number for number in np.unique(first) if number]
    columns = [second == number for number in np.unique(second) if number]
    if len(rows) > len(columns):
        rows, columns = columns, rows
    table = [[(a & b).sum() / (a | b).sum() for b in columns] for a in rows]
    best = (0, 0.0)
    for chosen in permutations(range(len(columns)), len(rows)):
        kept = [table[row][column] for row, column in enumerate(chosen)]
        kept = [value for value in kept if value >= iou]
        best = max(best, (len(kept), float(sum(kept))))
    return best


@given(LABEL_PAIRS)
def test_pooling_equals_one_large_image(labels: tuple[LabelImage, LabelImage]) -> None:
    """Adding the counts of two images scores like both images side by side."""
    first, second = labels
    counts = [count_labels(first, second), count_labels(second, first)]
    gap = np.zeros((first.shape[0], 1), dtype=np.int32)
    a = np.hstack([first, gap, np.where(second, second + 10, 0)])
    b = np.hstack([second, gap, np.where(first, first + 10, 0)])
    assert pool_scores(counts) == score_labels(a.astype(np.int32), b.astype(np.int32))
