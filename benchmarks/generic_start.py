"""Make the weights with which new models begin, from generated fields of cells alone.

Run: .venv/bin/python -m benchmarks.generic_start [--fields 96] [--epochs 160] [--output FILE]

No picture of a microscope is used: the fields come from ``core.synthetic``, by seed. Sizes vary
fourfold and the noise more than in a training, because nobody knows what the users' cells look
like. About 20 minutes on two CPU cores; the file goes into the package.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.recording import record_result
from deepflash_service.core.augmentation import Variation
from deepflash_service.core.normalization import normalize
from deepflash_service.core.sampling import Example, Sampling, make_example
from deepflash_service.core.synthetic import make_field
from deepflash_service.network.generic_start import START_CARD, START_FILE, write_start
from deepflash_service.network.training import TrainHooks, TrainSettings, train_member

SEED = 20261123
BATCH = 8
VARIATION = Variation(scale_share=1.0, scale=(0.5, 2.0), noise=0.2)


def main() -> None:
    """Generate, train, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=160)
    parser.add_argument("--output", type=Path, default=START_FILE)
    options = parser.parse_args()
    examples = [make_one(number) for number in range(options.fields)]
    settings = TrainSettings(
        epochs=options.epochs,
        seed=SEED,
        sampling=Sampling(batch=BATCH, variation=VARIATION),
    )
    begin = time.monotonic()
    hooks = TrainHooks(report=lambda one: print(one.message, one.metrics.get("loss"), flush=True))
    member = train_member(START_CARD, examples, settings=settings, hooks=hooks)
    write_start(member.network, options.output)
    facts = {
        "command": "python -m benchmarks.generic_start",
        "fields": options.fields,
        "steps": member.steps,
        "tiles_per_step": BATCH,
        "seconds": round(time.monotonic() - begin, 1),
        "loss": round(float(np.mean([one["loss"] for one in member.history[-10:]])), 4),
    }
    print(facts)
    record_result("generic_start", facts)


def make_one(number: int) -> Example:
    """Return one generated field, half of them in 8 bits, as a training example."""
    rng = np.random.default_rng([SEED, number])
    field = make_field(rng, bits=8 if number % 2 else 12)
    return make_example(normalize(field.image)[..., np.newaxis], [field.labels])


if __name__ == "__main__":
    main()
