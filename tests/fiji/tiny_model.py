"""A model without training whose result is known: it finds what is brighter than half the range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path


def store_threshold_model(home: Path, *, name: str, depth: int = 1) -> None:
    """Store a U-Net whose output is a steep sigmoid of the normalised intensity.

    Every convolution passes its first channel on unchanged and ignores the others, so the
    probability of a pixel depends on that pixel alone.
    """
    from deepflash_service.network.architecture import build_network
    from deepflash_service.network.weights import write_weights
    from deepflash_service.records import ModelCard, NetworkCard
    from deepflash_service.store.models import publish_model, stage_model

    card = ModelCard(
        name=name,
        network=NetworkCard(filters=4, depth=depth, normalisation="none"),
        target="cFOS",
        threshold=0.5,
        min_roi_size=10,
    )
    network = build_network(card.network)
    for layer in network.layers:
        if layer.name.endswith("_conv"):
            _pass_first_channel(layer, is_silent=layer.name.startswith("centre"))
    head = network.get_layer("logit")
    kernel = np.zeros_like(head.get_weights()[0])
    kernel[0, 0, 0, 0] = 20.0
    head.set_weights([kernel, np.array([-10.0], np.float32)])
    with stage_model(home) as folder:
        write_weights(network, folder / "member-1.weights.h5")
        publish_model(home, folder, card=card)


def _pass_first_channel(layer: Any, *, is_silent: bool) -> None:
    kernel, bias = (np.zeros_like(array) for array in layer.get_weights())
    if not is_silent:
        kernel[1, 1, 0, 0] = 1.0
    layer.set_weights([kernel, bias])
