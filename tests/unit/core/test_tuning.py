"""Threshold and minimum ROI size chosen by the scores of unseen images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from deepflash_service.core.labels import label_rois, remove_small_rois
from deepflash_service.core.overlaps import overlap_rois
from deepflash_service.core.scores import score_labels
from deepflash_service.core.tuning import CutTable, choose_cut, measure_cuts
from deepflash_service.errors import InputError

TRUTH = np.zeros((40, 40), np.int32)
for number, corner in enumerate((2, 12, 22, 32), start=1):
    TRUTH[corner : corner + 6, corner : corner + 6] = number


def draw(inside: float, *, outside: float = 0.05) -> Any:
    """Return a map that is ``inside`` in the ROIs of the truth."""
    return np.where(TRUTH > 0, inside, outside).astype(np.float32)


def add_specks(probability: Any, *, side: int) -> Any:
    """Return the map with false ROIs of ``side`` x ``side`` pixels along its upper edge."""
    specked = probability.copy()
    for column in range(14, 38, side + 1):
        specked[1 : 1 + side, column : column + side] = 0.9
    return specked


def make_table(f1: Any, *, dice: Any = None, images: int = 9) -> CutTable:
    """Return a table of equal images with three thresholds and one size."""
    rows = np.tile(np.array(f1, float).reshape(1, -1, 1), (images, 1, 1))
    dices = rows if dice is None else np.tile(np.array(dice, float).reshape(1, -1, 1), (9, 1, 1))
    return CutTable((0.4, 0.5, 0.6), (10,), rows, dices)


@settings(max_examples=25, deadline=None)
@given(
    maps=arrays.arrays(np.uint8, (2, 12, 14), elements=st.integers(0, 20)),
    truth=arrays.arrays(np.bool_, (12, 14)),
    smallest=st.integers(0, 4),
)
def test_the_table_holds_the_scores_of_each_cut(maps: Any, truth: Any, smallest: int) -> None:
    """Labelled once per threshold, it tells what labelling for each size would."""
    expected = remove_small_rois(label_rois(truth), min_roi_size=smallest)
    pictures = [np.asarray(one / 20 + 0.025, np.float32) for one in maps]
    table = measure_cuts([(one, expected) for one in pictures], min_roi_size=smallest)
    for image, picture in enumerate(pictures):
        for row, threshold in enumerate(table.thresholds):
            for column, size in enumerate(table.sizes):
                labels = label_rois(picture, threshold=threshold, min_roi_size=size)
                scores = score_labels(labels, expected)
                ious = overlap_rois(label_rois(picture, threshold=threshold), expected).ious
                # rivals at an IoU of exactly 0.5 are the one case that differs
                if not (ious == 0.5).any():
                    assert table.f1[image, row, column] == pytest.approx(scores.f1)
                assert table.dice[image, row, column] == pytest.approx(scores.dice)


def test_faint_rois_ask_for_a_lower_threshold() -> None:
    """What the network is doubtful about on every image is found from there on."""
    cut = choose_cut([draw(0.42)] * 4, [TRUTH] * 4, min_roi_size=20)
    assert cut.threshold < 0.42
    assert (cut.min_roi_size, cut.f1, cut.dice) == (20, 1.0, 1.0)


def test_half_precision_is_enough() -> None:
    """Maps are kept in 16 bits while all members learn."""
    maps = [draw(0.42).astype(np.float16)] * 4
    assert choose_cut(maps, [TRUTH] * 4, min_roi_size=20).f1 == 1.0


def test_good_maps_are_cut_as_usual() -> None:
    """Where nothing is gained 0.5 and the smallest size stay."""
    cut = choose_cut([draw(0.9)] * 4, [TRUTH] * 4, min_roi_size=20)
    assert (cut.threshold, cut.min_roi_size, cut.f1) == (0.5, 20, 1.0)


def test_false_specks_ask_for_a_larger_size() -> None:
    """Unless the user has chosen the size."""
    maps = [add_specks(draw(0.9), side=5)] * 3
    cut = choose_cut(maps, [TRUTH] * 3, min_roi_size=18)
    assert 25 < cut.min_roi_size <= 36
    assert cut.f1 == 1.0
    kept = choose_cut(maps, [TRUTH] * 3, min_roi_size=18, may_change_size=False)
    assert kept.min_roi_size == 18
    assert kept.f1 < 1.0


def test_small_rois_of_the_truth_do_not_count() -> None:
    """What is too small to be annotated on purpose is missed by nobody."""
    truth = TRUTH.copy()
    truth[0, 0] = 5
    assert choose_cut([draw(0.9)], [truth], min_roi_size=2).f1 == 1.0


def test_rois_are_found_as_the_caller_says() -> None:
    """The seam gets map, threshold and the smallest size, once per threshold."""
    asked: list[tuple[float, int]] = []

    def label(probability: Any, threshold: float, size: int) -> Any:
        asked.append((threshold, size))
        return label_rois(probability > 0.3)

    cut = choose_cut([draw(0.42)], [TRUTH], min_roi_size=20, label=label)
    assert (cut.threshold, cut.f1) == (0.5, 1.0)
    assert asked == [(round(0.2 + 0.05 * step, 2), 20) for step in range(13)]


def test_what_one_image_prefers_may_be_chance() -> None:
    """The gain must be larger the fewer images tell it; a peak between low values is smoothed."""
    assert make_table([0.72, 0.7, 0.7]).choose().threshold == 0.4
    assert make_table([0.72, 0.7, 0.7]).choose([0]).threshold == 0.5
    assert make_table([0.80, 0.7, 0.7]).choose([0]).threshold == 0.4
    # 0.004 is too little, however many images agree
    assert make_table([0.708, 0.7, 0.7], images=100).choose().threshold == 0.5
    assert make_table([0.5, 0.7, 0.715], images=100).choose().threshold == 0.6


def test_dice_decides_between_equals() -> None:
    """The mean of F1 and Dice first; within 0.003 the pixels decide."""
    assert make_table([0.9, 0.7, 0.8], dice=[0.7, 0.7, 0.7]).choose().threshold == 0.4
    f1, dice = [0.9, 0.7, 0.8], [0.7, 0.7, 0.8]
    assert make_table(f1, dice=dice).choose().threshold == 0.6
    assert make_table(f1[::-1], dice=dice[::-1]).choose().threshold == 0.4


def test_without_images_the_cut_is_the_usual_one() -> None:
    """There is nothing to choose by; a direct call is refused."""
    cut = make_table([0.9, 0.7, 0.9]).choose([])
    assert (cut.threshold, cut.min_roi_size) == (0.5, 10)
    assert np.isnan(cut.f1)
    with pytest.raises(InputError, match="no image"):
        choose_cut([], [], min_roi_size=3)


def test_empty_images_count_as_found() -> None:
    """Nothing there and nothing found is right; a false ROI is not."""
    nothing = TRUTH * 0
    assert choose_cut([draw(0.1)], [nothing], min_roi_size=5).f1 == 1.0
    assert choose_cut([draw(0.9)], [nothing], min_roi_size=5).f1 == 0.0
