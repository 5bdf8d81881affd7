"""``deepflash samples``."""

from __future__ import annotations

from pathlib import Path

import click

from deepflash_service.commands.options import NEW_FOLDER, home_option, json_option
from deepflash_service.commands.output import print_json


@click.command()
@click.argument("folder", metavar="DIR", type=NEW_FOLDER)
@click.option("--images", type=click.IntRange(1, 1000), default=8, show_default=True)
@click.option("--experts", type=click.IntRange(1, 20), default=4, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@home_option
@json_option
def samples(
    folder: Path, *, images: int, experts: int, seed: int, home: str | None, as_json: bool
) -> None:
    """Write the demonstration data: images, masks and ROI sets of experts, unseen images."""
    from deepflash_service.workflows.samples import write_samples

    del home
    result = write_samples(folder, images=images, experts=experts, seed=seed)
    if as_json:
        print_json(result)
        return
    click.echo(
        f"{len(result['train'])} images with the masks of {len(result['experts'])} experts and "
        f"{len(result['test'])} unseen images with their truth: {folder}"
    )
