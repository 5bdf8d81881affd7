"""Measure what the way from a numpy array to an overlay in ImageJ costs beyond the segmentation.

A 16-bit image of 2048 x 2048 pixels becomes an ImagePlus, is segmented by the service in another
process, and gets its ROIs as an overlay. ``segmentation`` is what the worker itself counts for
the image: reading it, the network, labels, ROIs, result files. All else is overhead: ``image``
(numpy to ImageJ), ``encode`` (ImageJ to TIFF), ``service`` (upload, queue, tables, answer, without
the segmentation), ``results`` (ROI set and table), ``overlay`` (ROIs in ImageJ).

The goal is judged by the median of whole calls of ``FijiBridge.segment``. Steps, measured one by
one, are given as their best of several runs, because a busy computer only ever adds to it; on one
that is busy all the time look at ``processor``: what this process, with ImageJ in it, computes in
a step, however long it waits for its turn. ``load`` is how many programs wanted to compute.

Run: .venv/bin/python -m benchmarks.bridge_overhead [--runs 15] [--rois 1000]
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.recording import record_result
from benchmarks.roi_geometry import draw_field
from deepflash_service.bridge import connect, init, segmentation

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.bridge import FijiBridge, Service

GOAL_MILLISECONDS = 150
MODEL = "Bright"
PARTS = ("image", "encode", "service", "results", "overlay")
TINY_MODEL = Path(__file__).resolve().parents[1] / "tests" / "fiji" / "tiny_model.py"


def store_model(home: str) -> None:
    """Store a model whose network is small; called in a process of its own."""
    runpy.run_path(str(TINY_MODEL))["store_threshold_model"](Path(home), name=MODEL)


def draw_image(rois: int) -> npt.NDArray[np.uint16]:
    """Return cells in noise, 2048 x 2048 pixels, 16 bit."""
    labels = draw_field(rois)
    noise = np.random.default_rng(0).integers(0, 50, labels.shape)
    return (np.where(labels > 0, 3000, 300) + noise).astype(np.uint16)


def run_once(
    fiji: FijiBridge, service: Service, array: npt.NDArray[np.uint16]
) -> tuple[dict[str, float], int]:
    """Go the way of ``FijiBridge.segment``; return the seconds of each step, and the ROIs."""
    clock = [(time.perf_counter(), time.process_time())]
    image = fiji.to_imageplus(array, title="field")
    clock.append((time.perf_counter(), time.process_time()))
    data = segmentation.encode_image(image)
    clock.append((time.perf_counter(), time.process_time()))
    job = service.wait(service.segment({"field.tif": data}, MODEL, wait=60.0))
    clock.append((time.perf_counter(), time.process_time()))
    rois, _ = segmentation.fetch_results(service, job)
    clock.append((time.perf_counter(), time.process_time()))
    fiji.set_overlay(image, rois)
    clock.append((time.perf_counter(), time.process_time()))
    seconds: dict[str, float] = {}
    for part, (wall, processor) in zip(PARTS, np.diff(clock, axis=0).tolist(), strict=True):
        seconds |= {part: wall, f"{part} processor": processor}
    report = json.loads(service.result(job, "segmentation.json"))
    seconds["segmentation"] = float(report["images"][0]["seconds"])
    seconds["service"] -= seconds["segmentation"]
    return seconds, len(rois)


def run_segment(fiji: FijiBridge, service: Service, array: npt.NDArray[np.uint16]) -> float:
    """Return the seconds that ``FijiBridge.segment`` takes beyond the segmentation."""
    start = time.perf_counter()
    fiji.segment(fiji.to_imageplus(array, title="field"), MODEL, service=service)
    total = time.perf_counter() - start
    report = json.loads(service.result(service.jobs()[0], "segmentation.json"))
    return total - float(report["images"][0]["seconds"])


def measure(runs: int, rois: int) -> dict[str, Any]:
    """Return the figures of several runs, after two that warm up."""
    array = draw_image(rois)
    steps, whole, found = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        code = "import sys; from benchmarks import bridge_overhead as b; b.store_model(sys.argv[1])"
        subprocess.run([sys.executable, "-c", code, home], check=True)
        with connect(home=home) as service, init(backend="ij1", heap_gb=2) as fiji:
            try:
                for run in range(runs + 2):
                    seconds, found = run_once(fiji, service, array)
                    beyond = run_segment(fiji, service, array)
                    print(
                        run, {k: round(1000 * s) for k, s in seconds.items()}, round(1000 * beyond)
                    )
                    if run > 1:
                        steps.append(seconds)
                        whole.append(beyond)
            finally:
                service.shutdown_if_started()
    load = round(os.getloadavg()[1], 1) if hasattr(os, "getloadavg") else None
    return {"rois": found, "load": load, **summarize(steps, whole)}


def summarize(steps: list[dict[str, float]], whole: list[float]) -> dict[str, Any]:
    """Return what whole calls took beyond the segmentation, then each step, in milliseconds."""
    best = {part: 1000 * min(one[part] for one in steps) for part in PARTS}
    segmentation_ms = 1000 * statistics.median(one["segmentation"] for one in steps)
    overhead = 1000 * statistics.median(whole)
    return {
        "goal_milliseconds": GOAL_MILLISECONDS,
        "overhead_milliseconds": round(overhead, 1),
        "least_milliseconds": round(1000 * min(whole), 1),
        "most_milliseconds": round(1000 * max(whole), 1),
        "segmentation_milliseconds": round(segmentation_ms, 1),
        "ratio_to_segmentation": round(overhead / segmentation_ms, 3),
        "step_best_milliseconds": {part: round(value, 1) for part, value in best.items()},
        "step_processor_milliseconds": {
            part: round(1000 * min(one[f"{part} processor"] for one in steps), 1) for part in PARTS
        },
    }


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--rois", type=int, default=1000)
    chosen = parser.parse_args()
    figures = measure(chosen.runs, chosen.rois)
    print(json.dumps(figures, indent=2))
    settings = {"rows": 2048, "columns": 2048, "bits": 16, "runs": chosen.runs}
    record_result("bridge_overhead", {**settings, **figures})


if __name__ == "__main__":
    main()
