"""``deepflash train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from deepflash_service.commands.options import (
    FOLDER,
    home_option,
    json_option,
    masks_option,
    pixel_size_option,
)
from deepflash_service.commands.output import (
    print_json,
    print_table,
    print_warnings,
    show_work,
)
from deepflash_service.records import MOST_MEMBERS, ConsensusMethod, ModelCard, Preset

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command()
@click.option("--images", type=FOLDER, required=True, help="Folder with the images.")
@masks_option
@click.option("--model", required=True, metavar="NAME", help="Name of the new model.")
@click.option("--base", default="new", show_default=True, help="Model to start from, or new.")
@click.option("--epochs", type=click.IntRange(1, 10_000), help="Instead of the preset's number.")
@click.option(
    "--preset", type=click.Choice(get_args(Preset)), default="standard", show_default=True
)
@click.option(
    "--folds",
    type=click.IntRange(2, MOST_MEMBERS),
    help="Instead of the preset's: one member is trained without each of so many parts.",
)
@click.option(
    "--compare",
    is_flag=True,
    help="With a base model: train from scratch too, to tell whether fine-tuning is worth it.",
)
@click.option(
    "--consensus",
    type=click.Choice(get_args(ConsensusMethod)),
    default="auto",
    show_default=True,
    help="auto = STAPLE from 4 experts, else majority; each = every expert is a target.",
)
@click.option(
    "--min-roi-size",
    type=click.IntRange(0, 10_000_000),
    metavar="PX",
    help="Smaller annotations do not count; the model's minimum size is chosen from there upwards.",
)
@click.option("--channel", type=click.IntRange(1), help="Channel of the images, from 1.")
@pixel_size_option
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@home_option
@json_option
def train(
    images: Path, masks: dict[str, Path], *, home: str | None, as_json: bool, **chosen: Any
) -> None:
    """Train a model from images and the masks of one or several experts.

    Some whole images are held out; the scores printed come from these only.
    """
    from deepflash_service.commands.running import perform_job, start_home
    from deepflash_service.records import TrainOptions
    from deepflash_service.store.datasets import link_folders
    from deepflash_service.store.names import check_name
    from deepflash_service.store.runs import create_run

    check_name(chosen["model"])
    folder = start_home(home)
    TrainOptions.from_json({**chosen, "dataset": "none"})
    dataset = link_folders(folder, images, masks=masks)
    options = TrainOptions.from_json({**chosen, "dataset": dataset})
    run = create_run(folder, "training", options=options.model_dump(mode="json"))
    with show_work("starting", log=run.log) as report:
        job = perform_job(folder, run, report=report)
    if "model.json" not in job["results"]:
        _print_nothing(job, as_json=as_json)
        return
    card = ModelCard.from_json((run.results / "model.json").read_bytes())
    print_warnings(card.warnings)
    if as_json:
        print_json(describe_training(card))
    else:
        _print_training(card)


def describe_training(card: ModelCard) -> dict[str, Any]:
    """Return the JSON object of ``train --json``."""
    return {
        "model": card.name,
        "version": card.version,
        "job": card.job,
        "seconds": card.seconds,
        "scores": card.scores.model_dump() if card.scores else None,
        "experts": {name: one.model_dump() for name, one in card.expert_scores.items()},
        "held_out": card.held_out_images,
        "image_scores": {name: one.model_dump() for name, one in card.image_scores.items()},
        "threshold": card.threshold,
        "min_roi_size": card.min_roi_size,
        "comparison": {name: one.model_dump() for name, one in card.comparison.items()},
        "advice": card.advice,
        "ending": card.ending,
        "warnings": card.warnings,
    }


def _print_nothing(job: Mapping[str, Any], *, as_json: bool) -> None:
    """Tell of a training that was stopped before there was anything to keep."""
    if not as_json:
        click.echo(job["message"])
        return
    print_warnings([job["message"]])
    nothing = ModelCard(name=job["model"], job=job["id"], warnings=[job["message"]])
    print_json(describe_training(nothing) | {"version": None})


def _print_training(card: ModelCard) -> None:
    click.echo(f"Saved {card.name}@{card.version} after {card.seconds:.0f} s on {card.device}.")
    if card.ending:
        click.echo(card.ending)
    if card.scores is None:
        click.echo("No score: only one image, none could be held out.")
        return
    click.echo(f"On held-out images ({', '.join(card.held_out_images)}), against the consensus:")
    every = {"model": card.scores, **card.expert_scores}
    columns = ("pixel_jaccard", "dice", "roi_jaccard", "f1")
    rows = [[name, *(getattr(one, column) for column in columns)] for name, one in every.items()]
    print_table(["", *columns], rows)
    click.echo(f"ROIs: probability above {card.threshold:g}, from {card.min_roi_size} pixels.")
    if card.advice:
        click.echo(card.advice)
