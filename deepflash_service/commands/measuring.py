"""``deepflash measure``."""

from __future__ import annotations

from pathlib import Path

import click

from deepflash_service.commands.options import FOLDER, home_option, json_option
from deepflash_service.commands.output import print_json, print_table, print_warnings


@click.command()
@click.option("--images", type=FOLDER, required=True, help="Folder with the images.")
@click.option("--labels", type=FOLDER, required=True, help="Results of segment, masks or ROI sets.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="TABLE.csv",
    help="Table to write: one row per ROI.",
)
@home_option
@json_option
def measure(images: Path, labels: Path, *, output: Path, home: str | None, as_json: bool) -> None:
    """Measure the ROIs of a folder in the images they belong to."""
    from deepflash_service.workflows.measure import measure_folders

    del home
    result = measure_folders(images, labels, output=output)
    print_warnings(result["warnings"])
    if as_json:
        print_json(result)
        return
    print_table(["image", "ROIs"], [[one["image"], one["rois"]] for one in result["images"]])
    click.echo(f"Table: {output}")
