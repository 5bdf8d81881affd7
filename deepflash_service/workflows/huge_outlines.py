"""Outlines of ROIs in a label file, traced window by window into an ROI set."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from deepflash_service.core.bands import plan_bands
from deepflash_service.core.geojson import outlines_to_geojson
from deepflash_service.core.geojson_text import HEAD, TAIL, format_feature
from deepflash_service.core.measurements import measure_lengths
from deepflash_service.core.outlines import Outlines, trace_bands
from deepflash_service.core.roi_windows import RoiWindow, keep_group, plan_windows
from deepflash_service.core.rois import outlines_to_rois
from deepflash_service.errors import ComputeError
from deepflash_service.records import Progress
from deepflash_service.store.atomic import open_atomic
from deepflash_service.store.roi_files import open_roi_zip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    from deepflash_service.core.roi_sums import RoiSums
    from deepflash_service.records import LabelImage
    from deepflash_service.store.piece_writing import PieceFile
    from deepflash_service.workflows.hooks import Hooks
    from deepflash_service.workflows.huge_task import HugeTask

WINDOW_PIXELS = 750_000
"""Pixels that are traced together; each has four edges at most."""

MOST_EDGES = 3_000_000
"""Pixel edges of one outline above which it does not fit into memory."""


@dataclass(slots=True)
class OutlineFiles:
    """An ROI set, and a GeoJSON file, that grow ROI by ROI."""

    add_roi: Callable[[bytes], None]
    geojson: TextIO
    features: int = 0
    left_out: int = 0

    def add_features(self, outlines: Outlines, **texts: Any) -> None:
        """Add ROIs to the GeoJSON file; texts as for ``outlines_to_geojson``."""
        for feature in outlines_to_geojson(outlines, **texts)["features"]:
            self.geojson.write((",\n" if self.features else "\n") + format_feature(feature))
            self.features += 1

    def tell(self) -> tuple[str, ...]:
        """Return the sentence that the user should know."""
        if not self.left_out:
            return ()
        are = "ROI has an outline" if self.left_out == 1 else "ROIs have outlines"
        return (
            f"{self.left_out} {are} of more than {MOST_EDGES:,} pixel edges: not in the ROI set, "
            "only in label image, mask and table.",
        )


@contextmanager
def open_outlines(path: Path, *, geojson: Path) -> Iterator[OutlineFiles]:
    """Yield the files of the outlines; they appear when the block succeeds.

    Parameters
    ----------
    path : Path
        The ROI set.
    geojson : Path
        The same outlines for other programs.
    """
    with ExitStack() as stack:
        add_roi = stack.enter_context(open_roi_zip(path))
        temporary = stack.enter_context(open_atomic(geojson))
        stream = stack.enter_context(temporary.open("w", encoding="utf-8", newline="\n"))
        files = OutlineFiles(add_roi, stream)
        files.geojson.write(HEAD)
        yield files
        files.geojson.write(TAIL)


def trace_plane(
    task: HugeTask,
    index: int,
    sums: RoiSums,
    *,
    labels: PieceFile,
    files: OutlineFiles,
    hooks: Hooks,
) -> npt.NDArray[np.float64]:
    """Write the outlines of all ROIs of one plane, and return their lengths.

    Parameters
    ----------
    task : HugeTask
        Names and positions.
    index : int
        Which of the planes, from 0.
    sums : RoiSums
        Bounding boxes and probabilities.
    labels : PieceFile
        The label image.
    files : OutlineFiles
        Where the outlines go.
    hooks : Hooks
        Progress and cancellation.

    Returns
    -------
    ndarray of shape (K,), float64
        Perimeters in pixels; NaN for ROIs that were left out.
    """
    scores = sums.rate()
    lengths = np.full(scores.size, np.nan)
    position = task.locate(index)
    for window in plan_windows(sums.bounds, most_pixels=WINDOW_PIXELS):
        hooks.check()
        own = slice(window.first - 1, window.last)
        numbers = range(window.first, window.last + 1)
        try:
            outlines = _trace_window(labels, index, window, joins_diagonals=True)
        except ComputeError:
            files.left_out += len(numbers)
            continue
        lengths[own] = measure_lengths(outlines, np.asarray(numbers))
        texts: dict[str, Any] = {
            "scores": scores[own].tolist(),
            "names": task.naming.name_rois(numbers, position),
        }
        for roi in outlines_to_rois(
            outlines,
            **texts,
            positions=task.naming.locate(position),
            properties={"dfl.model": task.model.reference},
        ):
            files.add_roi(roi)
        parted = _trace_window(labels, index, window, joins_diagonals=False)
        files.add_features(parted, **texts, target=task.model.card.target, plane=position)
        hooks.report(Progress("outlining ROIs", window.last, scores.size))
    return lengths


def _trace_window(
    labels: PieceFile, index: int, window: RoiWindow, *, joins_diagonals: bool
) -> Outlines:
    """Trace the ROIs of a window; a larger one is a single ROI, which is read in bands."""
    columns = slice(window.left, window.right)

    def read(start: int, stop: int) -> LabelImage:
        rows = labels.read(index, window.top + start, window.top + stop)
        return keep_group(rows[:, columns], window)

    bands = plan_bands((window.bottom - window.top, labels.columns))
    outlines = trace_bands(read, bands, joins_diagonals=joins_diagonals, most_edges=MOST_EDGES)
    return outlines.shift(window.top, window.left)
