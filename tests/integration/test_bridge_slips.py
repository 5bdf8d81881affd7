"""What the bridge says to values that it cannot take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from deepflash_service.bridge import FijiBridge
from deepflash_service.bridge.jvm import java_class
from deepflash_service.errors import InputError

pytestmark = pytest.mark.jvm


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda fiji, image: fiji.set_overlay(image, None), r"not NoneType.*give \[\] for none"),
        (lambda fiji, image: fiji.set_overlay(image, 3), "bytes of .roi files or ij.gui.Roi"),
        (lambda fiji, _: fiji.to_overlay("x.roi"), "not str"),
        (lambda fiji, image: fiji.annotate_from_rois(image, rois=7), "not int"),
        (lambda fiji, _: fiji.rois_from(None), "ij.ImagePlus is needed"),
        (lambda fiji, _: fiji.results_to_dataframe("x"), "ResultsTable is needed here, not a str"),
        (lambda fiji, _: fiji.to_imageplus("cells.tif"), "fiji.open"),
        (lambda fiji, _: fiji.to_imageplus(np.zeros((2, 3)), dims=2), "TZCYX"),
        (lambda fiji, image: fiji.from_imageplus(image, dims=2), "Name these"),
        (lambda fiji, _: fiji.open(None), "path of a file"),
        (lambda fiji, image: fiji.save_tiff(image, None), "path of a file"),
        (lambda fiji, _: fiji.run_macro(None), "text or the path of a file"),
        (lambda fiji, _: fiji.run_command(None), "label of a menu entry"),
    ],
)
def test_what_is_no_image_roi_table_or_path_is_refused(
    fiji: FijiBridge, call: Callable[[Any, Any], object], words: str
) -> None:
    """A slip in a script gives a sentence, no error from inside of Python or Java."""
    image = fiji.to_imageplus(np.zeros((20, 30), np.uint8))
    with pytest.raises(InputError, match=words):
        call(fiji, image)


def test_a_single_roi_is_a_list_of_one(fiji: FijiBridge) -> None:
    """As bytes and as what ImageJ holds, which for Python is a list of points."""
    image = fiji.to_imageplus(np.zeros((20, 30), np.uint8))
    roi = java_class("ij.gui.Roi")(2, 3, 4, 5)
    (data,) = fiji.rois_from(fiji.to_overlay(roi))
    fiji.set_overlay(image, data)
    assert (fiji.annotate_from_rois(image, rois=roi) == fiji.annotate_from_rois(image)).all()
