"""Properties of tiled prediction."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deepflash_service.core.tiling import Tiling, place_tiles, predict_tiled


@st.composite
def tilings(draw: st.DrawFn) -> Tiling:
    """Any tile up to 40 pixels with any overlap below it."""
    tile = draw(st.integers(1, 40))
    return Tiling(tile, draw(st.integers(0, tile - 1)), draw(st.integers(1, 5)))


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
    length = tiling.tile + extra
    starts = place_tiles(length, tiling)
    assert starts[0] == 0
    assert starts[-1] + tiling.tile == length
    steps = np.diff(starts)
    assert (steps <= max(1, tiling.tile - tiling.overlap)).all()
    assert (steps > 0).all()
