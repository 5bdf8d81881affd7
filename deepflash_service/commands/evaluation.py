"""``deepflash evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from deepflash_service.commands.options import (
    FOLDER,
    home_option,
    iou_option,
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

_COLUMNS = (
    "pixel_jaccard", "dice", "roi_jaccard", "precision", "recall", "f1",
    "matched", "predicted", "expected",
)  # fmt: skip


@click.command()
@click.option("--prediction", type=FOLDER, help="Results of segment, masks or label images.")
@click.option("--truth", type=FOLDER, required=True, help="Masks, label images or ROI sets.")
@click.option("--model", metavar="NAME[@VERSION]", help="Segment --images with this model instead.")
@click.option("--images", type=FOLDER, help="Images for --model.")
@threshold_option
@min_roi_size_option
@pixel_size_option
@separation_option
@iou_option
@home_option
@json_option
def evaluate(
    prediction: Path | None,
    truth: Path,
    *,
    model: str | None,
    images: Path | None,
    home: str | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Compare predictions with a truth: per image, their mean, and all images pooled."""
    from deepflash_service.records import EvaluateOptions

    if (prediction is None) == (model is None) or (model is None) != (images is None):
        raise click.UsageError("Give either --prediction DIR, or --model NAME with --images DIR.")
    options = EvaluateOptions.from_json(chosen)
    if prediction is not None:
        from deepflash_service.workflows.evaluate import evaluate_folders

        result = evaluate_folders(prediction, truth, options=options)
    else:
        result = _evaluate_model(model, images, truth, options=options, home=home)
    print_warnings(result["warnings"])
    if as_json:
        print_json(result)
        return
    rows = [[one["image"], *(one[name] for name in _COLUMNS)] for one in result["images"]]
    rows += [[title, *(result[title][name] for name in _COLUMNS)] for title in ("mean", "pooled")]
    print_table(["image", *_COLUMNS], rows)


def _evaluate_model(
    model: str | None, images: Path | None, truth: Path, *, options: Any, home: str | None
) -> dict[str, Any]:
    from deepflash_service.commands.running import LOG, start_home
    from deepflash_service.workflows.evaluate import evaluate_model
    from deepflash_service.workflows.hooks import Hooks
    from deepflash_service.workflows.prediction import load_model

    if model is None or images is None:
        raise click.UsageError("--model needs --images DIR.")
    folder = start_home(home)
    with show_work("loading the model", log=folder / LOG) as report:
        loaded = load_model(folder, model)
        hooks = Hooks(report=report)
        return evaluate_model(loaded, images, truth, options=options, hooks=hooks)
