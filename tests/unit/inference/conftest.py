"""Fixtures of the inference tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deepflash_service.network.architecture import build_network
from deepflash_service.records import ModelCard, NetworkCard


@pytest.fixture(scope="session")
def card() -> ModelCard:
    """Return the card of a small model."""
    return ModelCard(name="small", network=NetworkCard(filters=8, depth=2))


@pytest.fixture(scope="session")
def networks(card: ModelCard) -> list[Any]:
    """Return two networks whose probabilities spread over 0 to 1."""
    result = []
    for seed in range(2):
        network = build_network(card.network)
        rng = np.random.default_rng(seed)
        network.set_weights(
            [
                (0.25 * rng.standard_normal(array.shape)).astype(np.float32)
                if array.ndim == 4
                else array
                for array in network.get_weights()
            ]
        )
        result.append(network)
    return result
