"""Find predictions and truths that belong together in two folders."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepflash_service.core.labels import keep_large_rois, label_rois
from deepflash_service.core.pairing import pair_names
from deepflash_service.errors import InputError
from deepflash_service.store.images import read_annotation, read_mask_or_map
from deepflash_service.store.names import strip_extension

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from deepflash_service.records import EvaluateOptions, LabelImage

_LABELS = "_labels.tif"
_PROBABILITY = "_probability.tif"
_DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class PredictionFile:
    """A predicted file; ``name`` is the image's without extension, ``threshold`` for a map."""

    name: str
    path: Path
    threshold: float


def find_predictions(paths: Sequence[Path], options: EvaluateOptions) -> list[PredictionFile]:
    """Return the predictions among the files of one folder, sorted by name.

    The results of ``deepflash segment`` give their ``_labels`` files, or their
    ``_probability`` files where the options ask for another threshold or minimum ROI size; any
    other files are predictions themselves.
    """
    files = {path.name: path for path in paths}
    labels = find_label_files(paths)
    thresholds = _read_thresholds(paths[0].parent) if paths else {}
    is_changed = options.threshold is not None or options.min_roi_size is not None
    if not labels:
        return [
            PredictionFile(
                strip_extension(name),
                path,
                _DEFAULT_THRESHOLD if options.threshold is None else options.threshold,
            )
            for name, path in files.items()
        ]
    found = []
    for name in sorted(labels):
        threshold = thresholds.get(name) if options.threshold is None else options.threshold
        # Without the threshold that made the labels, the size filter works on the labels.
        is_relabelled = is_changed and threshold is not None
        path = files.get(name + _PROBABILITY) if is_relabelled else None
        found.append(PredictionFile(name, path or labels[name], threshold or 0.0))
    return found


def find_label_files(paths: Sequence[Path]) -> dict[str, Path]:
    """Return the label images that ``deepflash segment`` wrote, by the name of their image."""
    return {path.name.removesuffix(_LABELS): path for path in paths if path.name.endswith(_LABELS)}


def pair_predictions(
    predictions: Sequence[PredictionFile], truth: Sequence[Path]
) -> tuple[list[tuple[PredictionFile, Path]], list[str]]:
    """Return each prediction with its truth, and warnings about files left out.

    Raises
    ------
    InputError
        Code ``pairing_failed`` when nothing fits together.
    """
    if not predictions:
        raise InputError(
            "The folder holds no prediction: no TIFF, PNG, GIF or BMP file. Check the path.",
            code="pairing_failed",
        )
    groups: dict[str, list[PredictionFile]] = {}
    for one in predictions:
        groups.setdefault(one.name, []).append(one)
    warnings = [
        f"{', '.join(sorted(one.path.name for one in twins))} are predictions for one image; left "
        "out. Keep one of them."
        for twins in groups.values()
        if len(twins) > 1
    ]
    by_name = {f"{name}.tif": twins[0] for name, twins in groups.items() if len(twins) == 1}
    truths = {path.name: path for path in truth}
    pairing = pair_names(list(by_name), {"truth": list(truths)}, words=("prediction", "truth"))
    pairs = [
        (by_name[name], truths[chosen["truth"]]) for name, chosen in sorted(pairing.pairs.items())
    ]
    warnings += pairing.warnings
    if not pairs:
        raise _refuse_strangers(warnings)
    return pairs, warnings


def _refuse_strangers(warnings: Sequence[str]) -> InputError:
    return InputError(
        "No prediction has a truth: the names do not fit together (prediction 0001.tif or "
        f"0001_labels.tif belongs to truth 0001.tif or 0001_word.tif). {' '.join(warnings[:5])}",
        code="pairing_failed",
        details={"warnings": list(warnings)},
    )


def read_predicted(prediction: PredictionFile, *, min_roi_size: int) -> LabelImage:
    """Return the ROIs of a prediction after threshold and size filter.

    Raises
    ------
    InputError
        As :func:`deepflash_service.store.images.read_annotation`.
    """
    found = read_mask_or_map(prediction.path)
    if found.dtype.kind == "f":
        return label_rois(found, threshold=prediction.threshold, min_roi_size=min_roi_size)
    return keep_large_rois(found, min_roi_size=min_roi_size)


def read_truth(path: Path, shape: tuple[int, int], *, min_roi_size: int) -> LabelImage:
    """Return the ROIs of a truth after the size filter.

    Raises
    ------
    InputError
        As :func:`deepflash_service.store.images.read_annotation`.
    """
    return keep_large_rois(read_annotation(path, shape=shape), min_roi_size=min_roi_size)


def is_stack_refused(error: InputError) -> bool:
    """Tell whether a file was refused only because it holds several planes."""
    planes = error.details.get("planes", 1)
    return isinstance(planes, int) and planes > 1


def _read_thresholds(folder: Path) -> dict[str, float]:
    """Return the threshold per image name that the summary tables of segmentations tell."""
    found: dict[str, float] = {}
    for path in sorted(folder.glob("summary*.csv")):
        try:
            with path.open(encoding="utf-8", newline="") as stream:
                rows = list(csv.DictReader(stream))
            found |= {strip_extension(row["Image"]): float(row["Threshold"]) for row in rows}
        except (OSError, KeyError, ValueError, TypeError):
            continue
    return found
