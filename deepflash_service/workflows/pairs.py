"""Reading the image pairs of a data set: one image, the annotations of its experts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.pairing import find_identical
from deepflash_service.errors import InputError, NotFoundError
from deepflash_service.store.images import ImageFile, read_annotation, read_image
from deepflash_service.store.names import strip_extension
from deepflash_service.workflows.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepflash_service.records import LabelImage
    from deepflash_service.store.datasets import Dataset, PairFiles


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """One image in memory with the label image of each expert."""

    name: str
    image: ImageFile
    annotations: dict[str, LabelImage]


def read_pairs(
    dataset: Dataset, *, hooks: Hooks | None = None
) -> tuple[list[AnnotatedImage], list[str]]:
    """Read all pairs; images with identical pixels become one image with several experts.

    Parameters
    ----------
    dataset : Dataset
        From the store.
    hooks : Hooks, optional
        Asked whether to cancel.

    Returns
    -------
    list of AnnotatedImage
        Sorted by name.
    list of str
        Warnings for the user: files left out, images merged.

    Raises
    ------
    InputError
        Code ``pairing_failed`` when nothing fits together, else as the readers.
    """
    hooks = hooks or Hooks()
    if not dataset.pairs:
        raise refuse_empty(dataset.warnings)
    pairs = []
    for pair in dataset.pairs:
        hooks.check()
        pairs.append(_read_pair(pair))
    merged, notes = merge_identical(pairs)
    return merged, [*dataset.warnings, *notes]


def read_pair(dataset: Dataset, name: str) -> AnnotatedImage:
    """Read one image with its annotations and those of images with identical pixels.

    The annotations of other images are not read: each may hold thousands of ROIs to draw.

    Parameters
    ----------
    dataset : Dataset
        From the store.
    name : str
        File name of the image; any image of the same stem where there is none of that name.

    Raises
    ------
    NotFoundError
        Code ``unknown_file``.
    InputError
        Code ``pairing_failed`` when nothing fits together, else as the readers.
    """
    if not dataset.pairs:
        raise refuse_empty(dataset.warnings)
    by_name = {pair.name: pair for pair in dataset.pairs}
    stem = strip_extension(name)
    likely = [one for one in by_name if one == name or strip_extension(one) == stem]
    if not likely:
        raise NotFoundError(
            f"The data set {dataset.id} has no annotated image {name!r}; its images are "
            f"{', '.join(by_name)}.",
            code="unknown_file",
            details={"name": name},
        )
    wanted = name if name in by_name else likely[0]
    pixels = {wanted: _read_plane(by_name[wanted]).planes[0]}
    for other in by_name:
        if other != wanted:
            with suppress(InputError):
                pixels[other] = _read_plane(by_name[other]).planes[0]
    group = next((one for one in find_identical(pixels) if wanted in one), (wanted,))
    return _join([_read_pair(by_name[one]) for one in sorted(group)])


def refuse_empty(warnings: Sequence[str]) -> InputError:
    """Return the error for folders in which no image has an annotation."""
    text = " ".join(list(warnings)[:5])
    return InputError(
        "No image has an annotation: the names do not fit together (image 0001.tif belongs to mask "
        f"0001.tif or 0001_word.tif). {text}".strip(),
        code="pairing_failed",
        details={"warnings": list(warnings)},
    )


@dataclass(frozen=True, slots=True)
class PairFault:
    """Why a file of a pair cannot be used; without expert it is the image."""

    image: str
    expert: str
    error: InputError

    def describe(self) -> str:
        """Return the sentence for the user."""
        return f"{self.expert}: {self.error.message}" if self.expert else self.error.message


def check_each_pair(dataset: Dataset) -> tuple[list[AnnotatedImage], list[PairFault]]:
    """Read all pairs as :func:`read_pairs` does, but tell every fault instead of raising one.

    Returns
    -------
    list of AnnotatedImage
        What can be used: pairs without the annotations that have a fault; images with identical
        pixels are not merged yet.
    list of PairFault
        The rest.
    """
    pairs, faults = [], []
    for pair in dataset.pairs:
        try:
            image = _read_plane(pair)
        except InputError as error:
            faults.append(PairFault(pair.name, "", error))
            continue
        found = AnnotatedImage(pair.name, image, {})
        for expert, path in pair.annotations.items():
            try:
                found.annotations[expert] = read_annotation(path, shape=image.shape)
            except InputError as error:
                faults.append(PairFault(pair.name, expert, error))
        if found.annotations:
            pairs.append(found)
    return pairs, faults


def _read_pair(pair: PairFiles) -> AnnotatedImage:
    image = _read_plane(pair)
    annotations = {}
    for expert, path in pair.annotations.items():
        try:
            annotations[expert] = read_annotation(path, shape=image.shape)
        except InputError as error:
            fault = PairFault(pair.name, expert, error)
            details = {**error.details, "expert": expert}
            raise InputError(fault.describe(), code=error.code, details=details) from error
    return AnnotatedImage(pair.name, image, annotations)


def _read_plane(pair: PairFiles) -> ImageFile:
    image = read_image(pair.image)
    if len(image.planes) > 1:
        raise InputError(
            f"{pair.name} is a stack of {len(image.planes)} planes, but annotations belong to "
            "single planes. Save the annotated plane as a file of its own (Image > Duplicate).",
            code="invalid_image",
            details={"name": pair.name, "fault": "stack"},
        )
    return image


def merge_identical(pairs: Sequence[AnnotatedImage]) -> tuple[list[AnnotatedImage], list[str]]:
    """Join images with identical pixels (the 2018 way to upload several experts).

    Returns
    -------
    list of AnnotatedImage
        Each picture once.
    list of str
        One sentence for each group.
    """
    by_name = {pair.name: pair for pair in pairs}
    groups = find_identical({pair.name: pair.image.planes[0] for pair in pairs})
    twins = [sorted(group) for group in groups if len(group) > 1]
    alone = [[name] for name in by_name if all(name not in group for group in twins)]
    merged, notes = [], []
    for names in sorted(twins + alone):
        members = [by_name[name] for name in names]
        if len(members) > 1:
            notes.append(
                f"{', '.join(names)} have identical pixels: they count as one image with "
                f"{sum(len(one.annotations) for one in members)} annotations."
            )
        merged.append(_join(members))
    return merged, notes


def _join(members: Sequence[AnnotatedImage]) -> AnnotatedImage:
    first = members[0]
    annotations: dict[str, Any] = dict(first.annotations)
    for number, member in enumerate(members[1:], start=2):
        for expert, labels in member.annotations.items():
            if expert not in annotations:
                annotations[expert] = labels
            elif not np.array_equal(annotations[expert], labels):
                annotations[f"{expert} ({number})"] = labels
    return AnnotatedImage(first.name, first.image, annotations)
