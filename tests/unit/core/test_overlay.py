"""Comparison pictures and outlines."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.overlay import compare_masks, draw_outlines, scale_to_grey
from deepflash_service.errors import InputError

MODEL = np.array([[1, 1, 0, 0]], dtype=bool)
EXPERT = np.array([[0, 1, 1, 0]], dtype=bool)


def test_magenta_white_green() -> None:
    """Model only, both, expert only, nothing: the colours of 2018."""
    picture = compare_masks(None, MODEL, EXPERT)
    assert picture.dtype == np.uint8
    assert picture[0].tolist() == [[255, 0, 255], [255, 255, 255], [0, 255, 0], [0, 0, 0]]


def test_image_shines_through() -> None:
    """Over an image the hues stay and the background is the dimmed image."""
    image = np.array([[0, 10, 10, 10]], dtype=np.uint16)
    picture = compare_masks(image, MODEL, EXPERT).astype(int)
    assert picture[0, 0, 1] == picture[0, 2, 0] == 0
    assert picture[0, 1].tolist() == [255, 255, 255]
    assert len(set(picture[0, 3].tolist())) == 1
    assert 0 < picture[0, 3, 0] < 255


def test_outlines_are_inside_their_roi() -> None:
    """The rim of each ROI is yellow, its inside and the background grey; borders count as rim."""
    labels = np.zeros((7, 7), dtype=np.int32)
    labels[1:6, 1:6], labels[1:6, 6] = 1, 2
    picture = draw_outlines(np.zeros((7, 7)), labels)
    yellow = (picture == (255, 255, 0)).all(axis=2)
    expected = labels > 0
    expected[2:5, 2:5] = False
    np.testing.assert_array_equal(yellow, expected)


def test_colour_images_become_grey() -> None:
    """Channels are averaged, whatever is not finite is dark."""
    image = np.dstack([np.full((2, 2), value, dtype=float) for value in (0, 3, 6)])
    image[0, 0] = np.nan
    image[1, 1] = 9
    np.testing.assert_allclose(scale_to_grey(image), [[0, 0], [0, 1]], atol=0.02)
    assert scale_to_grey(np.full((2, 2), np.nan)).max() == 0
    assert scale_to_grey(np.full((2, 2), 7.0)).max() == 0
    sparse = np.zeros((100, 100))
    sparse[0, 0] = 5
    assert scale_to_grey(sparse).max() == 1


def test_pictures_of_other_sizes_are_refused() -> None:
    """Masks and image must belong together."""
    with pytest.raises(InputError):
        compare_masks(None, MODEL, EXPERT.T)
    with pytest.raises(InputError):
        compare_masks(np.zeros((3, 3)), MODEL, EXPERT)
    with pytest.raises(InputError):
        draw_outlines(np.zeros((3, 3)), np.zeros((3, 4), dtype=np.int32))
    with pytest.raises(InputError, match="no picture"):
        scale_to_grey(np.zeros(3))
