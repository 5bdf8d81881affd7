"""Protocol on images with nothing in them: the product must find nothing and say so."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image as Picture
from scipy import ndimage

from benchmarks.accuracy_bench import Bench, describe, judge
from deepflash_service.commands.running import perform_job
from deepflash_service.store.reading import read_json
from deepflash_service.store.runs import add_input, create_run, read_events

if TYPE_CHECKING:
    from deepflash_service.records import Progress

EDGE = 1024
LEVEL, DEVIATION = 20, 5
BLURS = (0.7, 1, 2)


def run_blank(bench: Bench) -> dict[str, Any]:
    """Segment images of noise with the wue1 model, as a job of the product."""
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
    """Return 8-bit images of 1024 x 1024: zeros, and noise as it comes from cameras and from Fiji.

    Gaussian noise (sd 5 around 20) as it is, blurred (and of that strength again), filtered,
    compressed and enlarged; and Poisson noise, as it is and smoothed.
    """
    rng = np.random.default_rng(0)
    noise = rng.normal(LEVEL, DEVIATION, (EDGE, EDGE))
    photons = rng.poisson(LEVEL, (EDGE, EDGE)).astype(np.float64)
    plain = _to_bytes(noise)
    blurred = {f"blurred-{width:g}": _blur(noise, width) for width in BLURS}
    compressed = {f"jpeg-{quality}": _compress(plain, quality) for quality in (75, 40)}
    enlarged = {f"enlarged-{factor:g}": _enlarge(plain, factor) for factor in (1.28, 2)}
    return {
        "zeros": np.zeros((EDGE, EDGE), dtype=np.uint8),
        "noise": plain,
        **{name: _to_bytes(values) for name, values in blurred.items()},
        "mean-3x3": _to_bytes(ndimage.uniform_filter(noise, 3)),
        "median-3x3": ndimage.median_filter(plain, 3),
        **compressed,
        **enlarged,
        "poisson": _to_bytes(photons),
        "poisson-mean": _to_bytes(ndimage.uniform_filter(4 * photons, 3)),
    }


def _blur(noise: np.ndarray, width: float) -> np.ndarray:
    smooth = ndimage.gaussian_filter(noise - LEVEL, width)
    return np.asarray(LEVEL + smooth * (DEVIATION / smooth.std()))


def _compress(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Picture.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Picture.open(file))


def _enlarge(pixels: np.ndarray, factor: float) -> np.ndarray:
    part = Picture.fromarray(pixels[: round(EDGE / factor), : round(EDGE / factor)])
    return np.asarray(part.resize((EDGE, EDGE), Picture.Resampling.BILINEAR))


def _to_bytes(values: np.ndarray) -> np.ndarray:
    clipped: np.ndarray = np.clip(np.rint(values), 0, 255)
    return clipped.astype(np.uint8)


def _be_quiet(_progress: Progress) -> None:
    return
