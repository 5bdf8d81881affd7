"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from deepflash_service.settings import HOME_VARIABLE, find_usual_home

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)


def _parse_experts(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, Path]:
    del ctx
    masks: dict[str, Path] = {}
    for value in values:
        expert, separator, folder = value.partition("=")
        if not separator or not expert or not folder:
            raise click.BadParameter(f"{value!r} is not of the form EXPERT=DIR.", param=param)
        if expert in masks:
            raise click.BadParameter(f"expert {expert!r} is given twice.", param=param)
        if not Path(folder).is_dir():
            raise click.BadParameter(f"the folder {folder!r} does not exist.", param=param)
        masks[expert] = Path(folder)
    return masks


def _keep_home(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    outer = ctx.find_root().obj
    chosen = value if value is not None else outer
    if not isinstance(chosen, str):
        return None
    if not chosen.strip():
        raise click.BadParameter("give a folder, or leave the option out.", param=param)
    return chosen


home_option: Decorator = click.option(
    "--home",
    metavar="DIR",
    callback=_keep_home,
    help=f"Home folder (default: {HOME_VARIABLE}, else {find_usual_home()}).",
)
json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)
masks_option: Decorator = click.option(
    "--masks",
    metavar="EXPERT=DIR",
    multiple=True,
    required=True,
    callback=_parse_experts,
    help="Folder with one expert's masks, label images or ROI sets; repeat for each expert.",
)
threshold_option: Decorator = click.option(
    "--threshold", type=click.FloatRange(0, 1), help="Probability above which a pixel counts."
)
min_roi_size_option: Decorator = click.option(
    "--min-roi-size",
    type=click.IntRange(0, 10_000_000),
    metavar="PX",
    help="Smaller ROIs (area in pixels) are left out.",
)
pixel_size_option: Decorator = click.option(
    "--pixel-size",
    type=click.FloatRange(0, 10_000, min_open=True),
    metavar="UM",
    help="Size of a pixel in micrometres, for images that tell none or a wrong one.",
)
separation_option: Decorator = click.option(
    "--separation",
    type=click.FloatRange(0, 1_000),
    metavar="PX",
    help="Touching ROIs are parted where they are narrower by so many pixels; 0 = never.",
)
iou_option: Decorator = click.option(
    "--iou",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.5,
    show_default=True,
    help="Overlap (intersection over union) from which two ROIs match.",
)
