"""Measure ROIs: counts, areas, intensities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.measurements import measure_rois
from deepflash_service.core.pairing import pair_names
from deepflash_service.errors import InputError
from deepflash_service.store.atomic import write_text
from deepflash_service.store.images import list_images, read_annotation, read_image
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.pairs import refuse_empty
from deepflash_service.workflows.predictions import find_label_files

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def measure_folders(
    images: Path, labels: Path, *, output: Path, hooks: Hooks | None = None
) -> dict[str, Any]:
    """Measure the ROIs of a folder in the images they belong to.

    Parameters
    ----------
    images : Path
        Folder of the images.
    labels : Path
        Results of ``deepflash segment``, masks, label images or ROI sets.
    output : Path
        Table to write, ``.csv``.
    hooks : Hooks, optional
        Cancellation.

    Returns
    -------
    dict
        ``{"output", "images": [{"image", "rois"}], "warnings"}``.

    Raises
    ------
    InputError
        Codes ``pairing_failed``, ``shape_mismatch``, ``invalid_annotation``, ``invalid_image``.
    """
    import pandas as pd

    hooks = hooks or Hooks()
    image_files = {path.name: path for path in list_images(images)}
    label_files = _find_labels(labels)
    pairing = pair_names(list(image_files), {"labels": list(label_files)})
    if not pairing.pairs:
        raise refuse_empty(pairing.warnings)
    tables, entries = [], []
    warnings, refused = list(pairing.warnings), []
    for name, chosen in sorted(pairing.pairs.items()):
        hooks.check()
        try:
            table, note = _measure(image_files[name], label_files[chosen["labels"]])
        except _PlaneError as error:
            refused.append(error)
            continue
        warnings += note
        tables.append(table)
        entries.append({"image": name, "rois": len(table)})
    if not tables:
        raise refused[0]
    filled = [table for table in tables if len(table)] or tables[:1]
    text = pd.concat(filled, ignore_index=True).to_csv(index=False, lineterminator="\n")
    write_text(output, text)
    warnings += [f"{error.message} It is left out." for error in refused]
    return {"output": str(output), "images": entries, "warnings": warnings}


def _find_labels(folder: Path) -> dict[str, Path]:
    files = list_images(folder, with_rois=True)
    results = {f"{name}.tif": path for name, path in find_label_files(files).items()}
    return results or {path.name: path for path in files}


class _PlaneError(InputError):
    """An image that has no single grey plane, among others that may have one."""


def _measure(image_path: Path, labels_path: Path) -> tuple[pd.DataFrame, list[str]]:
    image = read_image(image_path)
    if len(image.planes) > 1:
        raise _PlaneError(
            f"{image.name} is a stack. Measure its planes as single files, or use the table that "
            "`deepflash segment` writes.",
            code="invalid_image",
        )
    if image.is_rgb:
        raise _PlaneError(
            f"{image.name} is an RGB image, whose intensities are no measurements. Use Image > "
            "Color > Split Channels or Image > Type > 8-bit.",
            code="rgb_image",
        )
    notes = []
    if image.channels > 1:
        notes = [f"{image.name} has {image.channels} channels; channel 1 was measured."]
    labels = read_annotation(labels_path, shape=image.shape)
    grey = np.asarray(image.select(channel=1))
    table = measure_rois(labels, grey, calibration=image.calibration)
    return table.assign(Image=image.name, C=1, Z=1, T=1), notes
