"""``deepflash agreement`` and ``deepflash consensus``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from deepflash_service.commands.options import (
    NEW_FOLDER,
    home_option,
    iou_option,
    json_option,
    masks_option,
)
from deepflash_service.commands.output import print_json, print_table, print_warnings

_METHODS = ("auto", "staple", "majority", "union", "intersection", "objects")
_SCORES = ("pixel_jaccard", "dice", "roi_jaccard", "f1")


def _parse_consensus(ctx: click.Context, param: click.Parameter, value: str) -> str | Path:
    del ctx
    if value in _METHODS:
        return value
    if Path(value).is_dir():
        return Path(value)
    text = f"{value!r} is neither a folder nor one of {', '.join(_METHODS)}."
    raise click.BadParameter(text, param=param)


@click.command()
@masks_option
@click.option(
    "--consensus",
    metavar="METHOD|DIR",
    default="auto",
    callback=_parse_consensus,
    show_default=True,
    help="auto (STAPLE from 4 experts, else majority), staple, majority, union, intersection, "
    "objects, or a folder of consensus masks.",
)
@click.option("--min-roi-size", type=click.IntRange(0), default=0, metavar="PX", show_default=True)
@iou_option
@home_option
@json_option
def agreement(
    masks: dict[str, Path],
    consensus: str | Path,
    *,
    min_roi_size: int,
    iou: float,
    home: str | None,
    as_json: bool,
) -> None:
    """Measure how well experts agree with each other and with their consensus."""
    from deepflash_service.workflows.agree import AgreementOptions, agree_folders

    del home
    options = AgreementOptions(consensus, min_roi_size=min_roi_size, iou=iou)
    result = agree_folders(masks, options=options)
    print_warnings(result["warnings"])
    if as_json:
        print_json(result)
    else:
        _print_agreement(result)


def _print_agreement(result: dict[str, Any]) -> None:
    click.echo(f"{result['images']} images, {len(result['experts'])} experts")
    rows = [
        [f"{one['a']} - {one['b']}", *(one[name] for name in _SCORES)] for one in result["pairwise"]
    ]
    rows.append(["mean of pairs", *(result["pairs"][name] for name in _SCORES)])
    rows += [
        [f"{expert} - consensus", *(one[name] for name in _SCORES)]
        for expert, one in result["consensus"]["per_expert"].items()
    ]
    print_table(["", *_SCORES], rows)
    found = result["consensus"]
    click.echo(
        f"Experts against the consensus: mean F1 {found['mean_f1']:.3f}, median "
        f"{found['median_f1']:.3f}, worst expert {found['worst_f1']:.3f}, mean Dice "
        f"{found['mean_dice']:.3f}."
    )


@click.command()
@masks_option
@click.option(
    "--method",
    type=click.Choice(_METHODS),
    default="auto",
    show_default=True,
    help="auto = STAPLE from 4 experts, else majority.",
)
@click.option("--output", type=NEW_FOLDER, required=True, help="Folder for the masks.")
@home_option
@json_option
def consensus(
    masks: dict[str, Path], *, method: Any, output: Path, home: str | None, as_json: bool
) -> None:
    """Write the consensus of several experts as 8-bit masks (0 and 255)."""
    from deepflash_service.workflows.agree import write_consensus

    del home
    result = write_consensus(masks, method=method, output=output)
    print_warnings(result["warnings"])
    if as_json:
        print_json(result)
        return
    rows = [[one["image"], one["method"], len(one["experts"])] for one in result["images"]]
    print_table(["image", "method", "experts"], rows)
    click.echo(f"Masks: {output}")
