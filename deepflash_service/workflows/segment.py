"""Segment images with a model of the library: the daily work of the product."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import DeepFlashError, JobCancelled
from deepflash_service.records import Progress, SegmentOptions
from deepflash_service.store.datasets import list_image_files
from deepflash_service.store.images import read_image
from deepflash_service.store.names import strip_extension
from deepflash_service.store.runs import Run, list_inputs
from deepflash_service.store.sources import refuse_memory
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.huge import is_huge, segment_huge
from deepflash_service.workflows.outlook import describe_outlook, name_flagged
from deepflash_service.workflows.planes import segment_planes
from deepflash_service.workflows.prediction import LoadedModel
from deepflash_service.workflows.segment_files import (
    FLAT,
    JOB_FILES,
    NESTED,
    ResultLayout,
    ResultPlace,
    write_image_results,
    write_tables,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd


_NO_FORECAST = "segmented piece by piece, so that there is no forecast for it."


@dataclass(frozen=True, slots=True)
class SegmentedFile:
    """What one image adds to a result: its entry, and its rows unless it failed."""

    entry: dict[str, Any]
    rois: pd.DataFrame | None = None
    summary: pd.DataFrame | None = None


def segment_images(
    sources: Sequence[Path],
    model: LoadedModel,
    *,
    options: SegmentOptions,
    output: Path,
    layout: ResultLayout = FLAT,
    hooks: Hooks | None = None,
) -> dict[str, Any]:
    """Segment image files and write the results of each.

    A file that cannot be used is named in the result and does not stop the others.

    Parameters
    ----------
    sources : sequence of Path
        Image files.
    model : LoadedModel
        From :func:`deepflash_service.workflows.prediction.load_model`.
    options : SegmentOptions
        Threshold, minimum ROI size, channel, planes.
    output : Path
        Folder of the results.
    layout : ResultLayout, optional
        How the result files are called.
    hooks : Hooks, optional
        Progress and cancellation.

    Returns
    -------
    dict
        ``{"model", "version", "device", "images": [{"image", "rois", "seconds", "files",
        "error", "expected_f1", "flags"}]}``.

    Raises
    ------
    JobCancelled
        When the user cancelled.
    """
    hooks = (hooks or Hooks()).without_repeats()
    found = []
    names = layout.names or name_results(sources)
    for index, (source, name) in enumerate(zip(sources, names, strict=True)):
        hooks.check()
        step = hooks.for_step(index, len(sources), prefix=f"{source.name}: ")
        place = ResultPlace(output, name, layout)
        found.append(segment_file(source, model, options=options, place=place, hooks=step))
        step.report(Progress("done", 1, 1))
    write_tables(output, layout, **gather_tables(found))
    entries = [one.entry for one in found]
    if note := name_flagged(entries):
        hooks.warn(note)
    return {
        "model": model.card.name,
        "version": model.card.version,
        "device": describe_device(model),
        "images": entries,
    }


def segment_file(
    source: Path,
    model: LoadedModel,
    *,
    options: SegmentOptions,
    place: ResultPlace,
    hooks: Hooks,
) -> SegmentedFile:
    """Segment one image file and write its results; a fault becomes part of the entry.

    Raises
    ------
    JobCancelled
        When the user cancelled.
    """
    start = time.perf_counter()
    entry: dict[str, Any] = {"image": source.name, "rois": None, "seconds": 0.0}
    entry |= {"files": {}, "error": None, **describe_outlook()}
    rois = summary = None
    try:
        if model.predict_rows is not None and is_huge(source):
            huge = segment_huge(source, model, options=options, place=place, hooks=hooks)
            rois, summary = huge.rois, huge.summary
            entry |= {"rois": huge.count, "files": huge.files}
            if model.card.forecast is not None:
                hooks.warn(f"{source.name}: {_NO_FORECAST}")
        else:
            image = read_image(source)
            segmented = segment_planes(image, model, options=options, hooks=hooks)
            files = write_image_results(
                segmented, place.output, name=place.name, layout=place.layout
            )
            rois, summary = segmented.measure(source.name), segmented.summarize(source.name)
            entry |= {"rois": segmented.count(), "files": files}
            entry |= describe_outlook(plane.outlook for plane in segmented.planes)
    except JobCancelled:
        raise
    except DeepFlashError as error:
        entry["error"] = describe_error(error)
    except MemoryError:
        entry["error"] = describe_error(refuse_memory(source.name))
    entry["seconds"] = round(time.perf_counter() - start, 3)
    return SegmentedFile(entry, rois, summary)


def gather_tables(found: Sequence[SegmentedFile]) -> dict[str, list[pd.DataFrame]]:
    """Return the tables ``rois`` and ``summary`` of all images that did not fail, in order."""
    return {
        "rois": [one.rois for one in found if one.rois is not None],
        "summary": [one.summary for one in found if one.summary is not None],
    }


def describe_device(model: LoadedModel) -> str:
    """Return device, engine and precision in one line for people."""
    return " ".join(part for part in (model.device, model.engine, model.precision) if part)


def run_segmentation(
    home: Path, run: Run, model: LoadedModel, *, hooks: Hooks | None = None
) -> dict[str, Any]:
    """Do a segmentation job: ``inputs/image``, or the images of a data set, to ``results``.

    Returns
    -------
    dict
        As :func:`segment_images`, and ``"warnings"``: sentences that the user should read.

    Raises
    ------
    NotFoundError
        Code ``unknown_dataset``, when the data set was removed meanwhile.
    DeepFlashError
        The error of the first image, when none could be segmented.
    """
    options = SegmentOptions.from_json(run.options)
    outer = hooks or Hooks()
    warnings: list[str] = []

    def warn(text: str) -> None:
        warnings.append(text)
        outer.warn(text)

    told = replace(outer, warn=warn).without_repeats()
    dataset = options.dataset
    sources = list_inputs(run, "image") if dataset is None else list_image_files(home, dataset)
    result = segment_images(
        sources, model, options=options, output=run.results, layout=NESTED, hooks=told
    )
    faults = [entry["error"] for entry in result["images"] if entry["error"]]
    if faults and len(faults) == len(sources):
        fault = faults[0]
        raise DeepFlashError(fault["message"], code=fault["code"], details=fault["details"])
    if faults:
        told.warn(" ".join(fault["message"] for fault in faults))
    return {**result, "warnings": warnings}


def name_results(sources: Sequence[Path]) -> list[str]:
    """Return one name per file for its results.

    The names are unique even where only extension or case differ, differ from the tables of the
    job, and can be folders on every system.
    """
    stems = [strip_extension(source.name).rstrip(". ") or "image" for source in sources]
    wanted = {stem.casefold() for stem in stems}
    taken = set(JOB_FILES)
    names = []
    for stem in stems:
        name, count = stem, 1
        while name.casefold() in taken or (count > 1 and name.casefold() in wanted):
            count += 1
            name = f"{stem}-{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


def describe_error(error: DeepFlashError) -> dict[str, Any]:
    """Return an error as the JSON object that clients see."""
    return {"code": error.code, "message": error.message, "details": error.details}
