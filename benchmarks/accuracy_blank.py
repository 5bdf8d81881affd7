"""Protocol on images with nothing in them: the product must find nothing and say so."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from benchmarks.accuracy_bench import Bench, describe, judge
from deepflash_service.commands.running import perform_job
from deepflash_service.store.reading import read_json
from deepflash_service.store.runs import add_input, create_run, read_events

if TYPE_CHECKING:
    from deepflash_service.records import Progress

EDGE = 1024
LEVEL, DEVIATION = 20, 5


def run_blank(bench: Bench) -> dict[str, Any]:
    """Segment zeros and noise with the wue1 model, as a job of the product."""
    trained = bench.ensure(bench.plan("wue1"))
    run = create_run(bench.home, "segmentation", options={"model": trained.training.name})
    for name, pixels in make_blanks().items():
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, pixels)
        add_input(run, "image", name=f"{name}.tif", data=buffer.getvalue())
    perform_job(bench.home, run, report=_be_quiet)
    images = read_json(run.results / "segmentation.json")["images"]
    found = {one["image"]: one["rois"] for one in images}
    said = [event["message"] for event in read_events(run)]
    bars = [judge(f"ROIs in {name}", count, at_most=0) for name, count in found.items()]
    return {**describe(trained), "rois": found, "messages": said, "bars": bars}


def make_blanks() -> dict[str, np.ndarray]:
    """Return 8-bit images of 1024 x 1024: zeros, and Gaussian noise (sd 5 around 20)."""
    noise = np.random.default_rng(0).normal(LEVEL, DEVIATION, (EDGE, EDGE))
    return {
        "zeros": np.zeros((EDGE, EDGE), dtype=np.uint8),
        "noise": np.clip(np.rint(noise), 0, 255).astype(np.uint8),
    }


def _be_quiet(_progress: Progress) -> None:
    return
