"""One image of a segmentation that many processes share; what is done already is not repeated."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import DeepFlashError, SetupError
from deepflash_service.records import SegmentOptions
from deepflash_service.store import image_records as records
from deepflash_service.store.leftovers import announce_writer
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.outlook import describe_outlook
from deepflash_service.workflows.packed_tables import pack_table, unpack_table
from deepflash_service.workflows.planned_model import load_planned
from deepflash_service.workflows.segment import (
    SegmentedFile,
    describe_device,
    describe_error,
    segment_file,
)
from deepflash_service.workflows.segment_files import ResultPlace

if TYPE_CHECKING:
    from deepflash_service.workflows.segment_plan import ImagePart, SegmentPlan

_SIGHT_SECONDS = 20.0
_PARTS = {"source", "results", "entry", "rois", "summary", "device", "warnings"}


def read_part(plan: SegmentPlan, part: ImagePart, *, must_be_good: bool = True) -> Any:
    """Return the record of an image that is done, or None.

    Done means: segmented from the file as it is now, by the same version of model and product
    with the same options, and the result files are as they were written.

    Parameters
    ----------
    plan : SegmentPlan
        What all processes agree on.
    part : ImagePart
        The image.
    must_be_good : bool, optional
        Let an image that failed count as not done.

    Returns
    -------
    dict or None
        See :func:`perform_part`.
    """
    record = records.read_record(Path(plan.output), part.name, key=plan.key)
    if record is None or not record.keys() >= _PARTS:
        return None
    if record["source"] != _describe_source(part):
        return None
    if record["entry"]["error"] is not None:
        return None if must_be_good else record
    results = records.describe_files(_list_results(Path(plan.output), record["entry"]))
    return record if results is not None and record["results"] == results else None


def perform_part(plan: SegmentPlan, part: ImagePart, *, hooks: Hooks | None = None) -> Any:
    """Segment one image unless that is done, and return its record.

    Run twice, at once or one after the other, it leaves the same files.

    Parameters
    ----------
    plan : SegmentPlan
        What all processes agree on.
    part : ImagePart
        The image.
    hooks : Hooks, optional
        Progress and cancellation.

    Returns
    -------
    dict
        JSON-ready: ``entry`` (as in the result of a segmentation, the files without folder),
        ``rois`` and ``summary`` (packed tables or None), ``device``, ``warnings``, and what it was
        made from.

    Raises
    ------
    SetupError
        Codes ``folder_not_shared``, ``disk_fault``, ``disk_full``.
    ConflictError
        Code ``other_model``: a model of the same name with other weights.
    DeepFlashError
        When the model cannot be loaded. Faults of the image are in ``entry``.
    JobCancelled
        When the user cancelled.
    """
    _check_folders(plan)
    record = read_part(plan, part)
    if record is not None:
        return record
    source, output = Path(part.source), Path(plan.output)
    if plan.token and not source.parent.is_dir():
        raise _refuse_folder(source.parent, "of the images")
    origin = _describe_source(part)
    model, warning = load_planned(plan)
    options = SegmentOptions.from_json(plan.options)
    notes = [warning] if warning else []
    # who made the image is told, and who finds it done later
    hooks = replace(hooks or Hooks(), warn=notes.append)
    with announce_writer(output):
        place = ResultPlace(Path(plan.output), part.name)
        done = segment_file(source, model, options=options, place=place, hooks=hooks)
        # another process may have done meanwhile what failed here
        record = read_part(plan, part) if done.entry["error"] else None
        if record is None:
            record = _describe_done(plan, done, origin)
            record |= {"device": describe_device(model), "warnings": notes}
            records.write_record(output, part.name, record=record)
    return record


def _describe_done(
    plan: SegmentPlan, done: SegmentedFile, origin: list[Any] | None
) -> dict[str, Any]:
    files = {kind: Path(path).name for kind, path in done.entry["files"].items()}
    entry = {**done.entry, "files": files}
    return {
        "key": plan.key,
        "source": origin,
        "results": records.describe_files(_list_results(Path(plan.output), entry)),
        "entry": entry,
        "rois": pack_table(done.rois),
        "summary": pack_table(done.summary),
    }


def record_failure(part: ImagePart, error: DeepFlashError) -> dict[str, Any]:
    """Return the record of an image that no process could finish."""
    entry: dict[str, Any] = {"image": Path(part.source).name, "rois": None, "seconds": 0.0}
    entry |= {"files": {}, "error": describe_error(error), **describe_outlook()}
    return {"entry": entry, "rois": None, "summary": None, "device": "", "warnings": []}


def open_record(record: dict[str, Any], output: Path) -> SegmentedFile:
    """Return what a record adds to a result; the files are those below ``output``."""
    entry = dict(record["entry"])
    entry["files"] = {kind: str(output / name) for kind, name in entry["files"].items()}
    return SegmentedFile(entry, unpack_table(record["rois"]), unpack_table(record["summary"]))


def _describe_source(part: ImagePart) -> list[Any] | None:
    found = records.describe_source(Path(part.source))
    return None if found is None else [part.source, *found]


def _list_results(output: Path, entry: dict[str, Any]) -> list[Path]:
    return [output / name for name in entry["files"].values()]


@lru_cache(maxsize=4)
def _check_folders(plan: SegmentPlan) -> None:
    if not plan.token:
        return
    home, output = Path(plan.home), Path(plan.output)
    if not home.is_dir():
        raise _refuse_folder(home, "with the models (--home)")
    if not records.await_token(Path(plan.token), seconds=_SIGHT_SECONDS):
        raise _refuse_folder(output, "of the results (--output)")
    records.place_token(output).unlink(missing_ok=True)


def _refuse_folder(folder: Path, what: str) -> SetupError:
    return SetupError(
        f"The folder {folder} {what} is not the same here as where the segmentation was started. "
        "All computers must share it, under the same path.",
        code="folder_not_shared",
        details={"path": str(folder)},
    )
