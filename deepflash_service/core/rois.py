"""ROIs as ImageJ knows them: from label images to ``.roi`` bytes and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.geojson import labels_to_geojson
from deepflash_service.core.labels import check_plane
from deepflash_service.core.outlines import trace_outlines
from deepflash_service.core.roi_format import RoiText, encode_outlines
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from deepflash_service.core.outlines import Outlines
    from deepflash_service.records import LabelImage, Mask

__all__ = [
    "Position",
    "labels_to_geojson",
    "labels_to_rois",
    "outlines_to_rois",
    "rois_to_labels",
    "rois_to_mask",
]

LABEL_PROPERTY = "dfl.label"
PROBABILITY_PROPERTY = "dfl.prob"
Position = int | tuple[int, int, int]
"""(channel, slice, frame), 1-based with 0 = all; or the plane of a stack with one axis; 0 = none"""


def labels_to_rois(
    labels: LabelImage,
    *,
    scores: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    positions: Position | Sequence[Position] | None = None,
    properties: Mapping[str, object] | Sequence[Mapping[str, object]] | None = None,
) -> list[bytes]:
    """Trace the ROIs of a label image and write them as ImageJ ROIs.

    Parameters
    ----------
    labels : ndarray of shape (M, N), int32
        Label image. Parts of an ROI that do not touch, not even at a corner, and holes make it
        a composite ROI.
    scores : sequence of float, optional
        Probability of each ROI, in the order of the labels; kept as property ``dfl.prob``.
    names : sequence of str, optional
        Name of each ROI; by default ``roi-0001`` for label 1. ImageJ needs unique names.
    positions : int, (c, z, t), or one of these for each ROI, optional
        Where the ROIs lie in a stack (see ``Position``); not in a stack by default.
    properties : mapping, or one for each ROI, optional
        Further ROI properties. The label always is the property ``dfl.label``.

    Returns
    -------
    list of bytes
        One ``.roi`` file for each label, in the order of the labels. The mask that ImageJ draws
        from it equals ``labels == label`` in every pixel.

    Raises
    ------
    InputError
        A list of another length than there are ROIs, repeated names, or unusable labels.
    """
    image = check_plane(labels)
    if image.dtype.kind == "f" or image.max(initial=0) > np.iinfo(np.int32).max:
        raise InputError(
            "ROIs are traced in a label image of 32-bit integers. Number the ROIs first.",
            code="invalid_image",
        )
    return outlines_to_rois(
        trace_outlines(image.astype(np.int32, copy=False)),
        scores=scores,
        names=names,
        positions=positions,
        properties=properties,
    )


def outlines_to_rois(
    outlines: Outlines,
    *,
    scores: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    positions: Position | Sequence[Position] | None = None,
    properties: Mapping[str, object] | Sequence[Mapping[str, object]] | None = None,
) -> list[bytes]:
    """Write traced ROIs as ImageJ ROIs.

    Parameters
    ----------
    outlines : Outlines
        From :func:`deepflash_service.core.outlines.trace_outlines`.
    scores, names, positions, properties : optional
        As for :func:`labels_to_rois`.

    Returns
    -------
    list of bytes
        One ``.roi`` file for each label, in the order of the labels.

    Raises
    ------
    InputError
        A list of another length than there are ROIs, or repeated names.
    """
    numbers = outlines.labels[np.flatnonzero(np.diff(outlines.labels, prepend=0))].tolist()
    texts = _write_texts(numbers, names, scores=scores, positions=positions, properties=properties)
    return encode_outlines(outlines, texts) if texts else []


def rois_to_labels(rois: Sequence[bytes], shape: tuple[int, int]) -> LabelImage:
    """Draw ImageJ ROIs into a label image by the rules of ImageJ.

    Parameters
    ----------
    rois : sequence of bytes
        ``.roi`` files: rectangle, oval, polygon, freehand, traced, ellipse or composite.
    shape : (M, N)
        Rows and columns of the image that the ROIs belong to.

    Returns
    -------
    ndarray of shape (M, N), int32
        The ROIs keep their labels if each has its own property ``dfl.label``; otherwise the
        k-th ROI has label k. Where ROIs overlap the later one wins.

    Raises
    ------
    InputError
        Code ``invalid_roi``: not an ROI, or an ROI without area; code ``shape_mismatch``: an
        ROI that lies outside the image.
    """
    from deepflash_service.core.roi_areas import draw_shapes
    from deepflash_service.core.roi_shapes import read_roi

    shapes = [read_roi(roi) for roi in rois]
    numbers = [shape_.label for shape_ in shapes]
    known = [number for number in numbers if number is not None]
    if len(set(known)) < len(numbers):
        known = list(range(1, len(shapes) + 1))
    return draw_shapes(shapes, known, shape=shape)


def rois_to_mask(rois: Sequence[bytes], shape: tuple[int, int]) -> Mask:
    """Draw ImageJ ROIs into a mask of shape (M, N); see :func:`rois_to_labels`.

    Parameters
    ----------
    rois : sequence of bytes
        ``.roi`` files.
    shape : (M, N)
        Rows and columns.

    Returns
    -------
    ndarray of shape (M, N), bool
    """
    return np.asarray(rois_to_labels(rois, shape) > 0)


def _write_texts(
    numbers: list[int],
    names: Sequence[str] | None,
    *,
    scores: Sequence[float] | None,
    positions: Position | Sequence[Position] | None,
    properties: Mapping[str, object] | Sequence[Mapping[str, object]] | None,
) -> list[RoiText]:
    count = len(numbers)
    if names is None:
        names = [f"roi-{number:04d}" for number in numbers]
    elif len(set(names)) < len(names):
        raise InputError("Two ROIs have the same name. Give every ROI its own name.")
    places = _spread_positions(positions, count)
    if properties is None or isinstance(properties, Mapping):
        properties = [properties or {}] * count
    lists = {"names": names, "scores": scores, "positions": places, "properties": properties}
    for title, values in lists.items():
        if values is not None and len(values) != count:
            raise InputError(f"There are {count} ROIs but {len(values)} {title}. Give one each.")
    facts: list[dict[str, object]] = [{LABEL_PROPERTY: number} for number in numbers]
    for fact, score in zip(facts, () if scores is None else scores, strict=False):
        fact[PROBABILITY_PROPERTY] = f"{float(score):.4f}"
    return [
        RoiText(name, {**fact, **more}, place)
        for name, fact, more, place in zip(names, facts, properties, places, strict=True)
    ]


def _spread_positions(
    positions: Position | Sequence[Position] | None, count: int
) -> Sequence[Position]:
    if positions is None or isinstance(positions, int):
        return [positions or 0] * count
    if isinstance(positions, tuple) and all(isinstance(number, int) for number in positions):
        return [positions] * count
    return positions
