"""Reading the annotations of experts who have one folder each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepflash_service.core.pairing import pair_names
from deepflash_service.store.images import ROI_SUFFIXES, list_images, read_annotation
from deepflash_service.store.names import strip_extension
from deepflash_service.workflows.pairs import refuse_empty

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deepflash_service.records import LabelImage


@dataclass(frozen=True, slots=True)
class AnnotatedByExperts:
    """The annotations of one image: file name of the first expert's, label image of each."""

    name: str
    first: str
    labels: dict[str, LabelImage]


def read_folders(masks: Mapping[str, Path]) -> tuple[list[AnnotatedByExperts], list[str]]:
    """Group the annotations of one image by name; the first expert who has it names it.

    Parameters
    ----------
    masks : mapping of str to Path
        Folder of each expert.

    Returns
    -------
    list of AnnotatedByExperts
        Sorted by name.
    list of str
        Warnings: who has not annotated an image, and names that fit more than once.

    Raises
    ------
    InputError
        Codes ``pairing_failed``, ``shape_mismatch``, ``invalid_annotation``.
    """
    left = {
        expert: {path.name: path for path in list_images(folder, with_rois=True)}
        for expert, folder in masks.items()
    }
    images: list[AnnotatedByExperts] = []
    warnings: list[str] = []
    for expert in masks:
        pairing = pair_names(list(left[expert]), {other: list(left[other]) for other in masks})
        for first, chosen in pairing.pairs.items():
            paths = {other: left[other].pop(name) for other, name in chosen.items()}
            images.append(AnnotatedByExperts(strip_extension(first), first, _read_all(paths)))
            missing = [other for other in masks if other not in paths]
            if missing:
                ending = "; left out." if len(paths) == 1 else "."
                lacking = f"no annotation by {', '.join(missing)}{ending}"
                warnings.append(f"{first}: {lacking}")
        warnings += pairing.doubts
    if not images:
        raise refuse_empty(["The folders hold no masks, label images or ROI sets."])
    return sorted(images, key=lambda one: one.name), warnings


def _read_all(paths: Mapping[str, Path]) -> dict[str, LabelImage]:
    labels: dict[str, LabelImage] = {}
    shape: tuple[int, int] | None = None
    by_kind = sorted(paths.items(), key=lambda item: item[1].suffix.lower() in ROI_SUFFIXES)
    for expert, path in by_kind:
        one = read_annotation(path, shape=shape)
        labels[expert] = one
        shape = (one.shape[0], one.shape[1])
    return {expert: labels[expert] for expert in paths}
