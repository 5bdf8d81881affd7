"""Variation of tiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepflash_service.core.augmentation import (
    NO_VARIATION,
    Variation,
    draw_intensity,
    warp_tile,
)


def test_without_variation_a_tile_is_a_plain_cut() -> None:
    """An odd tile around a pixel is exactly that part of the image."""
    rng = np.random.default_rng(0)
    image = rng.random((50, 60, 2), dtype=np.float32)
    target = rng.integers(0, 5, (50, 60))
    tile, (cut,) = warp_tile(
        image, (target,), centre=(20, 30), size=11, variation=NO_VARIATION, rng=rng
    )
    np.testing.assert_allclose(tile, image[15:26, 25:36], atol=1e-6)
    np.testing.assert_array_equal(cut, target[15:26, 25:36])


def test_beyond_the_border_the_image_is_mirrored() -> None:
    """A tile around the corner mirrors rows and columns."""
    image = np.arange(100, dtype=np.float32).reshape(10, 10, 1)
    tile, _ = warp_tile(
        image, (), centre=(0, 0), size=5, variation=NO_VARIATION, rng=np.random.default_rng(0)
    )
    np.testing.assert_allclose(tile[..., 0], tile[::-1, ::-1, 0])
    np.testing.assert_allclose(tile[2:, 2:, 0], image[:3, :3, 0])


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2)])
def test_tiny_images_can_be_warped(shape: tuple[int, int]) -> None:
    """Images of one or two pixels fill a tile by mirroring."""
    image = np.ones((*shape, 1), dtype=np.float32)
    variation = replace(Variation(), scale_share=1.0, bend_share=1.0)
    tile, (cut,) = warp_tile(
        image,
        (np.ones(shape),),
        centre=(0, 0),
        size=9,
        variation=variation,
        rng=np.random.default_rng(0),
    )
    np.testing.assert_allclose(tile, 1.0, atol=1e-6)
    assert cut.shape == (9, 9)


def test_scale_changes_the_area() -> None:
    """Over many tiles, objects appear between about half and twice as large."""
    mask = np.zeros((101, 101), dtype=np.uint8)
    mask[40:61, 40:61] = 1
    variation = replace(NO_VARIATION, turn=True, scale_share=1.0)
    rng = np.random.default_rng(0)
    areas = [
        warp_tile(
            np.zeros((101, 101, 1), dtype=np.float32),
            (mask,),
            centre=(50, 50),
            size=81,
            variation=variation,
            rng=rng,
        )[1][0].sum()
        for _ in range(60)
    ]
    assert 0.45 < min(areas) / 441 < 0.65
    assert 1.7 < max(areas) / 441 < 2.1


def test_intensity_variation_leaves_its_input_alone() -> None:
    """The given tile is not changed, and the result is finite float32."""
    tile = np.random.default_rng(0).normal(0.3, 0.3, (32, 32, 2)).astype(np.float32)
    before = tile.copy()
    always = replace(
        Variation(), gamma_share=1, light_share=1, shade_share=1, noise_share=1, blur_share=1
    )
    result = draw_intensity(tile, always, np.random.default_rng(1))
    np.testing.assert_array_equal(tile, before)
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    assert not np.allclose(result, tile)


def test_no_variation_changes_nothing() -> None:
    """Shares of zero return the tile as it is."""
    tile = np.random.default_rng(0).random((8, 8, 1), dtype=np.float32)
    np.testing.assert_array_equal(
        draw_intensity(tile, NO_VARIATION, np.random.default_rng(0)), tile
    )


def test_targets_take_the_nearest_pixel() -> None:
    """Image and target stay within half a pixel of each other, without a shift."""
    rows = np.arange(120)[:, np.newaxis] + np.zeros(120, dtype=np.int64)
    rng = np.random.default_rng(0)
    image = rows.astype(np.float32)[..., np.newaxis]
    for _ in range(5):
        tile, (cut,) = warp_tile(
            image, (rows,), centre=(60, 60), size=64, variation=Variation(), rng=rng
        )
        difference = tile[..., 0] - cut
        assert np.abs(difference).max() <= 0.5 + 1e-3
        assert abs(difference.mean()) < 0.05
