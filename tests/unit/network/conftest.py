"""Fixtures of the network tests: the smallest network and pictures with bright squares."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.sampling import Example, Sampling, make_example
from deepflash_service.network.presets import TrainSettings
from deepflash_service.records import NetworkCard


@pytest.fixture(scope="session")
def tiny_card() -> NetworkCard:
    """Return the card of a network that trains in seconds."""
    return NetworkCard(filters=8, depth=1)


@pytest.fixture(scope="session")
def squares() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return three normalised images (96, 96, 1) of bright squares on noise, with their masks."""
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(3):
        mask = np.zeros((96, 96), dtype=bool)
        for row, column in rng.integers(0, 80, (9, 2)):
            mask[row : row + 10, column : column + 10] = True
        image = 0.7 * mask + 0.2 * rng.standard_normal((96, 96))
        pairs.append((image.astype(np.float32)[..., np.newaxis], mask))
    return pairs


@pytest.fixture(scope="session")
def examples(squares: list[tuple[np.ndarray, np.ndarray]]) -> list[Example]:
    """Return the first two pictures as training examples."""
    return [make_example(image, [mask]) for image, mask in squares[:2]]


@pytest.fixture(scope="session")
def short_settings() -> TrainSettings:
    """Return settings of a training that takes seconds."""
    return TrainSettings(
        epochs=4,
        steps_per_epoch=12,
        sampling=Sampling(tile=48, batch=4),
        learning_rate=1e-2,
        score_every=2,
    )
