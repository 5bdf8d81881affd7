"""Scores of the accuracy protocols, on maps made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.accuracy_scores import Unit, average_experts, read_cut, score_cut, score_units
from deepflash_service.core.separation import NECK, Cut
from deepflash_service.records import Calibration, ModelCard
from deepflash_service.workflows.training_data import TrainingData, TrainingImage
from deepflash_service.workflows.training_scores import judge_maps

SIZE = 30


def _draw(*squares: tuple[int, int, int], shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    """Return a label image with squares (row, column, edge)."""
    labels = np.zeros(shape, dtype=np.int32)
    for number, (row, column, edge) in enumerate(squares, start=1):
        labels[row : row + edge, column : column + edge] = number
    return labels


def _make_unit(
    name: str, group: int, *, level: float = 0.9, faint: float = 0.0, **experts: np.ndarray
) -> Unit:
    truth = _draw((2, 2, 10), (2, 30, 10), (30, 2, 10))
    probability = np.where(truth > 0, level, 0.01).astype(np.float32)
    probability[50:60, 50:60] = faint
    return Unit(name, group, probability, truth, experts)


def test_a_perfect_map_has_perfect_scores() -> None:
    """Every score of a map that shows the truth is 1."""
    row = score_cut(_make_unit("a", 0), Cut(0.5, SIZE), min_roi_size=SIZE)
    assert [row[key] for key in ("dice", "f1", "ap50", "ap70", "map")] == [1.0] * 5
    assert row["found"] == row["expected"] == 3


def test_one_false_roi_of_four_is_counted_once() -> None:
    """F1 and AP of three matches and one false ROI follow their formulas."""
    row = score_cut(_make_unit("a", 0, faint=0.9), Cut(0.5, SIZE), min_roi_size=SIZE)
    assert row["f1"] == pytest.approx(6 / 7, abs=1e-4)
    assert row["ap50"] == row["map"] == 0.75
    assert row["dice"] == pytest.approx(600 / 700, abs=1e-4)


def test_map_is_the_mean_over_ten_ious() -> None:
    """An ROI with IoU 0.72 counts at five of the ten levels."""
    truth = _draw((10, 10, 10))
    probability = np.zeros(truth.shape, dtype=np.float32)
    probability[10:20, 10:20] = 0.9
    probability[18:, 10:20] = 0.0
    probability[10:18, 10:19] = 0.9
    probability[10:18, 19] = 0.0
    unit = Unit("a", 0, probability, truth, {})
    row = score_cut(unit, Cut(0.5, SIZE), min_roi_size=SIZE)
    assert (row["ap50"], row["ap70"], row["map"]) == (1.0, 1.0, 0.5)


def test_the_cut_of_an_image_is_chosen_on_other_folds_only() -> None:
    """A fold that needs a low threshold does not get it from its own images."""
    usual = [_make_unit(f"{number}", number % 2) for number in range(6)]
    faint = [_make_unit(f"f{number}", 2, level=0.4) for number in range(3)]
    found = score_units([*usual, *faint], min_roi_size=SIZE)
    rows = {row["image"]: row for row in found["images"]}
    assert rows["f0"]["threshold"] == 0.5
    assert rows["f0"]["f1"] == 0.0
    assert rows["0"]["threshold"] < 0.4
    assert found["cut"]["threshold"] < 0.4
    assert found["mean_at_half"]["f1"] == pytest.approx(6 / 9, abs=1e-4)


def test_a_given_cut_is_taken_for_every_image() -> None:
    """Frozen models are scored where they cut by themselves."""
    units = [_make_unit("a", 0, level=0.4), _make_unit("b", 1, level=0.4)]
    found = score_units(units, min_roi_size=SIZE, cut=Cut(0.3, 200))
    assert {(row["threshold"], row["min_roi_size"]) for row in found["images"]} == {(0.3, 200)}
    assert found["mean"]["f1"] == 0.0


def test_the_product_cuts_where_the_protocol_does() -> None:
    """The same smallest annotated size and maps give the card the cut and F1 of the benchmark."""
    units = [_make_unit(str(index), index % 3, level=0.42) for index in range(6)]
    for unit in units:
        unit.probability[50:56, 20:27] = unit.probability[40:46, 40:47] = 0.42
        unit.truth[60:63, 20:32] = 4
    found = score_units(units, min_roi_size=SIZE)
    images = [
        TrainingImage(unit.name, unit.probability, (unit.truth,), unit.truth, {}) for unit in units
    ]
    data = TrainingData(tuple(images), (), "", 1, 1.0, Calibration())
    judged = judge_maps(
        data,
        [(0, 3), (1, 4), (2, 5)],
        {index: unit.probability for index, unit in enumerate(units)},
        min_roi_size=SIZE,
    )
    assert 42 < judged.cut.min_roi_size <= 3 * SIZE
    names = ("threshold", "min_roi_size", "separation")
    assert found["cut"] == {name: getattr(judged.cut, name) for name in names}
    scores = [round(judged.scores[index].f1, 4) for index in range(6)]
    assert [row["f1"] for row in found["images"]] == scores == [round(6 / 7, 4)] * 6


def test_each_image_stands_beside_its_experts() -> None:
    """Worst and mean expert are told, ROIs below the minimum size left out on both sides."""
    half = _draw((2, 2, 10), (60, 60, 3))
    whole = _draw((2, 2, 10), (2, 30, 10), (30, 2, 10))
    units = [_make_unit(str(number), number, one=half, two=whole) for number in range(3)]
    found = score_units(units, min_roi_size=SIZE)
    row = found["images"][0]
    assert row["worst_expert_f1"] == 0.5
    assert row["mean_expert_f1"] == 0.75
    assert row["mean_expert_dice"] == pytest.approx((200 / 409 + 1) / 2, abs=1e-4)
    assert row["at_least_worst"] is True
    assert found["experts"]["at_least_worst"] == 3


def test_an_image_below_its_worst_expert_is_counted() -> None:
    """A map that shows nothing is below every expert who saw something."""
    whole = _draw((2, 2, 10), (2, 30, 10), (30, 2, 10))
    units = [_make_unit("a", 0, one=whole), _make_unit("b", 1, level=0.01, one=whole)]
    rows = score_units(units, min_roi_size=SIZE, cut=Cut(0.5, SIZE))["images"]
    assert average_experts(rows)["at_least_worst"] == 1


def test_without_experts_there_is_nothing_beside_the_scores() -> None:
    """A set without experts has no figures of experts."""
    found = score_units([_make_unit("a", 0), _make_unit("b", 1)], min_roi_size=SIZE)
    assert found["experts"] == {}
    assert "worst_expert_f1" not in found["images"][0]


def test_what_parting_touching_rois_gives_is_told() -> None:
    """Two discs joined by a bridge are two ROIs, and one in the scores without parting."""
    rows, columns = np.indices((64, 64))
    first = np.hypot(rows - 30, columns - 18) < 10
    second = np.hypot(rows - 30, columns - 40) < 10
    bridge = (abs(rows - 30) <= 2) & (columns > 18) & (columns < 40)
    truth = np.where(first, 1, np.where(second, 2, 0)).astype(np.int32)
    probability = np.where(first | second | bridge, 0.9, 0.01).astype(np.float32)
    units = [Unit(name, index, probability, truth, {}) for index, name in enumerate("abc")]
    found = score_units(units, min_roi_size=SIZE)
    assert found["mean"]["f1"] == found["mean_parted"]["f1"] == 1.0
    assert found["mean_unparted"]["f1"] < 0.7
    assert found["cut"]["separation"] == NECK
    whole = [replace(unit, truth=(probability > 0.5).astype(np.int32)) for unit in units]
    found = score_units(whole, min_roi_size=SIZE)
    assert found["mean"]["f1"] == found["mean_unparted"]["f1"] == 1.0
    assert found["mean_parted"]["f1"] < 0.7
    assert {row["separation"] for row in found["images"]} == {found["cut"]["separation"]} == {0.0}


def test_a_model_is_scored_as_its_card_says() -> None:
    """Parts keep the smallest annotated size, ROIs the one that was chosen."""
    card = ModelCard(
        name="m", threshold=0.4, min_roi_size=40, smallest_annotated=30, separation=0.75
    )
    assert read_cut(card) == Cut(0.4, 40, 0.75, 30)
