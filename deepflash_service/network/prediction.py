"""Use a network as a plain function of NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.errors import ComputeError
from deepflash_service.network.devices import is_out_of_memory

if TYPE_CHECKING:
    from deepflash_service.core.tiling import PredictTiles


def make_callable(network: Any) -> PredictTiles:
    """Wrap a network as a function from tiles to probabilities.

    Parameters
    ----------
    network : keras.Model
        From ``architecture.build_network``; with logits or probabilities.

    Returns
    -------
    callable
        Maps (B, M, N, C) float32 of any size to (B, M, N) float32 probabilities. Sizes that
        the network cannot halve often enough are extended by reflection and cut again.

    Raises
    ------
    ComputeError
        Raised by the callable with code ``out_of_memory``.
    """
    multiple = 2 ** sum(layer.name.startswith("pool") for layer in network.layers)
    is_logit = network.layers[-1].name == "logit"

    def predict(tiles: Any) -> Any:
        rows, columns = tiles.shape[1:3]
        missing = [(0, -size % multiple) for size in (rows, columns)]
        padded = np.pad(tiles, [(0, 0), *missing, (0, 0)], mode="reflect")
        result = np.asarray(_run(network, padded), dtype=np.float32)[:, :rows, :columns, 0]
        return 1.0 / (1.0 + np.exp(-result)) if is_logit else result

    return predict


def _run(network: Any, tiles: Any) -> Any:
    try:
        return network.predict_on_batch(tiles)
    except Exception as error:
        if is_out_of_memory(error):
            raise ComputeError(
                f"The device has too little memory for tiles of {tiles.shape[1]} pixels. "
                "Close other programs that use it, or choose smaller tiles.",
                code="out_of_memory",
            ) from None
        raise
