"""Measure preset quick on real images: train on lab-mue, test on the image left out.

Run: .venv/bin/python -m benchmarks.train_lab_mue --data DIR [--test 1058 1049] [--seeds 0]
DIR holds lab-mue. The training label is the consensus of the experts (est_GT); one training
image is held out for the model's own score, the test image is seen by nothing before the end.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from benchmarks.quick_training import Pair, test_predictor, train_quick
from benchmarks.recording import record_result

NAMES = ("1049", "1051", "1052", "1057", "1058")
MIN_ROI_SIZE = 30


def read_pair(data: Path, name: str) -> Pair:
    """Return image and consensus mask."""
    mask = next((data / "lab-mue" / "labels" / "est_GT").glob(f"{name}*"))
    image = data / "lab-mue" / "images" / f"{name}.png"
    return Pair(np.asarray(Picture.open(image)), np.asarray(Picture.open(mask)) > 0)


def main() -> None:
    """Run every test image with every seed and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--test", nargs="+", default=["1058", "1049"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    pairs = {name: read_pair(options.data, name) for name in NAMES}
    runs = []
    for test in options.test:
        for seed in options.seeds:
            known = {name: pair for name, pair in pairs.items() if name != test}
            predictor, figures = train_quick(known, seed=seed, min_roi_size=MIN_ROI_SIZE)
            unseen = {test: pairs[test]}
            runs.append(figures | test_predictor(predictor, unseen, min_roi_size=MIN_ROI_SIZE))
            print(runs[-1], flush=True)
    record_result("train_lab_mue", {"preset": "quick", "runs": runs})


if __name__ == "__main__":
    main()
