"""``deepflash segment``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deepflash_service.commands.options import (
    NEW_FOLDER,
    home_option,
    json_option,
    min_roi_size_option,
    pixel_size_option,
    separation_option,
    threshold_option,
)
from deepflash_service.commands.output import (
    print_json,
    print_table,
    print_warnings,
    show_work,
)
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from deepflash_service.records import SegmentOptions
    from deepflash_service.workflows.hooks import Hooks
    from deepflash_service.workflows.prediction import EngineChoice
    from deepflash_service.workflows.segment_plan import ImagePart, SegmentPlan

_SOURCE = click.Path(exists=True, path_type=Path)


def _parse_planes(ctx: click.Context, param: click.Parameter, value: str) -> str | int:
    del ctx
    if value == "all":
        return value
    if value.isdecimal() and int(value) > 0:
        return int(value)
    raise click.BadParameter("take 'all' or the number of a plane, from 1.", param=param)


def _parse_shard(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    del ctx
    if value is None:
        return None
    first, _, second = value.partition("/")
    if first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second):
        return int(first), int(second)
    raise click.BadParameter("take I/N with I from 1 to N, as in 2/10.", param=param)


@click.command()
@click.argument("sources", metavar="IMAGE|DIR...", nargs=-1, required=True, type=_SOURCE)
@click.option("--model", required=True, metavar="NAME[@VERSION]", help="Model of the library.")
@click.option("--output", type=NEW_FOLDER, required=True, help="Folder for the results.")
@threshold_option
@min_roi_size_option
@pixel_size_option
@separation_option
@click.option("--channel", type=click.IntRange(1), help="Channel of the images, from 1.")
@click.option("--planes", metavar="all|N", default="all", callback=_parse_planes, show_default=True)
@click.option(
    "--engine",
    type=click.Choice(["auto", "keras", "openvino"]),
    default="auto",
    show_default=True,
    help="What computes; auto measures which is fastest here.",
)
@click.option("--shard", metavar="I/N", callback=_parse_shard, help="Every Nth image from the Ith.")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler (needs the cluster extra).")
@click.option(
    "--worker-timeout",
    type=click.FloatRange(0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="With --scheduler: give up when there is no worker for so long.",
)
@home_option
@json_option
def segment(
    sources: tuple[Path, ...],
    output: Path,
    *,
    shard: tuple[int, int] | None,
    scheduler: str | None,
    home: str | None,
    as_json: bool,
    **chosen: Any,
) -> int:
    """Segment images: labels, masks, probabilities, ROI sets, GeoJSON, overlays and tables.

    With --shard or --scheduler, images that are done already are not segmented again.
    """
    from deepflash_service.commands.running import LOG, start_home
    from deepflash_service.workflows.hooks import Hooks

    if shard and scheduler is not None:
        raise click.UsageError("Give --shard or --scheduler, not both.")
    patience = chosen.pop("worker_timeout")
    folder = start_home(home)
    task = _make_task(folder, sources, output=output, chosen=chosen)
    warnings: list[str] = []
    with show_work("loading the model", log=folder / LOG) as report:
        hooks = Hooks(report=report, warn=warnings.append)
        if scheduler is not None:
            result = task.run_on_cluster(scheduler, patience=patience, hooks=hooks)
        else:
            result = task.run_here(shard, hooks=hooks)
    print_warnings(warnings)
    if as_json:
        print_json(result)
    else:
        _print_result(result, output)
    return _tell_failures(result)


@dataclass(frozen=True, slots=True)
class SegmentTask:
    """What a call of the command asks for."""

    home: Path
    files: list[Path]
    names: list[str]
    output: Path
    options: SegmentOptions
    choice: EngineChoice

    def run_here(self, shard: tuple[int, int] | None, *, hooks: Hooks) -> dict[str, Any]:
        """Segment all images, or one shard of them, in this process."""
        from deepflash_service.workflows import prediction
        from deepflash_service.workflows.segment import segment_images
        from deepflash_service.workflows.segment_files import ResultLayout
        from deepflash_service.workflows.segment_shared import segment_shard

        if shard is not None:
            plan, parts = self._divide()
            return segment_shard(plan, parts, shard=shard, output=self.output, hooks=hooks)
        model = prediction.load_model(self.home, self.options.model, choice=self.choice)
        return segment_images(
            self.files,
            model,
            options=self.options,
            output=self.output,
            layout=ResultLayout(names=tuple(self.names)),
            hooks=hooks,
        )

    def run_on_cluster(self, address: str, *, patience: float, hooks: Hooks) -> dict[str, Any]:
        """Let the workers of a Dask scheduler segment the images."""
        from deepflash_service.jobs.dask_executor import connect_cluster
        from deepflash_service.workflows.segment_shared import segment_elsewhere

        plan, parts = self._divide()
        with connect_cluster(address, patience=patience, report=hooks.report) as cluster:
            return segment_elsewhere(
                plan, parts, execute=cluster.perform, output=self.output, hooks=hooks
            )

    def _divide(self) -> tuple[SegmentPlan, list[ImagePart]]:
        from deepflash_service.workflows.segment_plan import ImagePart, make_plan

        plan = make_plan(self.home, self.output, options=self.options, choice=self.choice)
        pairs = zip(self.files, self.names, strict=True)
        return plan, [ImagePart(str(file.absolute()), name) for file, name in pairs]


def _make_task(
    home: Path, sources: tuple[Path, ...], *, output: Path, chosen: dict[str, Any]
) -> SegmentTask:
    from deepflash_service.records import SegmentOptions
    from deepflash_service.workflows.prediction import EngineChoice

    choice = EngineChoice(chosen.pop("engine"))
    options = SegmentOptions.from_json(chosen)
    files = find_sources(sources, output)
    return SegmentTask(home, files, _name_results(files, output), output, options, choice)


def _name_results(files: list[Path], output: Path) -> list[str]:
    from deepflash_service.workflows.segment import name_results
    from deepflash_service.workflows.segment_files import refuse_overwriting

    names = name_results(files)
    refuse_overwriting(files, names, output)
    return names


def find_sources(sources: tuple[Path, ...], output: Path) -> list[Path]:
    """Return the image files named, and those in the folders named.

    Results that an earlier segmentation left in ``output`` are no images.

    Raises
    ------
    InputError
        Code ``no_image`` when there is none.
    """
    from deepflash_service.store.images import list_images
    from deepflash_service.workflows.segment_files import leave_out_results

    files: list[Path] = []
    for source in sources:
        if source.is_dir():
            files += leave_out_results(list_images(source, with_zarr=True), output)
        else:
            files.append(source)
    if not files:
        raise InputError(
            "The folder given holds no image (TIFF, PNG, GIF, BMP, JPEG, Zarr). Check the path.",
            code="no_image",
        )
    return files


def _print_result(result: dict[str, Any], output: Path) -> None:
    where = f" on {result['device']}" if result["device"] else ""
    click.echo(f"{result['model']}@{result['version']}{where}")
    print_table(*_tabulate(result["images"]))
    if not all(one["error"] for one in result["images"]):
        click.echo(f"Results: {output}")
    if "shards" in result:
        click.echo(_describe_shards(result["shards"]))


def _tabulate(images: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return headings and rows; with a forecast, what to look at first comes first."""
    from deepflash_service.workflows.outlook import describe_outlook, sort_entries

    headings = ["image", "ROIs", "seconds"]
    if all(one.get("expected_f1") is None and not one.get("flags") for one in images):
        return headings, [[one["image"], one["rois"], one["seconds"]] for one in images]
    rows = [
        [one["image"], one["rois"], one["seconds"], one["expected_f1"], ", ".join(one["flags"])]
        for one in sort_entries([describe_outlook() | one for one in images])
    ]
    return [*headings, "expected F1", "flags"], rows


def _describe_shards(facts: dict[str, Any]) -> str:
    if facts["joined"]:
        return "All shards are done: rois.csv and summary.csv hold all images."
    others = ", ".join(str(number) for number in facts["missing"][:10])
    if len(facts["missing"]) > 10:
        others += f" and {len(facts['missing']) - 10} more"
    return (
        f"Shards not done yet, or of which images or results changed since: {others}. The last one "
        "to end writes rois.csv and summary.csv for all images."
    )


def _tell_failures(result: dict[str, Any]) -> int:
    failed = [one for one in result["images"] if one["error"]]
    for one in failed:
        message = one["error"]["message"]
        place = "" if message.startswith(one["image"]) else f"{one['image']}: "
        click.echo(f"deepflash: {place}{message}", err=True)
    return 1 if failed else 0
