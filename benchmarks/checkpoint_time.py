"""Time one checkpoint, best weights included, of the networks that the presets train.

Run: .venv/bin/python -m benchmarks.checkpoint_time [--home DIR]
The overhead is that of one checkpoint in 30 s; the hooks are what every step asks and calls.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recording import record_result
from deepflash_service.core.sampling import make_example
from deepflash_service.network.devices import Device
from deepflash_service.network.fitting import Fitter
from deepflash_service.network.presets import TrainSettings
from deepflash_service.network.rounds import Rounds, TrainHooks
from deepflash_service.records import NetworkCard
from deepflash_service.store import runs
from deepflash_service.workflows.training_keeper import Keeper

TIMES = 5
INTERVAL = 30.0


def time_checkpoint(home: Path, filters: int) -> dict[str, Any]:
    """Return the seconds to collect and to write the state of a network, and to read it."""
    rng = np.random.default_rng(0)
    mask = rng.random((300, 300)) > 0.99
    example = make_example(rng.random((300, 300), dtype=np.float32), [mask])
    settings = TrainSettings()
    card = NetworkCard(filters=filters, depth=4)
    device = Device("", "cpu", "tensorflow", "float32")
    run = runs.create_run(home, "training", options={})
    kept = Keeper(run, seconds=INTERVAL, fingerprint="").for_member(1, settings="")
    collect, write = [], []
    with Fitter(card, [example], settings=settings, precision="float32") as fitter:
        rounds = Rounds(fitter, settings, device=device, held_out=None, hooks=TrainHooks())
        fitter.take_step()
        state = rounds.capture()
        for _ in range(TIMES):
            fitter.take_step()
            start = time.perf_counter()
            state = rounds.capture()
            collect.append(time.perf_counter() - start)
            start = time.perf_counter()
            kept.save(state)
            write.append(time.perf_counter() - start)
        start = time.perf_counter()
        for _ in range(1000):
            kept.is_due()
        hook = (time.perf_counter() - start) / 1000
    start = time.perf_counter()
    kept.read(print)
    read = time.perf_counter() - start
    size = sum(array.nbytes for array in state.arrays.values())
    total = statistics.median(collect) + statistics.median(write)
    figures = {
        "filters": filters,
        "depth": 4,
        "megabytes": round(size / 1e6, 1),
        "collect_seconds": round(statistics.median(collect), 3),
        "write_seconds": round(statistics.median(write), 3),
        "read_seconds": round(read, 3),
        "microseconds_per_step": round(hook * 1e6, 2),
        "share_of_time": round(total / INTERVAL, 4),
    }
    print(figures, flush=True)
    return figures


def main() -> None:
    """Time both networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", help="A folder on the disk to be timed.")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.home) as folder:
        rows = [time_checkpoint(Path(folder), filters) for filters in (16, 32)]
    record_result("checkpoint_time", {"interval_seconds": INTERVAL, "networks": rows})


if __name__ == "__main__":
    main()
