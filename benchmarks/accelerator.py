"""Time training and prediction on this device: mixed precision against float32.

Run: KERAS_BACKEND=jax python -m benchmarks.accelerator [--steps 200] [--filters 16 32]

Needs Keras with any backend, no OpenVINO and no data. Every time ends when the figure of that
step has arrived on the host (`float(loss)`, a NumPy map), so nothing that still runs on the device
is left out. `waiting_share` is the share of a product step (`Fitter.take_step`) that passes beyond
the step itself on tiles at hand: mean over the steps that do not average weights. Prediction: a
raw image of 2048 x 2048 (`--size`), one view (no flips) and four (all flips), with the first number
of filters. Results of other devices, backends or steps stay in the file of `--output`.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.recording import RESULTS, list_versions
from deepflash_service.core.normalization import normalize
from deepflash_service.core.sampling import Sampling, draw_batch, make_example
from deepflash_service.core.synthetic import make_field
from deepflash_service.inference.predictor import FLIPS, LoadedPredictor
from deepflash_service.network.devices import describe_device
from deepflash_service.network.fitting import AVERAGE_EVERY, Fitter, train_step
from deepflash_service.network.presets import TrainSettings
from deepflash_service.records import NetworkCard

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepflash_service.core.sampling import Example
    from deepflash_service.core.tiling import PredictTiles
    from deepflash_service.network.devices import Precision

FIELDS, FIELD = 4, 1024
WARM_UP = 10
REPEATS = {"cpu": 1, "gpu": 3}
PRECISIONS: dict[Precision, tuple[Precision, ...]] = {
    "float32": ("float32",),
    "bfloat16": ("bfloat16", "float32"),
    "float16": ("float16", "float32"),
}


def main() -> None:
    """Time every network in both precisions and write the figures."""
    options = read_options()
    began = time.perf_counter()
    device = describe_device()
    print(asdict(device), flush=True)
    fields = [make_field(np.random.default_rng(i), shape=(FIELD, FIELD)) for i in range(FIELDS)]
    examples = [make_example(normalize(field.image), [field.labels]) for field in fields]
    repeats = -(-options.size // FIELD)
    image = np.tile(fields[0].image, (repeats, repeats))[: options.size, : options.size]
    rows = []
    for filters in options.filters:
        card = NetworkCard(filters=filters)
        for precision in PRECISIONS[device.precision]:
            row = time_network(
                card,
                precision,
                examples,
                image=image if filters == options.filters[0] else None,
                steps=options.steps,
            )
            rows.append(row)
            print(row, flush=True)
    run = {
        "device": device.name,
        "kind": device.kind,
        "backend": device.engine,
        "chosen_precision": device.precision,
        "steps": options.steps,
        "predicted_size": options.size,
        "versions": list_versions(),
        "networks": rows,
        "speed_up": compare_precisions(rows, device.precision),
        "tiles_ms": round(1e3 * time_tiles(examples), 2),
        "seconds": round(time.perf_counter() - began, 1),
    }
    write_run(options.output, run)


def time_network(
    card: NetworkCard,
    precision: Precision,
    examples: list[Example],
    *,
    image: np.ndarray | None,
    steps: int,
) -> dict[str, Any]:
    """Time one network: training with the pipeline and on one batch; prediction of the image."""
    settings = TrainSettings()
    batch = draw_batch(examples, settings.sampling, np.random.default_rng(0))
    target = np.stack([batch.masks, batch.weights], axis=-1)
    begin = time.perf_counter()
    with Fitter(card, examples, settings=settings, precision=precision) as fitter:
        fitter.take_step()
        first = time.perf_counter() - begin
        product = time_calls(fitter.take_step, steps, is_counted=lambda: is_plain(fitter))
        fixed = time_calls(lambda: train_step(fitter.network, batch.images, target), steps)
        predict = fitter.predict_with(fitter.averaged_weights())
    speeds = {} if image is None else time_prediction(predict, image)
    return {
        "filters": card.filters,
        "depth": card.depth,
        "precision": precision,
        "first_step_s": round(first, 2),
        "step_ms": round(1e3 * float(np.median(fixed)), 3),
        "product_step_ms": round(1e3 * float(np.median(product)), 3),
        "waiting_share": round(1.0 - float(np.mean(fixed)) / float(np.mean(product)), 3),
        **speeds,
    }


def is_plain(fitter: Fitter) -> bool:
    """Say whether the last step left the averaged weights alone."""
    return fitter.steps % AVERAGE_EVERY != 0


def time_calls(
    take: Callable[[], float], steps: int, *, is_counted: Callable[[], bool] = lambda: True
) -> list[float]:
    """Return the seconds of each step that counts, after the warm-up."""
    seconds = []
    for step in range(min(WARM_UP, steps) + steps):
        begin = time.perf_counter()
        # the loss on the host: the device has finished the step
        float(take())
        if step >= min(WARM_UP, steps) and is_counted():
            seconds.append(time.perf_counter() - begin)
    return seconds


def time_prediction(predict: PredictTiles, image: np.ndarray) -> dict[str, float]:
    """Return the least seconds per megapixel, normalisation and tiling included, by flips."""
    found = {}
    for flips in (FLIPS[:1], FLIPS):
        predictor = LoadedPredictor(
            members=(predict,),
            channels=1,
            device="",
            engine="keras",
            precision="",
            seconds_per_megapixel=0.0,
            flips=flips,
        )
        if len(flips) == 1:
            predictor(image)
        seconds = []
        for _ in range(REPEATS[describe_device().kind]):
            begin = time.perf_counter()
            predictor(image)
            seconds.append(time.perf_counter() - begin)
        name = f"prediction_s_per_megapixel_{len(flips)}_views"
        found[name] = round(min(seconds) / (image.size / 1e6), 4)
    return found


def time_tiles(examples: list[Example]) -> float:
    """Return the median seconds that one thread needs to draw one batch of tiles."""
    rng = np.random.default_rng(0)
    return float(
        np.median(time_calls(lambda: len(draw_batch(examples, Sampling(), rng).masks), 20))
    )


def compare_precisions(rows: list[dict[str, Any]], chosen: str) -> dict[str, float]:
    """Return how many times faster a step is in the chosen precision than in float32."""
    step = {(row["filters"], row["precision"]): row["step_ms"] for row in rows}
    return {
        str(filters): round(step[filters, "float32"] / step[filters, chosen], 2)
        for filters in dict.fromkeys(row["filters"] for row in rows)
    }


def write_run(path: Path, run: dict[str, Any]) -> None:
    """Add a run to the file; it replaces one of the same device, backend and steps."""
    key = ("device", "backend", "steps")
    runs = json.loads(path.read_text("utf-8"))["runs"] if path.exists() else []
    kept = [one for one in runs if any(one[part] != run[part] for part in key)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"runs": [*kept, run]}, indent=2) + "\n", "utf-8")
    print(f"wrote {path.name}")


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--filters", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--output", type=Path, default=RESULTS / "accelerator.json")
    parser.add_argument("--size", type=int, default=2048)
    return parser.parse_args()


if __name__ == "__main__":
    main()
