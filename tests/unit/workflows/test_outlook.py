"""What a result says of itself: columns, flags, members, scale, what to look at first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deepflash_service.core.forecast import fit_forecast
from deepflash_service.core.separation import Cut
from deepflash_service.records import Forecast, SegmentOptions
from deepflash_service.store.images import PlaneLayout, write_image
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.outlook import (
    COLUMNS,
    name_flagged,
    rank_reviews,
    sort_entries,
)
from deepflash_service.workflows.segment import segment_images
from deepflash_service.workflows.training_forecast import learn_forecast
from deepflash_service.workflows.training_scores import judge_maps
from tests.unit.workflows.conftest import LABELS, make_model
from tests.unit.workflows.training_samples import draw_map, make_data

OPTIONS = SegmentOptions(model="bright")


def make_forecast() -> Forecast:
    """Return a forecast of a model that was trained on images like those of the folder."""
    row = {"stability": 0.75, "uncertainty": 0.36, "diameter": float(np.log(10)), "density": -2.4}
    found = fit_forecast([row] * 6, [0.8] * 6)
    assert found is not None
    return found


def write_images(folder: Path) -> list[Path]:
    """Write an image like those of the training, one with faint cells, and one of noise."""
    cells = ((LABELS == 1) | (LABELS == 2)).astype(np.uint8)
    write_image(folder / "a.tif", cells * 200)
    write_image(folder / "b.tif", cells * 80)
    write_image(folder / "c.tif", cells * 0)
    return [folder / name for name in ("a.tif", "b.tif", "c.tif")]


def segment(sources: list[Path], output: Path, *, forecast: Forecast | None) -> dict[str, Any]:
    """Segment files, and return the result with its warnings and its summary."""
    warnings: list[str] = []
    result = segment_images(
        sources,
        make_model(forecast=forecast, min_roi_size=4),
        options=OPTIONS,
        output=output,
        hooks=Hooks(warn=warnings.append),
    )
    return {**result, "warnings": warnings, "summary": pd.read_csv(output / "summary.csv")}


def test_the_summary_tells_what_to_expect(tmp_path: Path) -> None:
    """The columns stand at the end; firm cells are expected to be right, nothing has no F1."""
    found = segment(write_images(tmp_path), tmp_path / "out", forecast=make_forecast())
    table = found["summary"]
    assert tuple(table.columns[-6:]) == COLUMNS
    expected = table["Expected F1"].tolist()
    assert expected[0] == pytest.approx(0.8, abs=0.03)
    assert table["F1 low"][0] < expected[0] < table["F1 high"][0]
    assert expected[1] < expected[0] - 0.05, "cells that vanish at a higher threshold are unsure"
    assert np.isnan(expected[2])
    assert table["Uncertainty"].tolist() == [0.36, 0.96, 0.36]
    assert [one["expected_f1"] for one in found["images"]] == [*expected[:2], None]


def test_flagged_images_are_named_once(tmp_path: Path) -> None:
    """Entry, table and one warning for all tell which image is strange, and it comes first."""
    found = segment(write_images(tmp_path), tmp_path / "out", forecast=make_forecast())
    assert [one["flags"] for one in found["images"]] == [[], ["uncertainty"], []]
    assert found["summary"]["Flags"].fillna("").tolist() == ["", "uncertainty", ""]
    assert found["summary"]["Review"].tolist() == [3, 1, 2]
    named = [text for text in found["warnings"] if "look at them first" in text]
    assert named == [name_flagged(found["images"])]
    assert "b.tif (uncertainty)." in named[0]


def test_models_without_a_forecast_promise_nothing(tmp_path: Path) -> None:
    """Models of before still tell how unsure they are, and are ranked by it."""
    found = segment(write_images(tmp_path), tmp_path / "out", forecast=None)
    table = found["summary"]
    assert table[["Expected F1", "F1 low", "F1 high", "Flags"]].isna().all().all()
    assert table["Uncertainty"].tolist() == [0.36, 0.96, 0.36]
    assert table["Review"].tolist() == [2, 1, 3]
    assert not any("look at them first" in text for text in found["warnings"])


def test_a_stack_is_as_good_as_its_worst_plane(tmp_path: Path) -> None:
    """Each plane has its row and rank; the entry of the image tells the lowest expectation."""
    cells = ((LABELS == 1) | (LABELS == 2)).astype(np.uint8)
    write_image(
        tmp_path / "s.tif", np.stack([cells * 200, cells * 80]), layout=PlaneLayout(slices=2)
    )
    found = segment([tmp_path / "s.tif"], tmp_path / "out", forecast=make_forecast())
    assert found["summary"]["Review"].tolist() == [2, 1]
    assert found["images"][0]["expected_f1"] == found["summary"]["Expected F1"].min()
    assert found["images"][0]["flags"] == ["uncertainty"]


def test_images_in_pieces_say_that_there_is_no_forecast(tmp_path: Path, small_pieces: None) -> None:
    """Uncertainty yes, F1 no, and a sentence about it."""
    del small_pieces
    sources = write_images(tmp_path)[:1]
    warnings: list[str] = []

    def predict_rows(rows: Any, hooks: Hooks) -> Any:
        pixels = rows.read(0, rows.shape[0])
        yield 0, make_model().predict(pixels.reshape(rows.shape), hooks)

    model = replace(make_model(forecast=make_forecast(), min_roi_size=4), predict_rows=predict_rows)
    result = segment_images(
        sources, model, options=OPTIONS, output=tmp_path, hooks=Hooks(warn=warnings.append)
    )
    table = pd.read_csv(tmp_path / "summary.csv")
    assert result["images"][0]["error"] is None
    assert (result["images"][0]["expected_f1"], result["images"][0]["flags"]) == (None, [])
    assert table["Uncertainty"].tolist() == [0.36]
    assert table["Expected F1"].isna().all()
    assert any("no forecast" in text for text in warnings)


def test_members_are_asked_where_there_are_several(tmp_path: Path) -> None:
    """The forecast looks at the maps of the members, the result is that of their mean."""
    asked: list[int] = []
    base = make_model(forecast=make_forecast(), min_roi_size=4)

    def predict_members(image: Any, hooks: Hooks) -> Any:
        asked.append(1)
        mean = base.predict(image, hooks)
        return mean, [np.where(mean > 0.5, 0.6, 0.1)] * 2

    firm, weak = (
        segment_images(
            write_images(tmp_path)[:1],
            replace(base, predict_members=chosen),
            options=OPTIONS,
            output=tmp_path,
        )["images"][0]
        for chosen in (None, predict_members)
    )
    assert asked == [1]
    assert weak["rois"] == firm["rois"] == 2
    assert weak["expected_f1"] < firm["expected_f1"]


def test_one_member_is_measured_like_several(tmp_path: Path) -> None:
    """The gaps between parted ROIs are no part of the map that the training knew."""
    rows, columns = np.mgrid[:60, :80]
    middles = ((20, 20), (20, 31), (42, 55))
    distance = np.min([np.hypot(rows - y, columns - x) for y, x in middles], axis=0)
    write_image(tmp_path / "a.tif", (distance < 6.5).astype(np.uint8) * 240)
    base = make_model(forecast=make_forecast(), min_roi_size=4, separation=0.75)

    def predict(image: Any, hooks: Hooks) -> Any:
        return np.asarray(image, np.float32) / 255

    def predict_members(image: Any, hooks: Hooks) -> Any:
        return predict(image, hooks), [predict(image, hooks)]

    alone, member = (
        segment_images(
            [tmp_path / "a.tif"],
            replace(base, predict=predict, predict_members=chosen),
            options=OPTIONS,
            output=tmp_path,
        )["images"][0]
        for chosen in (None, predict_members)
    )
    assert alone["rois"] == member["rois"] == 3, "touching cells are parted"
    assert alone["expected_f1"] == member["expected_f1"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"threshold": 0.05}, "threshold"),
        ({"min_roi_size": 5}, "minimum ROI size"),
        ({"separation": 0.5}, "separation"),
    ],
)
def test_another_cut_than_the_models_has_no_forecast(
    tmp_path: Path, changes: dict[str, float], word: str
) -> None:
    """The F1 was learnt at the model's cut; at another one a sentence says why there is none."""
    model = make_model(forecast=make_forecast(), min_roi_size=4)
    own = {"threshold": 0.5, "min_roi_size": 4, "separation": 0.0}
    sources, told, found = write_images(tmp_path)[:2], [], []
    for chosen in ({}, own, own | changes):
        warnings: list[str] = []
        options = SegmentOptions.model_validate({"model": "bright", **chosen})
        result = segment_images(
            sources, model, options=options, output=tmp_path, hooks=Hooks(warn=warnings.append)
        )
        found.append([(one["expected_f1"], one["flags"]) for one in result["images"]])
        told.append([text for text in warnings if "No F1 is forecast" in text])
    assert found[1] == found[0]
    assert told[:2] == [[], []]
    assert [expected for expected, _ in found[2]] == [None, None]
    assert [flags for _, flags in found[2]] == [flags for _, flags in found[0]]
    assert len(told[2]) == 1, "once for all images"
    assert word in told[2][0]


def test_review_puts_flags_first_then_low_expectations() -> None:
    """Ties keep their order; without a forecast the uncertainty counts."""
    table = pd.DataFrame(
        {
            "Expected F1": [0.9, 0.5, 0.95, np.nan, np.nan],
            "Uncertainty": [0.1, 0.2, 0.1, 0.7, 0.05],
            "Flags": ["", "", "scale", "", ""],
            "Review": 0,
        }
    )
    assert rank_reviews(table)["Review"].tolist() == [4, 3, 1, 2, 5]
    assert rank_reviews(table[:0])["Review"].tolist() == []
    assert list(rank_reviews(pd.DataFrame({"Image": ["a"]})).columns) == ["Image"]


def test_entries_are_sorted_alike() -> None:
    """Faults first, then flags, then low expectations; what is not known comes last."""
    entries: list[dict[str, Any]] = [
        {"image": "none", "expected_f1": None, "flags": [], "error": None},
        {"image": "good", "expected_f1": 0.9, "flags": [], "error": None},
        {"image": "bad", "expected_f1": 0.3, "flags": [], "error": None},
        {"image": "odd", "expected_f1": 0.9, "flags": ["scale"], "error": None},
        {"image": "broken", "expected_f1": None, "flags": [], "error": {"code": "x"}},
    ]
    assert [one["image"] for one in sort_entries(entries)] == [
        *("broken", "odd", "bad", "good", "none"),
    ]


def test_many_flagged_images_make_a_short_sentence() -> None:
    """Ten are named, the others counted; no flags, no sentence."""
    many = [{"image": f"i{number}.tif", "flags": ["scale"]} for number in range(13)]
    assert name_flagged(many).endswith("i9.tif (scale) and 3 more.")
    assert name_flagged([{"image": "a.tif", "flags": []}]) == ""


def test_a_training_learns_its_forecast() -> None:
    """It rests on the images that no member knew; without any there is none."""
    data = make_data(6)
    maps = {index: draw_map(0.6 + 0.05 * index) for index in range(6)}
    folds = [(0, 1), (2, 3), (4, 5)]
    judged = judge_maps(data, folds, maps, min_roi_size=0)
    forecast = learn_forecast(data, maps, judged)
    assert forecast is not None
    assert forecast.images == 6
    assert set(forecast.limits) >= {"contrast", "uncertainty", "diameter"}
    assert learn_forecast(data, {}, judged) is None
    other = replace(judged, cuts=dict.fromkeys(range(6), Cut(0.9)))
    assert learn_forecast(data, maps, other) != forecast, "each map is cut as it was scored"
