"""Properties of tiled prediction."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deepflash_service.core.tiling import Tiling, place_tiles, predict_tiled


@st.composite
def tilings(draw: st.DrawFn) -> Tiling:
    """Any tile up to 40 pixels with any overlap below it, on any grid."""
    align = draw(st.sampled_from([1, 2, 4, 8]))
    tile = align * draw(st.integers(1, 40 // align))
    overlap = draw(st.integers(0, tile - align))
    return Tiling(tile, overlap, draw(st.integers(1, 5)), align=align)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 3), tilings())
def test_identity_predictor_returns_the_image(
    rows: int, columns: int, channels: int, tiling: Tiling
) -> None:
    """Whatever the shape, tile and overlap, an identity predictor gives the image back."""
    image = np.random.default_rng(rows).random((rows, columns, channels), dtype=np.float32)
    result = predict_tiled(image, lambda tiles: tiles[..., 0], tiling=tiling)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, image[..., 0], atol=1e-5)


@given(st.integers(0, 200), tilings())
def test_tiles_cover_and_overlap(extra: int, tiling: Tiling) -> None:
    """Starts rise, cover the length exactly and keep the overlap."""
    length = tiling.extend(tiling.tile + extra)
    starts = place_tiles(length, tiling)
    assert starts[0] == 0
    assert starts[-1] + tiling.tile == length
    assert not any(start % tiling.align for start in starts)
    steps = np.diff(starts)
    assert (steps <= max(1, tiling.tile - tiling.overlap)).all()
    assert (steps > 0).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 3))
def test_tiles_equal_the_whole_image_where_the_overlap_is_wide(
    rows: int, columns: int, halvings: int
) -> None:
    """A predictor that halves the image and looks around gives the same with and without tiles."""
    block = 2**halvings
    tiling = Tiling(8 * block, 4 * block, align=block)

    def predict(tiles: np.ndarray) -> np.ndarray:
        """Return the sum of a block's neighbourhood at each pixel."""
        count, height, width = tiles.shape[:3]
        shape = (count, height // block, block, width // block, block)
        small = np.pad(tiles[..., 0].reshape(shape).max(axis=(2, 4)), [(0, 0), (1, 1), (1, 1)])
        near = small[:, :-2, 1:-1] + small[:, 2:, 1:-1] + small[:, 1:-1, :-2] + small[:, 1:-1, 2:]
        return np.asarray(near.repeat(block, axis=1).repeat(block, axis=2))

    image = np.random.default_rng(rows).random((rows, columns, 1), dtype=np.float32)
    extended = [(0, tiling.extend(size) - size) for size in (rows, columns)]
    whole = predict(np.pad(image, [*extended, (0, 0)], mode="reflect")[np.newaxis])[0]
    result = predict_tiled(image, predict, tiling=tiling)
    np.testing.assert_allclose(result, whole[:rows, :columns], atol=1e-5)
