"""Compare predictions with a truth, by pixels and by ROIs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deepflash_service.core.agreement import (
    AgreementCounts,
    average_scores,
    count_labels,
    pool_scores,
)
from deepflash_service.core.labels import remove_small_rois
from deepflash_service.errors import InputError
from deepflash_service.records import EvaluateOptions, Progress, SegmentOptions
from deepflash_service.store.atomic import write_json
from deepflash_service.store.datasets import open_dataset
from deepflash_service.store.images import (
    list_images,
    read_annotation,
    read_image,
    read_mask_or_map,
)
from deepflash_service.store.names import strip_extension
from deepflash_service.store.runs import list_inputs
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.pairs import read_pairs
from deepflash_service.workflows.pixel_sizes import choose_calibration, scale_model
from deepflash_service.workflows.planes import segment_planes
from deepflash_service.workflows.predictions import (
    PredictionFile,
    find_predictions,
    is_stack_refused,
    pair_predictions,
    read_predicted,
    read_truth,
)
from deepflash_service.workflows.training_data import find_truth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from deepflash_service.store.datasets import Dataset
    from deepflash_service.store.images import ImageFile
    from deepflash_service.store.runs import Run
    from deepflash_service.workflows.pairs import AnnotatedImage
    from deepflash_service.workflows.prediction import LoadedModel

_ONLY_OF_MODELS = ("pixel_size", "separation")


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
        Codes ``pairing_failed``, ``shape_mismatch``, ``invalid_annotation``, ``invalid_options``.
    """
    truths = list_images(truth, with_rois=True)
    return _evaluate_files(list_images(prediction), truths, options=options, hooks=hooks or Hooks())


def _evaluate_files(
    predictions: Sequence[Path], truths: Sequence[Path], *, options: EvaluateOptions, hooks: Hooks
) -> dict[str, Any]:
    _refuse_options_of_models(options)
    pairs, warnings = pair_predictions(find_predictions(predictions, options), truths)
    smallest = options.min_roi_size or 0
    counts: dict[str, AgreementCounts] = {}
    refused: list[InputError] = []
    for index, (predicted, path) in enumerate(pairs):
        hooks.check()
        try:
            labels = read_predicted(predicted, min_roi_size=smallest)
            expected = read_truth(path, (labels.shape[0], labels.shape[1]), min_roi_size=smallest)
        except InputError as error:
            if not is_stack_refused(error):
                raise
            refused.append(error)
            continue
        counts[predicted.name] = count_labels(labels, expected, iou=options.iou)
        hooks.report(Progress(f"{predicted.name} compared", index + 1, len(pairs)))
    if not counts:
        raise refused[0]
    warnings += [f"{error.message} It is left out." for error in refused]
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
        ``None`` = the values of the model card; a minimum ROI size holds for both sides.
    hooks : Hooks, optional
        Progress and cancellation.

    Raises
    ------
    InputError
        As :func:`evaluate_folders`, and for images that the model cannot use.
    """
    hooks = hooks or Hooks()
    files = [PredictionFile(strip_extension(path.name), path, 0.0) for path in list_images(images)]
    pairs, warnings = pair_predictions(files, list_images(truth, with_rois=True))
    wanted = _choose_options(model, options)
    counts: dict[str, AgreementCounts] = {}
    for index, (file, path) in enumerate(pairs):
        hooks.check()
        image = read_image(file.path)
        step = hooks.for_step(index, len(pairs), prefix=f"{file.path.name}: ")
        step = replace(step, warn=warnings.append)
        found = segment_planes(image, model, options=wanted, hooks=step)
        smallest = _find_smallest(model, image, wanted)
        expected = read_truth(path, image.shape, min_roi_size=smallest)
        counts[file.name] = count_labels(found.labels, expected, iou=options.iou)
    return describe_scores(counts, warnings)


def evaluate_dataset(
    model: LoadedModel, dataset: Dataset, *, options: EvaluateOptions, hooks: Hooks | None = None
) -> dict[str, Any]:
    """Score a model against the consensus of the experts of a data set.

    Parameters
    ----------
    model : LoadedModel
        The model.
    dataset : Dataset
        Annotated images; images without annotation are named in the warnings.
    options : EvaluateOptions
        ``None`` = the values of the model card; a minimum ROI size holds for both sides.
    hooks : Hooks, optional
        Progress and cancellation.

    Raises
    ------
    InputError
        Codes ``pairing_failed``, ``shape_mismatch``, ``invalid_annotation``, and for images that
        the model cannot use.
    """
    hooks = hooks or Hooks()
    pairs, warnings = read_pairs(dataset, hooks=hooks)
    names = _shorten_names([pair.name for pair in pairs])
    wanted = _choose_options(model, options)
    counts: dict[str, AgreementCounts] = {}
    for index, pair in enumerate(pairs):
        hooks.check()
        step = hooks.for_step(index, len(pairs), prefix=f"{pair.name}: ")
        step = replace(step, warn=warnings.append)
        found = segment_planes(pair.image, model, options=wanted, hooks=step)
        truth, notes = find_truth(pair, "auto")
        smallest = _find_smallest(model, pair.image, wanted)
        expected = remove_small_rois(truth, min_roi_size=smallest)
        counts[names[pair.name]] = count_labels(found.labels, expected, iou=options.iou)
        warnings += [f"{pair.name}: {note}" for note in notes]
    return describe_scores(counts, [*warnings, *_find_seen(model, pairs)])


def _shorten_names(names: Sequence[str]) -> dict[str, str]:
    """Return the stem of each name, but the name itself where two have the same stem."""
    stems = {name: strip_extension(name) for name in names}
    times = Counter(stems.values())
    return {name: stem if times[stem] == 1 else name for name, stem in stems.items()}


def _find_seen(model: LoadedModel, pairs: Sequence[AnnotatedImage]) -> list[str]:
    before = [name for one in model.card.ancestors for name in one.images]
    known = {*model.card.training_images, *before}
    seen = [pair.name for pair in pairs if pair.name in known]
    if not seen:
        return []
    return [
        f"{model.reference}, or one that it descends from, was trained on images called "
        f"{', '.join(seen[:5])}{' and more' if len(seen) > 5 else ''}: if these are the same, the "
        "scores are higher than on new images."
    ]


def _choose_options(model: LoadedModel, options: EvaluateOptions) -> SegmentOptions:
    names = {"threshold", "min_roi_size", *_ONLY_OF_MODELS}
    return SegmentOptions(model=model.reference, planes=1, **options.model_dump(include=names))


def _find_smallest(model: LoadedModel, image: ImageFile, options: SegmentOptions) -> int:
    """Return the area in pixels from which ROIs of the truth count, be they found or not."""
    if options.min_roi_size is not None:
        return options.min_roi_size
    calibration = choose_calibration(image.calibration, options)
    return scale_model(model, calibration).convert_area(model.card.annotated_size)


def _refuse_options_of_models(options: EvaluateOptions) -> None:
    if any(getattr(options, name) is not None for name in _ONLY_OF_MODELS):
        raise InputError(
            "Pixel size and separation tell how a model segments; predictions that are compared "
            "as files have their ROIs already. Leave both out, or evaluate a model.",
            code="invalid_options",
        )


def check_evaluation(run: Run) -> None:
    """Refuse uploads that cannot all be compared, before the job is accepted.

    Raises
    ------
    InputError
        Codes ``pairing_failed`` (a file has no partner, or more than one), ``shape_mismatch``,
        ``invalid_annotation``, ``invalid_options``.
    """
    options = EvaluateOptions.from_json(run.options)
    _refuse_options_of_models(options)
    predictions = find_predictions(list_inputs(run, "prediction"), options)
    pairs, warnings = pair_predictions(predictions, list_inputs(run, "truth"))
    if warnings:
        raise InputError(
            f"Not every file has its partner. {' '.join(warnings)} Send one truth for each "
            "prediction, named alike (0001.tif and 0001.tif or 0001_word.tif).",
            code="pairing_failed",
            details={"warnings": warnings},
        )
    for predicted, path in pairs:
        rows, columns = read_mask_or_map(predicted.path).shape
        read_annotation(path, shape=(rows, columns))


def run_evaluation(
    home: Path, run: Run, *, model: LoadedModel | None = None, hooks: Hooks | None = None
) -> dict[str, Any]:
    """Do an evaluation job and leave ``evaluation.json``.

    With a model it is scored on the data set of the options, else ``inputs/prediction`` is
    compared with ``inputs/truth``.

    Raises
    ------
    InputError
        As :func:`evaluate_folders` and :func:`evaluate_dataset`.
    NotFoundError
        Code ``unknown_dataset``, when the data set was removed meanwhile.
    """
    options = EvaluateOptions.from_json(run.options)
    hooks = hooks or Hooks()
    if model is None or options.dataset is None:
        parts = list_inputs(run, "prediction"), list_inputs(run, "truth")
        result = _evaluate_files(*parts, options=options, hooks=hooks)
    else:
        dataset = open_dataset(home, options.dataset)
        result = evaluate_dataset(model, dataset, options=options, hooks=hooks)
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
