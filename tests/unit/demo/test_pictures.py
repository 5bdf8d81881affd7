"""Pictures of the report."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from deepflash_service.demo.pictures import (
    choose_crop,
    draw_contours,
    embed_png,
    stretch_contrast,
)


def test_contrast_uses_the_whole_range_and_survives_flat_images() -> None:
    """Quantiles become black and white; an image of one value is black."""
    ramp = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    grey = stretch_contrast(ramp)
    assert (grey.min(), grey.max()) == (0, 255)
    assert stretch_contrast(np.full((9, 9), 7, np.uint8)).max() == 0


def test_outlines_are_drawn_inside_and_leave_the_rest_alone() -> None:
    """Only pixels of the ROI near its edge are coloured."""
    labels = np.zeros((20, 20), np.int32)
    labels[5:15, 5:15] = 1
    picture = draw_contours(np.full((20, 20), 100, np.uint8), {"#ff8000": labels}, zoom=2)
    assert picture.shape == (40, 40, 3)
    coloured = (picture == (255, 128, 0)).all(axis=2)
    big = np.kron(labels, np.ones((2, 2), np.int32)) > 0
    assert coloured.any()
    assert not np.any(coloured & ~big)
    assert (picture[20, 20] == 100).all()
    assert np.all(picture[~coloured] == 100)


def test_touching_rois_are_told_apart() -> None:
    """There is an outline between two ROIs that touch."""
    labels = np.zeros((16, 32), np.int32)
    labels[:, :16], labels[:, 16:] = 1, 2
    picture = draw_contours(np.zeros((16, 32), np.uint8), {"#ffffff": labels})
    assert picture[16, 31:33].any()
    assert not picture[16, 8:24].any()


@given(st.integers(8, 40), st.integers(8, 40), st.integers(4, 60))
def test_the_crop_lies_inside_the_image(rows: int, columns: int, size: int) -> None:
    """The window starts inside and is as large as possible, and holds a ROI."""
    labels = np.zeros((rows, columns), np.int32)
    labels[rows - 2, columns - 2] = 1
    window = choose_crop(labels, size)
    part = labels[window]
    assert part.shape == (min(size, rows), min(size, columns))
    assert part.any()


def test_the_crop_shows_the_crowd() -> None:
    """Most ROI pixels win."""
    labels = np.zeros((100, 100), np.int32)
    labels[10:14, 10:14] = 1
    labels[70:90, 60:80] = 2
    rows, columns = choose_crop(labels, 30)
    assert labels[rows, columns].sum() == 2 * 400


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_a_data_uri_is_the_picture(shape: tuple[int, ...]) -> None:
    """The URI decodes to the same pixels."""
    picture = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    head, data = embed_png(picture).split(",")
    assert head == "data:image/png;base64"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), picture)
