"""Evaluation of folders and models against a truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.core.rois import labels_to_rois
from deepflash_service.errors import InputError
from deepflash_service.records import Ancestor, EvaluateOptions, SegmentOptions
from deepflash_service.store import runs
from deepflash_service.store.datasets import link_folders, open_dataset
from deepflash_service.store.images import (
    encode_tiff,
    write_image,
    write_labels,
    write_mask,
    write_roi_zip,
)
from deepflash_service.store.results import list_results
from deepflash_service.workflows.evaluate import (
    evaluate_dataset,
    evaluate_folders,
    evaluate_model,
    run_evaluation,
)
from deepflash_service.workflows.prediction import LoadedModel
from deepflash_service.workflows.segment import segment_images
from tests.unit.workflows.conftest import LABELS, make_model

KEYS = {
    "pixel_jaccard", "dice", "roi_jaccard", "precision", "recall", "f1", "matched", "predicted",
    "expected",
}  # fmt: skip


@pytest.fixture
def prediction(tmp_path: Path, image_folder: Path, bright_model: LoadedModel) -> Path:
    """Return the results of a segmentation at threshold 0.7."""
    options = SegmentOptions(model="bright", threshold=0.7)
    sources = sorted(image_folder.iterdir())
    segment_images(sources, bright_model, options=options, output=tmp_path / "out")
    return tmp_path / "out"


def test_results_of_segment_are_recognised(prediction: Path, truth_folder: Path) -> None:
    """Only the label images of a results folder are compared, names without suffix."""
    result = evaluate_folders(prediction, truth_folder, options=EvaluateOptions())
    assert [one["image"] for one in result["images"]] == ["a", "b"]
    assert set(result["mean"]) == set(result["pooled"]) == KEYS
    assert result["images"][0]["f1"] == 1
    assert result["images"][1]["f1"] == 1
    assert result["pooled"]["matched"] == 3
    assert result["warnings"] == []


def test_small_rois_are_left_out_on_both_sides(prediction: Path, truth_folder: Path) -> None:
    """The size filter uses the maps, at the threshold that made the labels."""
    options = EvaluateOptions(min_roi_size=2)
    result = evaluate_folders(prediction, truth_folder, options=options)
    assert (result["pooled"]["predicted"], result["pooled"]["expected"]) == (2, 2)


def test_relabelling_keeps_the_threshold_of_the_segmentation(
    tmp_path: Path, bright_model: LoadedModel
) -> None:
    """ROIs that the chosen threshold excluded do not come back with the size filter."""
    dim = np.where(LABELS == 1, 80, np.where(LABELS == 2, 200, 0)).astype(np.uint8)
    write_image(tmp_path / "i" / "a.tif", dim)
    options = SegmentOptions(model="bright", threshold=0.7)
    sources = [tmp_path / "i" / "a.tif"]
    segment_images(sources, bright_model, options=options, output=tmp_path / "o")
    write_labels(tmp_path / "t" / "a.tif", LABELS)
    found = evaluate_folders(
        tmp_path / "o", tmp_path / "t", options=EvaluateOptions(min_roi_size=2)
    )
    assert found["pooled"]["predicted"] == 1


def test_another_threshold_uses_the_map(prediction: Path, truth_folder: Path) -> None:
    """Above the highest probability nothing is left."""
    result = evaluate_folders(prediction, truth_folder, options=EvaluateOptions(threshold=0.95))
    assert result["pooled"]["predicted"] == 0
    assert result["images"][1]["f1"] == 1


def test_mean_and_pooled_differ(tmp_path: Path) -> None:
    """The mean counts images, the pooled score counts ROIs."""
    write_mask(tmp_path / "p" / "a.tif", LABELS > 0)
    write_mask(tmp_path / "p" / "b.tif", LABELS > 1)
    for name in "ab":
        write_mask(tmp_path / "t" / f"{name}_msk.tif", LABELS > 0)
    result = evaluate_folders(tmp_path / "p", tmp_path / "t", options=EvaluateOptions())
    assert result["mean"]["f1"] == pytest.approx((1 + 4 / 5) / 2)
    assert result["pooled"]["f1"] == pytest.approx(2 * 5 / (2 * 5 + 1))


def test_a_single_roi_of_two_parts_stays_one(tmp_path: Path) -> None:
    """The parts of one drawn ROI are not counted one by one."""
    parts = np.where((LABELS == 1) | (LABELS == 2), 1, 0).astype(np.int32)
    write_labels(tmp_path / "p" / "a.tif", LABELS)
    write_roi_zip(tmp_path / "t" / "a_RoiSet.zip", labels_to_rois(parts))
    result = evaluate_folders(tmp_path / "p", tmp_path / "t", options=EvaluateOptions())
    assert (result["pooled"]["predicted"], result["pooled"]["expected"]) == (3, 1)


def test_roi_sets_are_a_truth(tmp_path: Path) -> None:
    """A ROI set is drawn on the size of the prediction."""
    write_labels(tmp_path / "p" / "a.tif", LABELS)
    write_roi_zip(tmp_path / "t" / "a_RoiSet.zip", labels_to_rois(LABELS))
    result = evaluate_folders(tmp_path / "p", tmp_path / "t", options=EvaluateOptions())
    assert result["mean"]["f1"] == 1


def test_names_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """No pair at all is an error that tells the rule, in the words of what was given."""
    write_mask(tmp_path / "p" / "a.tif", LABELS > 0)
    write_mask(tmp_path / "t" / "b.tif", LABELS > 0)
    with pytest.raises(InputError, match="names do not fit") as caught:
        evaluate_folders(tmp_path / "p", tmp_path / "t", options=EvaluateOptions())
    assert caught.value.code == "pairing_failed"
    told = caught.value.message
    assert told.startswith("No prediction has a truth")
    assert "truth: No prediction belongs to b.tif; left out." in told
    assert "No truth belongs to a.tif; left out." in told
    assert "image" not in told
    assert "mask" not in told


def test_sizes_must_agree(tmp_path: Path) -> None:
    """A truth of another size is refused by name."""
    write_mask(tmp_path / "p" / "a.tif", LABELS > 0)
    write_mask(tmp_path / "t" / "a.tif", LABELS.T > 0)
    with pytest.raises(InputError) as caught:
        evaluate_folders(tmp_path / "p", tmp_path / "t", options=EvaluateOptions())
    assert caught.value.code == "shape_mismatch"


def test_models_are_evaluated_in_memory(
    image_folder: Path, truth_folder: Path, bright_model: LoadedModel
) -> None:
    """Nothing is written when a model is scored."""
    before = sorted(image_folder.parent.rglob("*"))
    options = EvaluateOptions()
    result = evaluate_model(bright_model, image_folder, truth_folder, options=options)
    assert result["mean"]["f1"] == 1
    assert [one["image"] for one in result["images"]] == ["a", "b"]
    assert sorted(image_folder.parent.rglob("*")) == before


def test_rois_below_the_size_of_the_model_are_missed(
    tmp_path: Path, image_folder: Path, truth_folder: Path
) -> None:
    """The truth keeps the size of annotations in the training; a size of the user is for both."""
    dataset = open_dataset(
        tmp_path, link_folders(tmp_path, image_folder, masks={"a": truth_folder})
    )

    def score(model: LoadedModel, **options: Any) -> set[tuple[int, int]]:
        chosen = EvaluateOptions(**options)
        results = (
            evaluate_model(model, image_folder, truth_folder, options=chosen),
            evaluate_dataset(model, dataset, options=chosen),
        )
        return {(one["pooled"]["predicted"], one["pooled"]["expected"]) for one in results}

    model = make_model(min_roi_size=100, smallest_annotated=64)
    assert score(model) == {(1, 2)}
    assert score(model, min_roi_size=100) == {(1, 1)}
    assert score(model, min_roi_size=0) == {(3, 3)}
    assert score(make_model(min_roi_size=100)) == {(1, 1)}


def test_touching_rois_are_parted_as_in_a_segmentation(tmp_path: Path) -> None:
    """As the user or the card says."""
    rows, columns = np.indices((60, 80))
    discs = [(rows - 30) ** 2 + (columns - column) ** 2 <= 144 for column in (28, 47)]
    write_mask(tmp_path / "i" / "a.tif", discs[0] | discs[1])
    write_labels(tmp_path / "t" / "a.tif", np.where(discs[0], 1, 2 * discs[1]).astype(np.int32))
    model = make_model(separation=0.75)
    for separation, count in ((None, 2), (0.0, 1)):
        options = EvaluateOptions(separation=separation)
        result = evaluate_model(model, tmp_path / "i", tmp_path / "t", options=options)
        assert result["pooled"]["predicted"] == count


@pytest.mark.parametrize("name", ["pixel_size", "separation"])
def test_files_have_their_rois_already(prediction: Path, truth_folder: Path, name: str) -> None:
    """What only a segmentation could heed is refused, not ignored."""
    options = EvaluateOptions.from_json({name: 1.0})
    with pytest.raises(InputError, match="evaluate a model") as caught:
        evaluate_folders(prediction, truth_folder, options=options)
    assert caught.value.code == "invalid_options"


def test_a_data_set_scores_a_model_against_the_consensus(
    tmp_path: Path, image_folder: Path, truth_folder: Path
) -> None:
    """The majority of three experts is the truth; images of the training are told."""
    for expert in ("bert", "carl"):
        write_labels(tmp_path / expert / "a.tif", LABELS * (LABELS > 1))
        write_labels(tmp_path / expert / "b.tif", LABELS * 0)
    masks = {"anna": truth_folder, "bert": tmp_path / "bert", "carl": tmp_path / "carl"}
    dataset = open_dataset(tmp_path, link_folders(tmp_path, image_folder, masks=masks))
    before = [Ancestor(model="old@1", images={"a.tif": "hash", "y.tif": ""})]
    model = make_model(training_images=["b.tif", "z.tif"], ancestors=before)
    result = evaluate_dataset(model, dataset, options=EvaluateOptions(min_roi_size=2))
    pooled = result["pooled"]
    assert (pooled["matched"], pooled["predicted"], pooled["expected"]) == (1, 2, 1)
    told = [text for text in result["warnings"] if "was trained on" in text]
    assert len(told) == 1
    assert "images called a.tif, b.tif: if" in told[0]


def test_jobs_leave_their_scores(tmp_path: Path) -> None:
    """A job compares its uploads and writes evaluation.json."""
    run = runs.create_run(tmp_path, "evaluation", options={"min_roi_size": 2})
    data = encode_tiff(LABELS.astype(np.uint16))
    runs.add_input(run, "prediction", name="a_labels.tif", data=data)
    runs.add_input(run, "truth", name="a.tif", data=data)
    assert run_evaluation(tmp_path, run)["mean"]["f1"] == 1
    assert list_results(run.results) == ["evaluation.json"]
