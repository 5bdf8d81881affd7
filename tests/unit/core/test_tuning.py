"""Threshold and minimum ROI size chosen by the scores of unseen images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from deepflash_service.core.labels import label_rois, remove_small_rois
from deepflash_service.core.overlaps import overlap_rois
from deepflash_service.core.scores import score_labels
from deepflash_service.core.separation import NECK, Cut
from deepflash_service.core.tuning import CutTable, measure_cuts

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


def choose(maps: Any, truths: Any, *, min_roi_size: int) -> tuple[Cut, float]:
    """Return the cut chosen on images, and the mean F1 that it gives there."""
    table = measure_cuts(zip(maps, truths, strict=True), min_roi_size=min_roi_size)
    cut = table.choose()
    where = (table.separations.index(cut.separation), table.thresholds.index(cut.threshold))
    return cut, float(table.f1[:, *where, table.sizes.index(cut.min_roi_size)].mean())


def make_table(f1: Any, *, dice: Any = None, images: int = 9) -> CutTable:
    """Return a table of equal images with three thresholds and one size, not parted."""
    rows = np.tile(np.array(f1, float).reshape(1, 1, -1, 1), (images, 1, 1, 1))
    dices = rows if dice is None else np.tile(np.array(dice).reshape(1, 1, -1, 1), (9, 1, 1, 1))
    return CutTable((0.0,), (0.4, 0.5, 0.6), (10,), rows, dices)


@settings(max_examples=25, deadline=None)
@given(
    maps=arrays.arrays(np.uint8, (2, 12, 14), elements=st.integers(0, 20)),
    truth=arrays.arrays(np.bool_, (12, 14)),
    smallest=st.integers(0, 4),
)
def test_the_table_holds_the_scores_of_each_cut(maps: Any, truth: Any, smallest: int) -> None:
    """Labelled once per threshold and separation, it tells what each cut gives."""
    expected = remove_small_rois(label_rois(truth), min_roi_size=smallest)
    pictures = [np.asarray(one / 20 + 0.025, np.float32) for one in maps]
    check_table(pictures, expected, smallest=smallest)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(8, 32), st.integers(8, 52), st.integers(3, 8)), min_size=4))
def test_the_table_holds_what_parting_gives(discs: list[tuple[int, int, int]]) -> None:
    """Parts keep the usual size at every cut, as in the product, and do not grow with it."""
    rows, columns = np.indices((40, 60))
    probability = np.full(rows.shape, 0.01, np.float32)
    for row, column, radius in discs:
        inside = np.hypot(rows - row, columns - column) <= radius
        probability[inside] = np.maximum(probability[inside], 0.3 + 0.05 * radius)
    expected = label_rois(probability, threshold=0.6)
    check_table([probability], expected, smallest=30)


def check_table(pictures: list[Any], expected: Any, *, smallest: int) -> None:
    """Compare the table with the scores of the ROIs that each of its cuts finds."""
    table = measure_cuts([(one, expected) for one in pictures], min_roi_size=smallest)
    truth = remove_small_rois(expected, min_roi_size=smallest)
    shape = table.f1.shape
    assert shape == (len(pictures), len(table.separations), len(table.thresholds), len(table.sizes))
    for image, part, row, column in np.ndindex(shape):
        cut = Cut(
            table.thresholds[row], table.sizes[column], table.separations[part], table.sizes[0]
        )
        scores = score_labels(cut.find_rois(pictures[image]), truth)
        every = replace(cut, min_roi_size=0, smallest_part=table.sizes[0])
        # rivals at an IoU of exactly 0.5 are the one case that differs
        if not (overlap_rois(every.find_rois(pictures[image]), truth).ious == 0.5).any():
            assert table.f1[image, part, row, column] == pytest.approx(scores.f1)
        assert table.dice[image, part, row, column] == pytest.approx(scores.dice)


def test_faint_rois_ask_for_a_lower_threshold() -> None:
    """What the network is doubtful about on every image is found from there on."""
    cut, f1 = choose([draw(0.42)] * 4, [TRUTH] * 4, min_roi_size=20)
    assert cut.threshold < 0.42
    assert (cut.min_roi_size, f1) == (20, 1.0)


def test_half_precision_is_enough() -> None:
    """Maps are kept in 16 bits while all members learn."""
    maps = [draw(0.42).astype(np.float16)] * 4
    assert choose(maps, [TRUTH] * 4, min_roi_size=20)[1] == 1.0


def test_good_maps_are_cut_as_usual() -> None:
    """Where nothing is gained 0.5, the smallest size and parting stay."""
    cut, f1 = choose([draw(0.9)] * 4, [TRUTH] * 4, min_roi_size=20)
    assert (cut, f1) == (Cut(0.5, 20, NECK, 20), 1.0)


def test_false_specks_ask_for_a_larger_size() -> None:
    """Parts keep the smaller size."""
    maps = [add_specks(draw(0.9), side=5)] * 3
    cut, f1 = choose(maps, [TRUTH] * 3, min_roi_size=18)
    assert 25 < cut.min_roi_size <= 36
    assert (cut.smallest_part, f1) == (18, 1.0)


def test_small_rois_of_the_truth_do_not_count() -> None:
    """What is too small to be annotated on purpose is missed by nobody."""
    truth = TRUTH.copy()
    truth[0, 0] = 5
    assert choose([draw(0.9)], [truth], min_roi_size=2)[1] == 1.0


def test_waisted_cells_ask_for_no_parting() -> None:
    """Two discs with a waist are parted, unless the truth says of many images that they are one."""
    rows, columns = np.indices((40, 60))
    discs = [np.hypot(rows - 20, columns - column) < 12 for column in (20, 38)]
    probability = np.where(discs[0] | discs[1], 0.9, 0.05).astype(np.float32)
    whole = (discs[0] | discs[1]).astype(np.int32)
    two = Cut(0.5, 20, NECK, 20).find_rois(probability)
    assert choose([probability] * 4, [whole] * 4, min_roi_size=20)[0].separation == 0.0
    assert choose([probability] * 4, [two] * 4, min_roi_size=20)[0].separation == NECK


def test_parting_stays_unless_it_clearly_harms() -> None:
    """By 0.01 of the mean of F1 and Dice, and by more than chance, on the images asked."""

    def separate(gain: float, *, of: int, asked: list[int] | None = None) -> float:
        rows = np.full((of, 2, 3, 1), 0.7)
        rows[1:, 1] += gain
        table = CutTable((NECK, 0.0), (0.4, 0.5, 0.6), (10,), rows, rows)
        return table.choose(asked).separation

    assert separate(0.013, of=9) == 0.0
    assert separate(0.1, of=9, asked=[0]) == NECK
    assert separate(0.1, of=9, asked=[1]) == 0.0
    assert separate(0.015, of=9, asked=[1]) == NECK
    assert separate(0.009, of=100) == NECK
    assert separate(0.012, of=100) == 0.0


def test_unparted_maps_have_a_threshold_of_their_own() -> None:
    """Threshold and separation are chosen together."""
    rows = np.full((9, 2, 3, 1), 0.5)
    rows[:, 0, 0], rows[:, 1, 2] = 0.7, 0.9
    table = CutTable((NECK, 0.0), (0.4, 0.5, 0.6), (10,), rows, rows)
    assert table.choose() == Cut(0.6, 10, 0.0, 10)
    table = CutTable((NECK, 0.0), (0.4, 0.5, 0.6), (10,), rows[:, ::-1], rows[:, ::-1])
    assert table.choose() == Cut(0.6, 10, NECK, 10)


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
    """There is nothing to choose by."""
    assert make_table([0.9, 0.7, 0.9]).choose([]) == Cut(0.5, 10, 0.0, 10)
    assert measure_cuts([], min_roi_size=7).choose() == Cut(0.5, 7, NECK, 7)


def test_empty_images_count_as_found() -> None:
    """Nothing there and nothing found is right; a false ROI is not."""
    nothing = TRUTH * 0
    assert choose([draw(0.1)], [nothing], min_roi_size=5)[1] == 1.0
    assert choose([draw(0.9)], [nothing], min_roi_size=5)[1] == 0.0
