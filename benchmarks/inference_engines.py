"""Compare the inference engines: seconds per megapixel and largest difference in probability.

Run: .venv/bin/python -m benchmarks.inference_engines [--filters 16] [--depth 4] [--weights FILE]
Without weights the network is random, which shows the speed but flatters the difference.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recording import record_result
from deepflash_service.inference.engines import compile_openvino, make_probe
from deepflash_service.network.architecture import build_network
from deepflash_service.network.prediction import make_callable
from deepflash_service.network.weights import read_weights
from deepflash_service.records import NetworkCard

SIZES = (256, 512, 1024)


def time_engine(predict: Any, tiles: np.ndarray) -> dict[str, float]:
    """Return wall and processor seconds per megapixel, the best of three."""
    predict(tiles)
    rows = []
    for _ in range(3):
        wall, processor = time.perf_counter(), time.process_time()
        predict(tiles)
        rows.append((time.perf_counter() - wall, time.process_time() - processor))
    megapixels = tiles.shape[1] * tiles.shape[2] / 1e6
    best = np.min(rows, axis=0) / megapixels
    return {"seconds": round(float(best[0]), 3), "processor_seconds": round(float(best[1]), 3)}


def main() -> None:
    """Time every engine on tiles of three sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    card = NetworkCard(filters=options.filters, depth=options.depth)
    network, mixed = build_network(card), build_network(card, precision="bfloat16")
    if options.weights:
        read_weights(network, options.weights)
    mixed.set_weights(network.get_weights())
    engines = {
        "keras float32": make_callable(network),
        "keras bfloat16": make_callable(mixed),
        "openvino float32": compile_openvino(network, "float32"),
        "openvino bfloat16": compile_openvino(network, "bfloat16"),
    }
    probe = make_probe(1)
    expected = engines["keras float32"](probe)
    rows = []
    for name, predict in engines.items():
        row: dict[str, Any] = {"engine": name}
        row["largest_difference"] = round(float(np.abs(predict(probe) - expected).max()), 6)
        for size in SIZES:
            tiles = np.tile(probe, (1, size // 256, size // 256, 1))
            row[f"per_megapixel_{size}"] = time_engine(predict, tiles)
        rows.append(row)
        print(row, flush=True)
    figures = {"filters": options.filters, "depth": options.depth, "engines": rows}
    record_result(
        "inference_engines", figures | {"weights": "trained" if options.weights else "random"}
    )


if __name__ == "__main__":
    main()
