"""``deepflash segment``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from deepflash_service.commands.options import (
    NEW_FOLDER,
    home_option,
    json_option,
    min_roi_size_option,
    threshold_option,
)
from deepflash_service.commands.output import (
    print_json,
    print_table,
    show_work,
)
from deepflash_service.errors import InputError, SetupError

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
@click.option("--channel", type=click.IntRange(1), help="Channel of the images, from 1.")
@click.option("--planes", metavar="all|N", default="all", callback=_parse_planes, show_default=True)
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler (needs the cluster extra).")
@click.option("--shard", metavar="I/N", callback=_parse_shard, help="Every Nth image from the Ith.")
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
    """Segment images, and write labels, masks, probabilities, ROI sets, overlays and tables."""
    from deepflash_service.commands.running import LOG, start_home
    from deepflash_service.records import SegmentOptions
    from deepflash_service.workflows.hooks import Hooks
    from deepflash_service.workflows.prediction import load_model
    from deepflash_service.workflows.segment import segment_images
    from deepflash_service.workflows.segment_files import ResultLayout

    _refuse_scheduler(scheduler)
    folder = start_home(home)
    options = SegmentOptions.from_json(chosen)
    files = find_sources(sources, output)
    names = _name_results(files, output)
    number, count = shard or (1, 1)
    part = slice(number - 1, None, count)
    suffix = f"_{number}_of_{count}" if count > 1 else ""
    with show_work("loading the model", log=folder / LOG) as report:
        model = load_model(folder, options.model)
        result = segment_images(
            files[part],
            model,
            options=options,
            output=output,
            layout=ResultLayout(table_suffix=suffix, names=tuple(names[part])),
            hooks=Hooks(report=report),
        )
    if as_json:
        print_json(result)
    else:
        _print_result(result, output)
    return _tell_failures(result)


def _name_results(files: list[Path], output: Path) -> list[str]:
    from deepflash_service.workflows.segment import name_results
    from deepflash_service.workflows.segment_files import refuse_overwriting

    names = name_results(files)
    refuse_overwriting(files, names, output)
    return names


def _refuse_scheduler(address: str | None) -> None:
    if address is not None:
        raise SetupError(
            "This version cannot use a Dask scheduler yet. Start several `deepflash segment "
            "--shard I/N` instead, one per machine or array task."
        )


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
        files += leave_out_results(list_images(source), output) if source.is_dir() else [source]
    if not files:
        raise InputError(
            "There is no image (TIFF, PNG, GIF, BMP, JPEG) in the folder given. Check the path.",
            code="no_image",
        )
    return files


def _print_result(result: dict[str, Any], output: Path) -> None:
    click.echo(f"{result['model']}@{result['version']} on {result['device']}")
    rows = [[one["image"], one["rois"], one["seconds"]] for one in result["images"]]
    print_table(["image", "ROIs", "seconds"], rows)
    click.echo(f"Results: {output}")


def _tell_failures(result: dict[str, Any]) -> int:
    failed = [one for one in result["images"] if one["error"]]
    for one in failed:
        click.echo(f"deepflash: {one['image']}: {one['error']['message']}", err=True)
    return 1 if failed else 0
