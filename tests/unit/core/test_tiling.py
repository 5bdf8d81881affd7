"""Tiled prediction: blending, progress, cancellation."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.tiling import Tiling, predict_rows, predict_tiled
from deepflash_service.errors import InputError, JobCancelled
from deepflash_service.records import Progress


def test_constant_tiles_blend_without_seams() -> None:
    """Tiles that all say 0.5 blend to 0.5 everywhere."""
    image = np.zeros((100, 130), dtype=np.float32)
    result = predict_tiled(
        image,
        lambda tiles: np.full(tiles.shape[:3], 0.5, dtype=np.float32),
        tiling=Tiling(32, 8, 3),
    )
    np.testing.assert_allclose(result, 0.5, atol=1e-6)


def test_tile_borders_hardly_count() -> None:
    """An error in the outer pixels of each tile disappears where tiles overlap."""

    def predict(tiles: np.ndarray) -> np.ndarray:
        result = np.zeros(tiles.shape[:3], dtype=np.float32)
        result[:, :2], result[:, -2:] = 1.0, 1.0
        return result

    image = np.zeros((200, 64), dtype=np.float32)
    result = predict_tiled(image, predict, tiling=Tiling(64, 32))
    assert result[2:-2].max() < 0.05


def test_progress_counts_tiles() -> None:
    """Every batch is reported, the last one as complete."""
    told: list[Progress] = []
    predict_tiled(
        np.zeros((64, 64), dtype=np.float32),
        lambda tiles: tiles[..., 0],
        tiling=Tiling(32, 0, 3),
        report=told.append,
    )
    assert [(item.current, item.maximum) for item in told] == [(2, 4), (4, 4)]


def test_cancelling_stops_before_the_next_batch() -> None:
    """A cancelled prediction predicts nothing more."""
    calls: list[int] = []

    def predict(tiles: np.ndarray) -> np.ndarray:
        calls.append(len(tiles))
        return np.asarray(tiles[..., 0])

    with pytest.raises(JobCancelled):
        predict_tiled(
            np.zeros((64, 64), dtype=np.float32),
            predict,
            tiling=Tiling(32, 0, 1),
            is_cancelled=lambda: len(calls) == 2,
        )
    assert calls == [1, 1]


@pytest.mark.parametrize("numbers", [(0, 0, 1), (8, 8, 1), (8, -1, 1), (8, 0, 0)])
def test_impossible_tilings_are_refused(numbers: tuple[int, int, int]) -> None:
    """A tiling with gaps cannot be made."""
    with pytest.raises(InputError):
        Tiling(*numbers)


def test_several_maps_are_blended_like_one() -> None:
    """Maps side by side give, each, what the network gives alone, bit for bit."""
    image = np.random.default_rng(0).random((90, 75)).astype(np.float32)
    tiling = Tiling(32, 8, 3)
    found = dict(
        predict_rows(
            lambda start, stop: image[start:stop, :, np.newaxis],
            (90, 75),
            lambda tiles: np.stack([tiles[..., 0], tiles[..., 0] ** 2], axis=1),
            tiling=tiling,
        )
    )
    both = np.concatenate(list(found.values()), axis=1)
    for one, power in zip(both, (1, 2), strict=True):
        alone = predict_tiled(image**power, lambda tiles: tiles[..., 0], tiling=tiling)
        np.testing.assert_array_equal(one, alone)
