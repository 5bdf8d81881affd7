"""A small U-Net without training whose probability depends on a pixel and its surroundings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from deepflash_service.core.labels import label_rois
from deepflash_service.core.normalization import scale_piece
from deepflash_service.inference.rows import Watch, measure_stretches
from deepflash_service.store.pieces import open_pieces

MODEL = "smooth"
SMALLEST = 12
MARGIN = 128
BLUR = np.outer([1, 2, 1], [1, 2, 1]) / 16


def store_smooth_model(home: Path) -> None:
    """Store a U-Net of 4 filters and depth 2 that smooths at three scales and cuts at one half."""
    from deepflash_service.network.architecture import build_network
    from deepflash_service.network.weights import write_weights
    from deepflash_service.records import ModelCard, NetworkCard
    from deepflash_service.store.models import publish_model, stage_model

    card = ModelCard(
        name=MODEL,
        network=NetworkCard(filters=4, depth=2, normalisation="none"),
        target="spot",
        threshold=0.5,
        min_roi_size=SMALLEST,
    )
    network = build_network(card.network)
    for layer in network.layers:
        if layer.name.endswith("_conv"):
            _pass_on(layer, joins=layer.name.startswith("up") and "a_conv" in layer.name)
    head = network.get_layer("logit")
    kernel = np.zeros_like(head.get_weights()[0])
    kernel[0, 0, 0, 0] = 30.0
    head.set_weights([kernel, np.array([-12.0], np.float32)])
    with stage_model(home) as folder:
        write_weights(network, folder / "member-1.weights.h5")
        publish_model(home, folder, card=card)


def _pass_on(layer: Any, *, joins: bool) -> None:
    kernel, bias = (np.zeros_like(array) for array in layer.get_weights())
    if joins:
        # the skipped channels come first, those from below after them
        kernel[:, :, 0, 0] = 0.6 * BLUR
        kernel[:, :, kernel.shape[3], 0] = 0.4 * BLUR
    else:
        kernel[:, :, 0, 0] = BLUR
    layer.set_weights([kernel, bias])


def predict_untiled(
    source: Path, home: Path, *, corner: int, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Predict a part of a large image as one tile with a margin; return labels and map."""
    from deepflash_service.network.architecture import build_network
    from deepflash_service.network.prediction import make_callable
    from deepflash_service.network.weights import read_weights
    from deepflash_service.store.models import find_model

    stored = find_model(home, MODEL)
    network = build_network(stored.card.network)
    read_weights(network, stored.weights[0])
    predict = make_callable(network)
    low, high = corner - MARGIN, corner + size + MARGIN
    with open_pieces(source) as image:
        rows = image.get_rows()
        stretches = measure_stretches(rows, Watch())
        raw = rows.read(low, high)[:, low:high].astype(np.float32)
    tile = scale_piece(raw[..., np.newaxis], stretches)[np.newaxis]
    views = [np.flip(predict(np.flip(tile, axes)), axes)[0] for axes in ((), (1,), (2,), (1, 2))]
    whole = np.mean(views, axis=0)[MARGIN:-MARGIN, MARGIN:-MARGIN]
    return label_rois(whole, min_roi_size=SMALLEST), whole
