"""Segment images that are larger than the memory, with the results of the ordinary way.

The image is walked through in bands: predicted into the probability file, labelled across the
bands (``core.stitching``), measured, and traced window by window. Only one band, and some hundred
bytes for each ROI, are in memory at a time.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.roi_sums import RoiSums
from deepflash_service.core.roi_tables import sum_up_rois, tabulate_rois
from deepflash_service.core.stitching import BandStitcher, StitchedBands, refuse_noise
from deepflash_service.records import Progress
from deepflash_service.store.disk import check_space
from deepflash_service.store.images import PIXEL_LIMIT, write_png
from deepflash_service.store.piece_writing import PieceFile, create_pieces
from deepflash_service.store.pieces import can_divide, measure_file, open_pieces
from deepflash_service.store.scratch import open_scratch, publish_files
from deepflash_service.store.zarr_reading import is_zarr
from deepflash_service.workflows.huge_outlines import OutlineFiles, open_outlines, trace_plane
from deepflash_service.workflows.huge_task import HugeTask, SmallPicture, plan_task
from deepflash_service.workflows.outlook import Outlook

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from deepflash_service.records import SegmentOptions
    from deepflash_service.workflows.hooks import Hooks
    from deepflash_service.workflows.prediction import LoadedModel
    from deepflash_service.workflows.segment_files import ResultPlace

HUGE_PIXELS = 64_000_000
"""Values of one plane above which an image is segmented piece by piece."""

MOST_ROIS = 1_000_000
"""ROIs of one image whose table and ROI set fit into a gigabyte."""

_PREDICTED, _FOUND, _WRITTEN = 0.97, 0.93, 0.96
_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class HugeResult:
    """What is left in memory: number of ROIs, tables, sentences for the user, paths by kind."""

    count: int
    rois: pd.DataFrame
    summary: pd.DataFrame
    notes: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Plane:
    stitched: StitchedBands
    sums: RoiSums
    highest: float


def is_huge(source: Path) -> bool:
    """Tell from its header whether an image is to be segmented piece by piece.

    Parameters
    ----------
    source : Path
        Image file, or folder of a zarr image (always piece by piece).
    """
    if is_zarr(source):
        return True
    plane, values = measure_file(source)
    if values > PIXEL_LIMIT:
        return True
    # what can only be decoded as a whole is read as a whole while it may be
    return plane > HUGE_PIXELS and can_divide(source)


def segment_huge(
    source: Path,
    model: LoadedModel,
    *,
    options: SegmentOptions,
    place: ResultPlace,
    hooks: Hooks,
) -> HugeResult:
    """Segment one image piece by piece and write its results.

    All files appear when all are complete, the ROI set last; nothing is left after a failure.

    Parameters
    ----------
    source : Path
        TIFF file, or folder of a zarr image.
    model : LoadedModel
        With ``predict_rows``.
    options : SegmentOptions
        Threshold, minimum ROI size, channel, planes.
    place : ResultPlace
        Where the results go.
    hooks : Hooks
        Progress, warnings and cancellation.

    Raises
    ------
    InputError
        As for other images.
    ComputeError
        Codes ``out_of_memory`` and ``too_many_rois``.
    SetupError
        Codes ``disk_full`` and ``disk_fault``.
    JobCancelled
        When the user cancelled.
    """
    paths = place.layout.list_paths(place.output, place.name)
    with open_pieces(source) as image:
        task = plan_task(image, model, options=options)
        for note in task.notes:
            hooks.warn(f"{image.name}: {note}")
        with open_scratch(place.output, place.name) as scratch:
            remedy = f"Free some space, or choose another output folder for {image.name}."
            check_space(place.output, task.estimate_bytes(), remedy=remedy)
            drafts = {kind: scratch / path.name for kind, path in paths.items()}
            result = _fill_files(task, drafts, hooks=hooks)
            last = paths["rois"]
            found = {path: last.with_name(path.name) for path in scratch.glob("*.*")}
            found[drafts["rois"]] = found.pop(drafts["rois"])
            publish_files(found)
    for note in result.notes:
        hooks.warn(note)
    return replace(result, files={kind: str(path) for kind, path in paths.items()})


def _fill_files(task: HugeTask, paths: dict[str, Path], *, hooks: Hooks) -> HugeResult:
    with ExitStack() as stack:
        outlines = stack.enter_context(open_outlines(paths["rois"], geojson=paths["outlines"]))
        maps = stack.enter_context(create_pieces(paths["probability"], task.describe_map()))
        planes = [_find_rois(task, index, maps, hooks=hooks) for index in range(len(task.planes))]
        highest = max(plane.stitched.count for plane in planes)
        labels = stack.enter_context(create_pieces(paths["labels"], task.describe_labels(highest)))
        masks = stack.enter_context(create_pieces(paths["mask"], task.describe_mask()))
        picture = SmallPicture(task.shape)
        for index, plane in enumerate(planes):
            step = _share(hooks, task, (_FOUND, _WRITTEN), index=index)
            shown = picture if index == 0 else None
            _write_plane(task, index, plane, files=(maps, labels, masks), shown=shown, hooks=step)
        write_png(paths["overlay"], picture.draw())
        rois, summary = _finish(task, planes, labels, outlines=outlines, hooks=hooks)
    empty = {
        number: plane.highest
        for number, plane in enumerate(planes, start=1)
        if not plane.stitched.count
    }
    remarks = task.list_remarks(rois["Area px"].to_numpy(), empty)
    notes = (*remarks, *picture.tell(paths["overlay"].name), *outlines.tell())
    return HugeResult(len(rois), rois, summary, notes)


def _find_rois(task: HugeTask, index: int, maps: PieceFile, *, hooks: Hooks) -> _Plane:
    """Predict a plane and join its ROIs."""
    step = _share(hooks, task, (0.0, _FOUND), index=index)
    highest = _predict_plane(task, index, maps, hooks=_share(step, task, (0.0, _PREDICTED)))
    stitched = _stitch_plane(task, index, maps, hooks=_share(step, task, (_PREDICTED, 1.0)))
    if stitched.count > MOST_ROIS:
        raise refuse_noise(stitched.count, MOST_ROIS)
    return _Plane(stitched, RoiSums(stitched.count), highest)


def _predict_plane(task: HugeTask, index: int, maps: PieceFile, *, hooks: Hooks) -> float:
    """Write the probabilities of a plane, and return the highest."""
    highest = 0.0
    for start, band in task.predict(index, hooks):
        maps.write(index, start, band)
        highest = max(highest if start else 0.0, float(band.max()))
    return highest


def _stitch_plane(task: HugeTask, index: int, maps: PieceFile, *, hooks: Hooks) -> StitchedBands:
    bands = task.plan_bands()
    stitcher = BandStitcher(task.smallest, len(bands))
    for start, stop in bands:
        hooks.check()
        stitcher.add_band(maps.read(index, start, stop) > task.threshold)
        hooks.report(Progress("joining ROIs", stop, task.shape[0]))
    return stitcher.finish()


def _write_plane(
    task: HugeTask,
    index: int,
    plane: _Plane,
    *,
    files: tuple[PieceFile, PieceFile, PieceFile],
    shown: SmallPicture | None,
    hooks: Hooks,
) -> None:
    """Write labels and mask of a plane, and measure its ROIs on the way."""
    maps, labels, masks = files
    rows = task.get_rows(index)
    for number, (start, stop) in enumerate(task.plan_bands()):
        hooks.check()
        probability = maps.read(index, start, stop)
        band = plane.stitched.label_band(number, probability > task.threshold)
        pixels = np.asarray(rows.read(start, stop), dtype=np.float32)
        grey = pixels if pixels.ndim == 2 else pixels[..., 0]
        labels.write(index, start, band)
        masks.write(index, start, (band > 0).astype(np.uint8) * 255)
        plane.sums.add_rows(start, band, image=grey, probability=probability)
        if shown is not None:
            shown.add_rows(start, grey, band)
        hooks.report(Progress("measuring ROIs", stop, task.shape[0]))


def _finish(
    task: HugeTask,
    planes: list[_Plane],
    labels: PieceFile,
    *,
    outlines: OutlineFiles,
    hooks: Hooks,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Trace all ROIs, and return their table and the summary."""
    import pandas as pd

    tables, rows = [], []
    for index, plane in enumerate(planes):
        step = _share(hooks, task, (_WRITTEN, 1.0), index=index)
        lengths = trace_plane(task, index, plane.sums, labels=labels, files=outlines, hooks=step)
        facts = plane.sums.finish(lengths, shape=task.shape)
        calibration, position = task.image.calibration, task.locate(index)
        table = tabulate_rois(facts, calibration=calibration)
        numbers = facts.numbers.tolist()
        name = task.image.name
        tables.append(task.naming.complete_table(table, name, numbers=numbers, position=position))
        pixels = task.shape[0] * task.shape[1]
        sums = sum_up_rois(facts, pixels=pixels, calibration=calibration)
        row = task.naming.complete_row(sums, name, position)
        rows.append(Outlook(plane.sums.find_uncertainty()).complete_row(row))
    return pd.concat(tables, ignore_index=True), pd.DataFrame(rows)


def _share(
    hooks: Hooks, task: HugeTask, share: tuple[float, float], *, index: int | None = None
) -> Hooks:
    """Return hooks whose reports fill a share of the whole, or of it that of one plane."""
    first, part = share[0], share[1] - share[0]
    if index is not None:
        part /= len(task.planes)
        first += index * part

    def report(progress: Progress) -> None:
        done = min(progress.current / max(progress.maximum, 1), 1.0)
        place = round(_STEPS * (first + part * done))
        hooks.report(Progress(progress.message, place, _STEPS, progress.metrics))

    return replace(hooks, report=report)
