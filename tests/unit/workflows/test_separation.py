"""Touching ROIs in the results of a segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from deepflash_service.core.labels import label_rois
from deepflash_service.core.scaling import Scale
from deepflash_service.core.separation import Cut
from deepflash_service.records import SegmentOptions
from deepflash_service.store.images import read_image, write_image
from deepflash_service.workflows.pixel_sizes import ScaledModel
from deepflash_service.workflows.planes import choose_cut
from deepflash_service.workflows.segment import segment_images
from tests.unit.workflows.conftest import make_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("card", "chosen", "count"), [(0.75, None, 2), (0.75, 0.0, 1), (0.0, None, 1), (0.0, 0.75, 2)]
)
def test_touching_rois_are_parted_as_the_card_or_the_user_says(
    tmp_path: Path, card: float, chosen: float | None, count: int
) -> None:
    """The ROIs in the label image are the components of the map above the threshold still."""
    rows, columns = np.indices((60, 80))
    discs = [(rows - 30) ** 2 + (columns - column) ** 2 <= 144 for column in (28, 47)]
    write_image(tmp_path / "pair.tif", np.where(discs[0] | discs[1], 200, 0).astype(np.uint8))
    options = SegmentOptions(model="bright", separation=chosen)
    result = segment_images(
        [tmp_path / "pair.tif"], make_model(separation=card), options=options, output=tmp_path
    )
    assert result["images"][0]["rois"] == count
    labels = read_image(tmp_path / "pair_labels.tif").select()
    probability = read_image(tmp_path / "pair_probability.tif").select()
    np.testing.assert_array_equal(label_rois(probability, threshold=0.5), labels)


def test_a_minimum_size_removes_rois_and_parts_nothing(tmp_path: Path) -> None:
    """The bud is cut off at the annotated size, and then is too small, as in the training."""
    rows, columns = np.indices((60, 80))
    discs = [
        (rows - 30) ** 2 + (columns - column) ** 2 <= radius**2
        for column, radius in ((28, 12), (45, 7))
    ]
    write_image(tmp_path / "bud.tif", np.where(discs[0] | discs[1], 200, 0).astype(np.uint8))

    def find(**facts: Any) -> Any:
        model = make_model(separation=0.75, min_roi_size=200, **facts)
        options = SegmentOptions(model="bright")
        segment_images([tmp_path / "bud.tif"], model, options=options, output=tmp_path)
        return read_image(tmp_path / "bud_labels.tif").select()

    assert (find(smallest_annotated=20) > 0).sum() < discs[0].sum() + 10
    # old cards tell one size only
    assert (find() > 0).sum() == (discs[0] | discs[1]).sum()


def test_a_cut_is_converted_to_the_pixels_of_the_image() -> None:
    """Areas and lengths of the card are; what the user says is in pixels of the image already."""
    facts = {"min_roi_size": 40, "smallest_annotated": 20, "separation": 0.75}
    scaled = ScaledModel(make_model(**facts), Scale(0.5, 0.5))
    assert choose_cut(SegmentOptions(model="b"), scaled) == Cut(0.5, 160, 1.5, 80)
    options = SegmentOptions(model="b", threshold=0.3, min_roi_size=0, separation=0.0)
    assert choose_cut(options, scaled) == Cut(0.3, 0, 0.0, 80)
