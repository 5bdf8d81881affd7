"""Segment a generated 20,000 x 20,000 image piece by piece: memory, seconds, and the same labels.

Run: .venv/bin/python -m benchmarks.huge_image [--size 20000] [--scratch DIR]

The image (16 bits, BigTIFF, deflated tiles) holds spots and vessels that cross all of it. A child
process loads a small model, warms it, and segments; its memory is sampled from then on. A part of
4,000 x 4,000 pixels is then compared with the untiled ways:

* segmented as a file of its own, once in the ordinary way and once piece by piece;
* the labels of the large image against the labels of its probability map, labelled in one piece;
* the same part predicted as one single tile, without any tile border.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import tifffile

from benchmarks.huge_model import MODEL, SMALLEST, predict_untiled, store_smooth_model
from benchmarks.huge_scene import write_scene
from benchmarks.recording import record_result
from deepflash_service.core.labels import label_rois
from deepflash_service.records import SegmentOptions
from deepflash_service.store.disk import check_space
from deepflash_service.store.pieces import open_pieces

PART = 4_000
BYTES_PER_PIXEL = 12


def segment(source: Path, output: Path, home: Path) -> None:
    """Load and warm the model, tell the memory, segment, tell the memory again (child process)."""
    from deepflash_service.workflows.hooks import Hooks
    from deepflash_service.workflows.prediction import load_model
    from deepflash_service.workflows.segment import segment_images

    model = load_model(home, MODEL)
    warm = np.random.default_rng(0).integers(0, 4000, (1100, 1100), dtype=np.uint16)
    model.predict(warm, Hooks())
    _reset_peak()
    _tell(ready=psutil.Process().memory_info().rss, device=f"{model.engine} {model.precision}")
    start = time.perf_counter()
    told: list[str] = []
    result = segment_images(
        [source],
        model,
        options=SegmentOptions(model=MODEL),
        output=output,
        hooks=Hooks(warn=told.append),
    )
    seconds = round(time.perf_counter() - start, 1)
    _tell(entry=result["images"][0], seconds=seconds, told=told, peak=_read_peak())


def _tell(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def _reset_peak() -> None:
    marks = Path("/proc/self/clear_refs")
    if marks.exists():
        marks.write_text("5", encoding="ascii")


def _read_peak() -> int:
    """Return the largest resident memory since the reset, where the system counts it."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    found = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return 1024 * int(found[0]) if found else 0


def watch_segmentation(source: Path, output: Path, home: Path) -> dict[str, Any]:
    """Segment in a child process and return its figures, memory sampled from outside, too."""
    command = [sys.executable, "-m", "benchmarks.huge_image", "--segment"]
    command += [str(one) for one in (source, output, home)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    sampled = [0]

    def sample() -> None:
        process = psutil.Process(child.pid)
        while child.poll() is None:
            try:
                sampled.append(process.memory_info().rss)
            except psutil.Error:
                return
            time.sleep(0.05)

    figures: dict[str, Any] = {}
    watcher = threading.Thread(target=sample)
    for line in child.stdout or ():
        if not line.startswith("{"):
            continue
        figures |= json.loads(line)
        if "seconds" not in figures:
            watcher.start()
    watcher.join()
    if child.wait() or figures["entry"]["error"]:
        raise SystemExit(f"The segmentation failed: {figures}")
    peak = max(*sampled, figures["peak"])
    return {
        "device": figures["device"],
        "seconds": figures["seconds"],
        "rois": figures["entry"]["rois"],
        "notes": figures["told"],
        "model_bytes": figures["ready"],
        "peak_bytes": peak,
        "bytes_beyond_model": peak - figures["ready"],
    }


def read_part(path: Path, corner: int) -> np.ndarray:
    """Return the part of a large file that is compared."""
    with open_pieces(path) as image:
        rows = image.get_rows().read(corner, corner + PART)
    return rows[:, corner : corner + PART]


def count_differences(found: np.ndarray, expected: np.ndarray) -> dict[str, int]:
    """Compare two label images whose numbers differ, but for ROIs that the border cuts."""
    is_cut = np.zeros(found.shape, dtype=bool)
    for labels in (found, expected):
        edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        is_cut |= np.isin(labels, edge[edge > 0])
    found, expected = (np.where(is_cut, 0, labels).ravel() for labels in (found, expected))
    shared = (found > 0) & (expected > 0)
    pairs = np.unique(np.stack([found[shared], expected[shared]]), axis=1)
    rois = np.unique(expected[expected > 0]).size
    return {
        "rois": int(rois),
        "rois_of_the_large_image": int(np.unique(found[found > 0]).size),
        "pixels_in_one_only": int(((found > 0) != (expected > 0)).sum()),
        "rois_split_or_joined": 2 * pairs.shape[1]
        - int(np.unique(pairs[0]).size)
        - int(np.unique(pairs[1]).size),
    }


def main() -> None:
    """Generate, segment, compare and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--segment", nargs=3, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.segment:
        segment(*options.segment)
        return
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        scratch = Path(folder)
        check_space(scratch, BYTES_PER_PIXEL * options.size**2, remedy="Name another --scratch.")
        record_result("huge_image", measure(scratch, options.size))


def measure(scratch: Path, size: int) -> dict[str, Any]:
    """Return all figures."""
    store_smooth_model(scratch / "home")
    start = time.perf_counter()
    source = write_scene(scratch / "scene.tif", size)
    print(f"generated in {time.perf_counter() - start:.0f} s", flush=True)
    figures: dict[str, Any] = {"size": size, "file_bytes": source.stat().st_size}
    figures |= watch_segmentation(source, scratch / "out", scratch / "home")
    print(json.dumps(figures, indent=2), flush=True)
    corner = (size - PART) // 2 // 64 * 64  # where the network pools alike
    labels = read_part(scratch / "out" / "scene_labels.tif", corner).astype(np.int32)
    probability = read_part(scratch / "out" / "scene_probability.tif", corner)
    one = label_rois(probability, min_roi_size=SMALLEST)
    figures["part_against_one_label_image"] = count_differences(labels, one)
    untiled, whole = predict_untiled(source, scratch / "home", corner=corner, size=PART)
    figures["part_against_one_single_tile"] = {
        "largest_difference_of_probability": float(np.abs(whole - probability).max()),
        **count_differences(labels, untiled),
    }
    part = scratch / "part.tif"
    tifffile.imwrite(part, read_part(source, corner))
    figures["part_as_a_file"] = compare_ways(part, scratch)
    print(json.dumps(figures, indent=2), flush=True)
    return figures


def compare_ways(part: Path, scratch: Path) -> dict[str, Any]:
    """Segment a small file in the ordinary way and piece by piece, and compare all files."""
    from deepflash_service.workflows import huge
    from deepflash_service.workflows.prediction import load_model
    from deepflash_service.workflows.segment import segment_images

    model = load_model(scratch / "home", MODEL)
    options = SegmentOptions(model=MODEL)
    rois = []
    for name, limit in (("whole", huge.HUGE_PIXELS), ("pieces", 0)):
        huge.HUGE_PIXELS = limit
        result = segment_images([part], model, options=options, output=scratch / name)
        rois.append(result["images"][0]["rois"])
    names = sorted(path.name for path in (scratch / "whole").iterdir())
    equal = [
        name
        for name in names
        if (scratch / "whole" / name).read_bytes() == (scratch / "pieces" / name).read_bytes()
    ]
    whole, pieces = (
        tifffile.imread(scratch / way / "part_labels.tif") for way in ("whole", "pieces")
    )
    return {
        "rois": rois,
        "labels_are_equal": bool(np.array_equal(whole, pieces)),
        "files_equal_byte_for_byte": equal,
        "files_that_differ": sorted(set(names) - set(equal)),
    }


if __name__ == "__main__":
    main()
