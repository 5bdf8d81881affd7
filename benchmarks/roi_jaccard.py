"""Measure how long the ROI Jaccard of two annotations of 1024 x 1024 pixels takes.

Run: .venv/bin/python -m benchmarks.roi_jaccard [DATA]

DATA is the folder with ``lab-mue`` (about 400 ROIs a side). Times are the best of several runs,
beside the value, and beside the variant of 2018.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture

from benchmarks.recording import record_result
from deepflash_service.core.agreement import roi_jaccard
from deepflash_service.core.consensus import staple
from deepflash_service.core.labels import label_rois
from deepflash_service.records import LabelVariant, Mask

RUNS = 7
IMAGES = ("1049", "1051", "1052", "1057", "1058")


def read_mask(path: Path) -> Mask:
    """Read a 0/255 mask."""
    with Picture.open(path) as picture:
        return np.asarray(picture.convert("L")) > 127


def measure(first: Mask, second: Mask, *, variant: LabelVariant) -> dict[str, float]:
    """Return the score and its best wall clock and processor times in seconds."""
    size = 15 if variant == "original" else 0
    walls, processors, score = [], [], 0.0
    for _ in range(RUNS):
        wall, processor = time.perf_counter(), time.process_time()
        score = roi_jaccard(first, second, min_roi_size=size, variant=variant)
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return {
        "roi_jaccard": round(score, 4),
        "seconds": round(min(walls), 4),
        "processor_seconds": round(min(processors), 4),
    }


def main() -> None:
    """Measure, print and store."""
    data = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    folder = data / "lab-mue" / "labels"
    answer: dict[str, Any] = {}
    for image in IMAGES:
        consensus, third, fifth = (
            read_mask(folder / name / f"{image}_cFOS.png")
            for name in ("est_GT", "expert_3", "expert_5")
        )
        answer[image] = {
            "rois": [int(label_rois(mask).max()) for mask in (consensus, third, fifth)],
            "standard": measure(consensus, fifth, variant="standard"),
            "original_expert_3": measure(consensus, third, variant="original"),
            "original_expert_5": measure(consensus, fifth, variant="original"),
        }
    masks = [read_mask(path / "1049_cFOS.png") for path in sorted(folder.glob("expert_*"))]
    begin = time.perf_counter()
    staple(masks)
    answer["staple_four_experts_seconds"] = round(time.perf_counter() - begin, 4)
    print(json.dumps(answer, indent=2))
    record_result("roi_jaccard", answer)


if __name__ == "__main__":
    main()
