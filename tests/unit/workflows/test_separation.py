"""Touching ROIs in the results of a segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from deepflash_service.core.labels import label_rois
from deepflash_service.records import SegmentOptions
from deepflash_service.store.images import read_image, write_image
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
