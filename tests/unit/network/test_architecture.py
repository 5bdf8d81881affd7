"""The U-Net: shapes, independence of the batch, fused normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deepflash_service.network.architecture import build_network
from deepflash_service.network.prediction import make_callable
from deepflash_service.records import NetworkCard, Normalisation

pytestmark = pytest.mark.keras


def _shake(network: Any) -> Any:
    rng = np.random.default_rng(0)
    weights = [
        np.abs(0.3 * rng.standard_normal(array.shape)).astype(np.float32)
        if array.ndim == 1
        else array
        for array in network.get_weights()
    ]
    network.set_weights(weights)
    return network


@pytest.mark.parametrize("normalisation", ["batch", "group", "none"])
def test_prediction_does_not_depend_on_the_batch(normalisation: Normalisation) -> None:
    """A tile predicted alone and beside others has the same probabilities."""
    card = NetworkCard(filters=4, depth=2, normalisation=normalisation)
    predict = make_callable(_shake(build_network(card)))
    tiles = np.random.default_rng(1).random((3, 32, 32, 1), dtype=np.float32)
    tiles[1:] *= 50
    np.testing.assert_allclose(predict(tiles)[0], predict(tiles[:1])[0], atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (17, 33), (48, 20)])
def test_any_size_and_channels(shape: tuple[int, int]) -> None:
    """Sizes that cannot be halved twice are padded and cut; probabilities lie in 0 to 1."""
    predict = make_callable(build_network(NetworkCard(channels=3, filters=4, depth=2)))
    result = predict(np.random.default_rng(0).random((2, *shape, 3), dtype=np.float32))
    assert result.shape == (2, *shape)
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1


def test_logits_and_probabilities_agree(tiny_card: NetworkCard) -> None:
    """The network without its last sigmoid is the same function through ``make_callable``."""
    whole = _shake(build_network(tiny_card))
    open_end = build_network(tiny_card, logits=True)
    open_end.set_weights(whole.get_weights())
    tiles = np.random.default_rng(0).random((1, 32, 32, 1), dtype=np.float32)
    np.testing.assert_allclose(
        make_callable(whole)(tiles), make_callable(open_end)(tiles), atol=1e-6
    )


def test_filters_double_up_to_a_cap() -> None:
    """Six levels of 128 filters stop at 512."""
    network = build_network(NetworkCard(filters=128, depth=4))
    assert network.get_layer("centrea_conv").filters == 512
    assert network.get_layer("down1a_conv").filters == 256


def test_mixed_precision_keeps_float32_weights(tiny_card: NetworkCard) -> None:
    """Weights and output stay float32, the inside computes in bfloat16."""
    network = build_network(tiny_card, precision="bfloat16")
    assert {str(weight.dtype) for weight in network.weights} == {"float32"}
    assert network.output.dtype == "float32"
    assert network.get_layer("centreb_conv").compute_dtype == "bfloat16"


def test_fused_normalisation_equals_plain_normalisation() -> None:
    """Output, gradients and moving statistics are those of Keras' own layer."""
    import keras

    from deepflash_service.network.layers import FusedBatchNormalization

    images = np.random.default_rng(0).normal(3, 2, (4, 16, 16, 5)).astype(np.float32)
    fused, plain = (
        FusedBatchNormalization(momentum=0.9),
        keras.layers.BatchNormalization(momentum=0.9),
    )
    results = [keras.ops.convert_to_numpy(layer(images, training=True)) for layer in (fused, plain)]
    np.testing.assert_allclose(results[0], results[1], atol=1e-4)
    for ours, theirs in zip(fused.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3)
