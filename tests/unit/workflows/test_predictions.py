"""Which predictions are compared, at which threshold, and what is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepflash_service.errors import InputError
from deepflash_service.records import EvaluateOptions
from deepflash_service.store.images import write_image, write_labels, write_mask, write_probability
from deepflash_service.workflows.evaluate import evaluate_folders
from tests.unit.store.image_samples import make_png
from tests.unit.workflows.conftest import LABELS

FAINT = np.where(LABELS == 1, 0.9, np.where(LABELS == 2, 0.6, 0.1)).astype(np.float32)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return a folder for predictions, and one with the truth of image ``a``."""
    write_labels(tmp_path / "t" / "a.tif", LABELS)
    (tmp_path / "p").mkdir()
    return tmp_path / "p", tmp_path / "t"


def test_stacks_are_left_out_with_a_warning(folders: tuple[Path, Path]) -> None:
    """One stack does not keep the single planes beside it from being compared."""
    prediction, truth = folders
    write_labels(prediction / "a_labels.tif", LABELS)
    write_labels(prediction / "s_labels.tif", np.stack([LABELS, LABELS]))
    write_labels(truth / "s.tif", np.stack([LABELS, LABELS]))
    found = evaluate_folders(prediction, truth, options=EvaluateOptions())
    assert [one["image"] for one in found["images"]] == ["a"]
    assert "s_labels.tif holds 2 planes" in found["warnings"][0]
    (prediction / "a_labels.tif").unlink()
    with pytest.raises(InputError, match="2 planes"):
        evaluate_folders(prediction, truth, options=EvaluateOptions())


def test_two_predictions_of_one_image_are_not_guessed(folders: tuple[Path, Path]) -> None:
    """Both are left out and named."""
    prediction, truth = folders
    write_labels(truth / "b.tif", LABELS)
    for name in ("a", "b"):
        write_mask(prediction / f"{name}.tif", LABELS > 0)
    (prediction / "a.png").write_bytes(make_png((LABELS > 0).astype(np.uint8)))
    found = evaluate_folders(prediction, truth, options=EvaluateOptions())
    assert [one["image"] for one in found["images"]] == ["b"]
    assert "a.png, a.tif" in found["warnings"][0]


def test_a_threshold_of_zero_is_a_threshold(folders: tuple[Path, Path]) -> None:
    """Zero is not taken for none."""
    prediction, truth = folders
    write_probability(prediction / "a.tif", ((LABELS > 0) * 0.3).astype(np.float32))
    found = evaluate_folders(prediction, truth, options=EvaluateOptions(threshold=0.0))
    assert found["pooled"]["f1"] == 1


@pytest.mark.parametrize("table", ["summary.csv", "summary_1_of_2.csv", "lost.csv"])
def test_the_size_filter_keeps_the_threshold(folders: tuple[Path, Path], table: str) -> None:
    """ROIs that the segmentation excluded do not come back, whatever its table is called."""
    prediction, truth = folders
    write_labels(prediction / "a_labels.tif", np.where(LABELS == 1, 1, 0).astype(np.int32))
    write_probability(prediction / "a_probability.tif", FAINT)
    (prediction / table).write_text("Image,Threshold\na.tif,0.8\n", encoding="utf-8")
    found = evaluate_folders(prediction, truth, options=EvaluateOptions(min_roi_size=2))
    assert found["pooled"]["predicted"] == 1


def test_an_empty_folder_is_told(folders: tuple[Path, Path]) -> None:
    """The cause is no fault of the names."""
    with pytest.raises(InputError, match="no prediction") as caught:
        evaluate_folders(*folders, options=EvaluateOptions())
    assert caught.value.code == "pairing_failed"


def test_images_are_called_by_their_stem(folders: tuple[Path, Path]) -> None:
    """Names do not depend on the kind of folder."""
    prediction, truth = folders
    write_image(prediction / "a.tif", LABELS.astype(np.uint8))
    found = evaluate_folders(prediction, truth, options=EvaluateOptions())
    assert [one["image"] for one in found["images"]] == ["a"]
