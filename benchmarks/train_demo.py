"""Measure preset quick on the demonstration data: simulated experts, unseen simulated fields.

Run: .venv/bin/python -m benchmarks.train_demo [--seeds 0]
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.quick_training import Pair, test_predictor, train_quick
from benchmarks.recording import record_result
from deepflash_service.core.consensus import staple
from deepflash_service.core.synthetic import make_samples


def main() -> None:
    """Train on the consensus of the simulated experts and test against the known truth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    samples = make_samples()
    known = {
        sample.name: Pair(sample.image, staple([labels > 0 for labels in sample.experts.values()]))
        for sample in samples.train
    }
    unseen = {sample.name: Pair(sample.image, sample.truth) for sample in samples.test}
    sizes = [np.bincount(pair.target.ravel())[1:].min() for pair in unseen.values()]
    runs = []
    for seed in options.seeds:
        predictor, figures = train_quick(known, seed=seed, min_roi_size=int(min(sizes)))
        runs.append(figures | test_predictor(predictor, unseen, min_roi_size=int(min(sizes))))
        print(runs[-1], flush=True)
    record_result("train_demo", {"preset": "quick", "runs": runs})


if __name__ == "__main__":
    main()
