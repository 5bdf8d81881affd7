"""Time one training step, by precision, XLA and normalisation kernel.

Run: .venv/bin/python -m benchmarks.training_step [--filters 16] [--depth 4]
Processor seconds beside wall seconds, because other programs may share the cores.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, cast

import numpy as np

from benchmarks.recording import record_result
from deepflash_service.core.sampling import Sampling, draw_batch, make_example
from deepflash_service.network import architecture
from deepflash_service.network.devices import Precision
from deepflash_service.network.losses import border_dice_loss
from deepflash_service.records import NetworkCard

STEPS = 8


def time_call(function: Any) -> dict[str, float]:
    """Return wall and processor seconds per call, after two calls to warm up."""
    function(), function()
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(STEPS):
        function()
    return {
        "seconds": round((time.perf_counter() - wall) / STEPS, 4),
        "processor_seconds": round((time.process_time() - processor) / STEPS, 4),
    }


def time_step(
    card: NetworkCard, precision: Precision, *, is_xla: bool, is_fused: bool
) -> dict[str, Any]:
    """Train on one batch of four 256 x 256 tiles again and again."""
    import keras

    from deepflash_service.network import layers

    ours = layers.FusedBatchNormalization
    if not is_fused:
        layers.FusedBatchNormalization = keras.layers.BatchNormalization  # type: ignore[misc]
    network = architecture.build_network(card, precision=precision, logits=True)
    layers.FusedBatchNormalization = ours  # type: ignore[misc]
    network.compile(keras.optimizers.AdamW(1e-3), border_dice_loss, jit_compile=is_xla)
    rng = np.random.default_rng(0)
    images = rng.random((4, 256, 256, 1), dtype=np.float32)
    target = (rng.random((4, 256, 256, 2)) > 0.9).astype(np.float32)
    target[..., 1] += 1
    figures = time_call(lambda: network.train_on_batch(images, target))
    found = {"precision": precision, "xla": is_xla, "fused": is_fused, **figures}
    print(found, flush=True)
    return found


def main() -> None:
    """Time all variants and the input pipeline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--depth", type=int, default=4)
    options = parser.parse_args()
    card = NetworkCard(filters=options.filters, depth=options.depth)
    variants = [
        ("float32", False, False),
        ("float32", False, True),
        ("bfloat16", True, False),
        ("bfloat16", False, False),
        ("bfloat16", False, True),
    ]
    rows = [
        time_step(card, cast("Precision", precision), is_xla=xla, is_fused=fused)
        for precision, xla, fused in variants
    ]
    rng = np.random.default_rng(0)
    example = make_example(
        rng.random((1024, 1024, 1), dtype=np.float32), [rng.random((1024, 1024)) > 0.999]
    )
    tiles = time_call(lambda: draw_batch([example], Sampling(), rng))
    print("tiles", tiles)
    share = tiles["processor_seconds"] / rows[-1]["processor_seconds"]
    record_result(
        f"training_step_{options.filters}_{options.depth}",
        {"steps": rows, "tiles": tiles, "share_of_tiles": round(share, 3)},
    )


if __name__ == "__main__":
    main()
