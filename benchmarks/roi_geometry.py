"""Measure how long ImageJ ROIs of 3,000 labels take, and whether they come back unchanged.

Run: .venv/bin/python -m benchmarks.roi_geometry

Times are the best of several runs. Whether ImageJ draws the same pixels is answered by the tests
marked ``jvm``.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.recording import record_result
from deepflash_service.core.outlines import trace_outlines
from deepflash_service.core.rois import labels_to_geojson, labels_to_rois, rois_to_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepflash_service.records import LabelImage

RUNS = 7


def draw_field(count: int = 3000, size: int = 2048, *, seed: int = 0) -> LabelImage:
    """Draw cells with holes, touching cells, single pixels and cells at the border.

    A cell never covers the whole of another one, so that the field has exactly ``count`` labels.
    """
    rng = np.random.default_rng(seed)
    labels = np.zeros((size, size), dtype=np.int32)
    reach = 14
    down, across = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    drawn = 0
    while drawn < count:
        radius = 0.5 if drawn % 10 == 0 else rng.uniform(3, reach)
        distance = np.hypot(down, across * rng.uniform(0.7, 1.4))
        inside = distance <= radius
        if drawn % 7 == 0:
            inside &= (distance > radius / 2) | (radius < 1)
        rows = rng.integers(0, size) + down[inside]
        columns = rng.integers(0, size) + across[inside]
        kept = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < size)
        rows, columns = rows[kept], columns[kept]
        free = labels[rows, columns] == 0
        if free.any():
            drawn += 1
            labels[rows[free], columns[free]] = drawn
    return labels


def write_archive(rois: list[bytes]) -> bytes:
    """Return a ROI set in memory."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for index, data in enumerate(rois):
            archive.writestr(f"roi-{index + 1:04d}.roi", data)
    return stream.getvalue()


def find_best(task: Callable[[], object]) -> dict[str, float]:
    """Return the best wall clock and processor times of several runs, in seconds."""
    walls, processors = [], []
    for _ in range(RUNS):
        wall, processor = time.perf_counter(), time.process_time()
        task()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return {"seconds": round(min(walls), 4), "processor_seconds": round(min(processors), 4)}


def main() -> None:
    """Measure, print and store."""
    labels = draw_field()
    rois = labels_to_rois(labels)
    archive = write_archive(rois)
    outlines = trace_outlines(labels)
    answer = {
        "labels": len(rois),
        "labels_with_holes_or_parts": len(rois) - int((np.bincount(outlines.labels) == 1).sum()),
        "one_pixel_labels": int((np.bincount(labels.ravel())[1:] == 1).sum()),
        "pixels": int(np.count_nonzero(labels)),
        "corners": int(outlines.rows.size),
        "archive_bytes": len(archive),
        "wrong_pixels_after_round_trip": int(
            np.count_nonzero(rois_to_labels(rois, (labels.shape[0], labels.shape[1])) != labels)
        ),
        "trace_outlines": find_best(lambda: trace_outlines(labels)),
        "labels_to_rois": find_best(lambda: labels_to_rois(labels)),
        "labels_to_rois_and_zip": find_best(lambda: write_archive(labels_to_rois(labels))),
        "rois_to_labels": find_best(lambda: rois_to_labels(rois, (2048, 2048))),
        "labels_to_geojson": find_best(lambda: labels_to_geojson(labels)),
    }
    print(json.dumps(answer, indent=2))
    record_result("roi_geometry", answer)


if __name__ == "__main__":
    main()
