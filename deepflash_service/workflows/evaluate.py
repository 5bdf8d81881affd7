"""Compare predictions with a truth, by pixels and by ROIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepflash_service.core.agreement import (
    AgreementCounts,
    average_scores,
    count_agreement,
    pool_scores,
)
from deepflash_service.records import EvaluateOptions, Progress, SegmentOptions
from deepflash_service.store.atomic import write_json
from deepflash_service.store.images import list_images, read_image
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.planes import segment_planes
from deepflash_service.workflows.predictions import (
    PredictionFile,
    find_predictions,
    pair_predictions,
    read_predicted,
    read_truth,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deepflash_service.store.runs import Run
    from deepflash_service.workflows.prediction import LoadedModel


def evaluate_folders(
    prediction: Path, truth: Path, *, options: EvaluateOptions, hooks: Hooks | None = None
) -> dict[str, Any]:
    """Score the files of one folder against those of another.

    Parameters
    ----------
    prediction : Path
        Results of ``deepflash segment``, masks, or label images.
    truth : Path
        Masks, label images or ROI sets.
    options : EvaluateOptions
        Threshold for probability maps, minimum ROI size (both sides), IoU of a match.
    hooks : Hooks, optional
        Progress and cancellation.

    Returns
    -------
    dict
        ``{"images": [...], "mean": {...}, "pooled": {...}, "warnings": [...]}``.

    Raises
    ------
    InputError
        Codes ``pairing_failed``, ``shape_mismatch``, ``invalid_annotation``.
    """
    hooks = hooks or Hooks()
    pairs, warnings = pair_predictions(find_predictions(prediction, options), truth)
    smallest = options.min_roi_size or 0
    counts: dict[str, AgreementCounts] = {}
    for index, (predicted, path) in enumerate(pairs):
        hooks.check()
        labels = read_predicted(predicted, min_roi_size=smallest)
        expected = read_truth(path, (labels.shape[0], labels.shape[1]), min_roi_size=smallest)
        counts[predicted.name] = count_agreement(labels, expected, iou=options.iou)
        hooks.report(Progress(f"{predicted.name} compared", index + 1, len(pairs)))
    return describe_scores(counts, warnings)


def evaluate_model(
    model: LoadedModel,
    images: Path,
    truth: Path,
    *,
    options: EvaluateOptions,
    hooks: Hooks | None = None,
) -> dict[str, Any]:
    """Segment the images of a folder in memory and score them against a truth.

    Parameters
    ----------
    model : LoadedModel
        The model.
    images, truth : Path
        Folders.
    options : EvaluateOptions
        ``None`` = the values of the model card.
    hooks : Hooks, optional
        Progress and cancellation.

    Raises
    ------
    InputError
        As :func:`evaluate_folders`, and for images that the model cannot use.
    """
    hooks = hooks or Hooks()
    files = [PredictionFile(path.name, path, 0.0) for path in list_images(images)]
    pairs, warnings = pair_predictions(files, truth)
    card = model.card
    smallest = card.min_roi_size if options.min_roi_size is None else options.min_roi_size
    wanted = SegmentOptions(
        model=model.reference, threshold=options.threshold, min_roi_size=smallest, planes=1
    )
    counts: dict[str, AgreementCounts] = {}
    for index, (file, path) in enumerate(pairs):
        hooks.check()
        image = read_image(file.path)
        step = hooks.for_step(index, len(pairs), prefix=f"{file.name}: ")
        labels = segment_planes(image, model, options=wanted, hooks=step).labels
        expected = read_truth(path, image.shape, min_roi_size=smallest)
        counts[file.name] = count_agreement(labels, expected, iou=options.iou)
    return describe_scores(counts, warnings)


def run_evaluation(run: Run, *, hooks: Hooks | None = None) -> dict[str, Any]:
    """Do an evaluation job: ``inputs/prediction`` and ``inputs/truth`` to ``evaluation.json``.

    Raises
    ------
    InputError
        As :func:`evaluate_folders`.
    """
    options = EvaluateOptions.from_json(run.options)
    result = evaluate_folders(
        run.inputs / "prediction", run.inputs / "truth", options=options, hooks=hooks
    )
    write_json(run.results / "evaluation.json", result)
    return result


def describe_scores(counts: Mapping[str, AgreementCounts], warnings: list[str]) -> dict[str, Any]:
    """Return scores per image, their mean, and the scores of all images taken as one."""
    scores = {name: one.to_scores() for name, one in counts.items()}
    return {
        "images": [{"image": name, **one.model_dump()} for name, one in scores.items()],
        "mean": average_scores(list(scores.values())).model_dump(),
        "pooled": pool_scores(list(counts.values())).model_dump(),
        "warnings": warnings,
    }
