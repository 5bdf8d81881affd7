"""Networks as functions: padding and memory errors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from deepflash_service.errors import ComputeError
from deepflash_service.network.fitting import train_step
from deepflash_service.network.prediction import make_callable


class _FakeNetwork:
    """Stands for a network with three poolings; fails with the given message."""

    def __init__(self, message: str = "") -> None:
        names = ["pool0", "down1a_conv", "pool1", "pool2", "probability"]
        self.layers = [SimpleNamespace(name=name) for name in names]
        self.message = message
        self.seen: list[tuple[int, ...]] = []

    def predict_on_batch(self, tiles: Any) -> Any:
        """Return the first channel, or fail."""
        if self.message:
            raise RuntimeError(self.message)
        self.seen.append(tiles.shape)
        return tiles[..., :1]

    def train_on_batch(self, *_: Any) -> float:
        """Fail."""
        raise RuntimeError(self.message)


def test_tiles_are_padded_by_reflection_and_cut() -> None:
    """The network sees multiples of eight; the caller gets its own size back."""
    network = _FakeNetwork()
    tiles = np.random.default_rng(0).random((2, 9, 17, 1), dtype=np.float32)
    result = make_callable(network)(tiles)
    assert network.seen == [(2, 16, 24, 1)]
    np.testing.assert_array_equal(result, tiles[..., 0])


@pytest.mark.parametrize("message", ["RESOURCE_EXHAUSTED: OOM when", "Out of memory allocating"])
def test_too_little_memory_is_explained(message: str) -> None:
    """Memory errors of either backend become a sentence with a code."""
    tiles = np.zeros((1, 8, 8, 1), dtype=np.float32)
    for call in (
        lambda: make_callable(_FakeNetwork(message))(tiles),
        lambda: train_step(_FakeNetwork(message), tiles, tiles),
    ):
        with pytest.raises(ComputeError) as caught:
            call()
        assert caught.value.code == "out_of_memory"


def test_other_failures_are_not_hidden() -> None:
    """Any other error passes unchanged."""
    tiles = np.zeros((1, 8, 8, 1), dtype=np.float32)
    with pytest.raises(RuntimeError, match="broken graph"):
        make_callable(_FakeNetwork("broken graph"))(tiles)
    with pytest.raises(RuntimeError, match="broken graph"):
        train_step(_FakeNetwork("broken graph"), tiles, tiles)
