"""Segmentations that several processes share: shards of a batch system, or tasks of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import DeepFlashError
from deepflash_service.records import IsCancelled, Progress
from deepflash_service.store import image_records as records
from deepflash_service.store.leftovers import announce_writer, remove_leftovers
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.outlook import name_flagged
from deepflash_service.workflows.segment import gather_tables
from deepflash_service.workflows.segment_files import FLAT, ResultLayout, write_tables
from deepflash_service.workflows.segment_parts import (
    open_record,
    perform_part,
    read_part,
    record_failure,
)
from deepflash_service.workflows.segment_plan import ImagePart, SegmentPlan, make_key

if TYPE_CHECKING:
    from pathlib import Path

Perform = Callable[[ImagePart, IsCancelled], Any]
Execute = Callable[[Perform, Sequence[ImagePart]], Generator[tuple[int, Any], None, None]]
"""Seam: runs a function for each image somewhere; yields positions and records as they come.

An image that cannot be done yields the error in place of a record.
"""


def segment_shard(
    plan: SegmentPlan,
    parts: Sequence[ImagePart],
    *,
    shard: tuple[int, int],
    output: Path,
    hooks: Hooks | None = None,
) -> dict[str, Any]:
    """Segment every Nth image from the Ith; the last shard to end joins the tables of all.

    Images that are done are not segmented again.

    Parameters
    ----------
    plan : SegmentPlan
        What all shards agree on.
    parts : sequence of ImagePart
        The images of all shards.
    shard : tuple of int
        I and N, from 1.
    output : Path
        Folder of the results, as the user named it.
    hooks : Hooks, optional
        Progress and cancellation.

    Returns
    -------
    dict
        As :func:`deepflash_service.workflows.segment.segment_images`, with ``shards``:
        ``{"number", "count", "missing", "joined"}``; missing are shards that did not end yet, or
        of which an image or result changed since.

    Raises
    ------
    DeepFlashError
        When the model cannot be loaded.
    JobCancelled
        When the user cancelled.
    """
    hooks = hooks or Hooks()
    number, count = shard
    with announce_writer(output):
        found = _perform_here(plan, parts[number - 1 :: count], hooks=hooks)
        layout = ResultLayout(table_suffix=f"_{number}_of_{count}")
        result = _assemble(plan, found, output=output, layout=layout, hooks=hooks)
        missing = records.mark_shard(output, number, count=count, key=make_key(plan, parts))
        missing = missing or _join(plan, parts, output, count=count)
    if not missing:
        remove_leftovers(output)
    facts = {"number": number, "count": count, "missing": missing, "joined": not missing}
    return {**result, "shards": facts}


def _perform_here(
    plan: SegmentPlan, parts: Sequence[ImagePart], *, hooks: Hooks
) -> list[dict[str, Any]]:
    found = []
    for index, part in enumerate(parts):
        hooks.check()
        step = hooks.for_step(index, len(parts), prefix=f"{_name_image(part)}: ")
        found.append(perform_part(plan, part, hooks=step))
        step.report(Progress("done", 1, 1))
    return found


def segment_elsewhere(
    plan: SegmentPlan,
    parts: Sequence[ImagePart],
    *,
    execute: Execute,
    output: Path,
    hooks: Hooks | None = None,
) -> dict[str, Any]:
    """Let other processes segment the images, and write the tables here.

    Parameters
    ----------
    plan : SegmentPlan
        What all processes agree on.
    parts : sequence of ImagePart
        The images.
    execute : callable
        Sends the images to processes that share home and output.
    output : Path
        Folder of the results, as the user named it.
    hooks : Hooks, optional
        Progress and cancellation.

    Returns
    -------
    dict
        As :func:`deepflash_service.workflows.segment.segment_images`.

    Raises
    ------
    DeepFlashError
        When no process can do the work.
    JobCancelled
        When the user cancelled.
    """
    hooks = hooks or Hooks()
    found = [read_part(plan, part) for part in parts]
    waiting = [index for index, record in enumerate(found) if record is None]
    token = records.place_token(output)
    perform = partial(_perform_elsewhere, replace(plan, token=str(token)))
    done = len(parts) - len(waiting)
    try:
        with closing(execute(perform, [parts[index] for index in waiting])) as outcomes:
            for position, outcome in outcomes:
                index = waiting[position]
                found[index] = _accept(plan, parts[index], outcome)
                done += 1
                hooks.report(Progress(f"{_name_image(parts[index])}: done", done, len(parts)))
                hooks.check()
    finally:
        token.unlink(missing_ok=True)
    with announce_writer(output):
        result = _assemble(plan, found, output=output, layout=FLAT, hooks=hooks)
    remove_leftovers(output)
    return result


def _perform_elsewhere(plan: SegmentPlan, part: ImagePart, is_cancelled: IsCancelled) -> Any:
    return perform_part(plan, part, hooks=Hooks(is_cancelled=is_cancelled))


def _accept(plan: SegmentPlan, part: ImagePart, outcome: Any) -> dict[str, Any]:
    is_lost = isinstance(outcome, DeepFlashError)
    # another client may have had the same image done
    record: dict[str, Any] = (
        read_part(plan, part) or record_failure(part, outcome) if is_lost else outcome
    )
    return record


def _name_image(part: ImagePart) -> str:
    return part.source.replace("\\", "/").rpartition("/")[2]


def _assemble(
    plan: SegmentPlan,
    found: Sequence[dict[str, Any]],
    *,
    output: Path,
    layout: ResultLayout,
    hooks: Hooks,
) -> dict[str, Any]:
    opened = [open_record(record, output) for record in found]
    write_tables(output, layout, **gather_tables(opened))
    for warning in dict.fromkeys(text for record in found for text in record["warnings"]):
        hooks.warn(warning)
    entries = [one.entry for one in opened]
    if flagged := name_flagged(entries):
        hooks.warn(flagged)
    name, _, version = plan.model.rpartition("@")
    devices = dict.fromkeys(record["device"] for record in found if record["device"])
    return {
        "model": name,
        "version": int(version),
        "device": ", ".join(devices),
        "images": entries,
    }


def _join(plan: SegmentPlan, parts: Sequence[ImagePart], output: Path, *, count: int) -> list[int]:
    """Write the tables of all images, unless some are not done; return the shards of those."""
    found = [read_part(plan, part, must_be_good=False) for part in parts]
    missing = {index % count + 1 for index, record in enumerate(found) if record is None}
    if missing:
        return sorted(missing)
    opened = [open_record(record, output) for record in found]
    write_tables(output, FLAT, **gather_tables(opened))
    return []
