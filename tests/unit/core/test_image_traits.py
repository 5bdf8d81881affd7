"""Traits of images: free of units, told for each channel, defined for odd images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from deepflash_service.core.image_traits import measure_image_traits


def _draw_cells(size: float = 4.0, noise: float = 4.0) -> npt.NDArray[np.uint8]:
    """Return a 256 x 256 image of round cells of a size, with noise."""
    rng = np.random.default_rng(0)
    spots = np.zeros((256, 256))
    spots[rng.integers(0, 256, 60), rng.integers(0, 256, 60)] = 1
    cells = ndimage.gaussian_filter(spots, size)
    values = 30 + 150 * cells / cells.max() + rng.normal(0, noise, cells.shape)
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.astype(np.uint16) * 257,
        lambda image: image.astype(np.uint16) * 16,
        lambda image: image / np.float32(255),
        lambda image: image.astype(np.float32) * 3 + 500,
    ],
)
def test_traits_have_no_unit(change: Callable[[Any], Any]) -> None:
    """Bit depth, gain and offset change nothing."""
    image = _draw_cells()
    assert measure_image_traits(change(image)) == pytest.approx(
        measure_image_traits(image), abs=1e-4
    )


def test_traits_do_not_depend_on_the_size_of_the_image() -> None:
    """Four times the same field gives the same traits, but for the seams."""
    image = _draw_cells()
    four = np.tile(image, (2, 2))
    assert measure_image_traits(four) == pytest.approx(measure_image_traits(image), abs=0.15)


def test_contrast_tells_range_over_noise() -> None:
    """Twice the noise halves the contrast, and makes the grain coarser than the cells."""
    calm, noisy = (measure_image_traits(_draw_cells(noise=noise)) for noise in (3.0, 12.0))
    assert calm["contrast"] - noisy["contrast"] == pytest.approx(np.log(4), abs=0.35)
    assert noisy["grain"] - calm["grain"] > 1


def test_texture_tells_the_scale() -> None:
    """Larger cells have less structure of four to eight pixels."""
    small, large = (measure_image_traits(_draw_cells(size))["texture"] for size in (2.0, 8.0))
    assert small - large > 0.5


def test_channels_are_told_apart() -> None:
    """The first channel has plain names, the second its number."""
    stack = np.stack([_draw_cells(2.0), _draw_cells(8.0)], axis=-1)
    found = measure_image_traits(stack)
    assert set(found) == {
        *("contrast", "grain", "texture"),
        *("contrast 2", "grain 2", "texture 2"),
    }
    assert found["texture"] > found["texture 2"]


@pytest.mark.parametrize("shape", [(64, 64), (1, 1), (3, 40), (31, 31)])
def test_images_without_content_have_no_texture(shape: tuple[int, int]) -> None:
    """A constant image has the contrast 0, and small ones still tell their contrast."""
    assert measure_image_traits(np.zeros(shape, np.uint8)) == {"contrast": 0.0}
    found = measure_image_traits(np.random.default_rng(0).random(shape).astype(np.float32))
    assert np.isfinite(list(found.values())).all()
