"""The preview of a network in training."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.preview import draw_preview
from deepflash_service.errors import InputError


def test_image_left_comparison_right() -> None:
    """Magenta: prediction only; green: consensus only; white: both; black: neither."""
    image = np.zeros((20, 30), np.uint16)
    image[5:10, 5:10] = 1000
    prediction = np.zeros((20, 30), np.int32)
    truth = prediction.copy()
    prediction[0, 0:2] = 1
    truth[0, 1:3] = 1
    picture = draw_preview(image, prediction, truth)
    assert picture.dtype == np.uint8
    assert picture.shape == (20, 30 + 8 + 30, 3)
    assert picture[7, 7].tolist() == [255, 255, 255]
    assert picture[0, 0].tolist() == [0, 0, 0]
    right = picture[:, 38:]
    colours = [[255, 0, 255], [255, 255, 255], [0, 255, 0], [0, 0, 0]]
    assert right[0, :4].tolist() == colours


@pytest.mark.parametrize(("rows", "height"), [(1024, 1024), (1025, 512), (3100, 775)])
def test_large_images_are_shrunk(rows: int, height: int) -> None:
    """The picture is at most 1024 pixels high, and what was marked stays visible."""
    image = np.zeros((rows, 67, 2), np.float32)
    labels = np.zeros((rows, 67), np.int32)
    labels[40:80, 10:30] = 3
    picture = draw_preview(image, labels, labels)
    assert picture.shape[0] == height
    factor = -(-rows // 1024)
    middle = picture[60 // factor, 67 // factor + 8 + 20 // factor]
    assert middle.tolist() == [255, 255, 255]


def test_another_shape_is_refused() -> None:
    """A consensus of another image is not drawn."""
    labels = np.zeros((20, 30), np.int32)
    with pytest.raises(InputError):
        draw_preview(np.zeros((20, 30)), labels, labels.T)
