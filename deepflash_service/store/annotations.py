"""Reading annotations: masks, label images, colour-coded masks, ROI sets, GeoJSON."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.labels import label_rois
from deepflash_service.errors import InputError
from deepflash_service.store.geojson_files import read_geojson
from deepflash_service.store.raster_reading import is_lossy, read_raster
from deepflash_service.store.roi_files import read_rois
from deepflash_service.store.sources import PIXEL_LIMIT, Source, detect_format
from deepflash_service.store.tiff_reading import read_tiff

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.records import LabelImage, ProbabilityMap
    from deepflash_service.store.planes import Array

_ROUNDING = 1e-4
_CODE = "invalid_annotation"
_NOT_BINARY = "not binary"
_MOST_PATCHES_PER_LABEL = 20
_MOST_PATCHES = 1000
_FEW_VALUES = 100
_SPECK = 2
_MOST_COLOURS = 1024
_BYTES_PER_PIXEL = 30
_ALWAYS_FITTING = 16_000_000


def read_annotation(
    source: Path | bytes,
    *,
    shape: tuple[int, int] | None = None,
    name: str | None = None,
    max_pixels: int = PIXEL_LIMIT,
) -> LabelImage:
    """Read one expert's ROIs on one image.

    A file with two values is a mask (ROIs are 8-connected components), with more values a label
    image, taken as it is. Masks with three equal colour channels are grey, alpha is ignored. In a
    colour-coded mask each 4-connected patch of one colour is a ROI.

    Parameters
    ----------
    source : Path or bytes
        The file or its bytes.
    shape : tuple of int, optional
        Rows and columns of the image; needed for ROI sets, compared for all others.
    name : str, optional
        Name for messages.
    max_pixels : int, optional
        Limit on the number of values, checked from the header.

    Returns
    -------
    LabelImage of shape (M, N)

    Raises
    ------
    InputError
        Codes ``invalid_annotation``, ``shape_mismatch``, ``image_too_large``.
    """
    origin = Source.of(source, name)
    found = detect_format(origin, code=_CODE)
    if found in {"roi", "zip", "geojson"}:
        return _draw_rois(origin, shape, is_geojson=found == "geojson")
    pixels = _read_pixels(origin, max_pixels=max_pixels)
    if shape is not None and pixels.shape[:2] != tuple(shape):
        raise _refuse_shape(origin, pixels.shape[:2], shape)
    return _label_pixels(pixels, origin)


def read_mask_or_map(
    source: Path | bytes, *, name: str | None = None
) -> LabelImage | ProbabilityMap:
    """Read a prediction: a probability map (float32, 0 to 1) or else an annotation.

    Raises
    ------
    InputError
        As :func:`read_annotation`.
    """
    origin = Source.of(source, name)
    if detect_format(origin, code=_CODE) == "tiff":
        pixels = _read_pixels(origin, max_pixels=PIXEL_LIMIT)
        if pixels.dtype.kind == "f" and pixels.ndim == 2 and _is_map(pixels):
            return np.clip(pixels.astype(np.float32), 0.0, 1.0)
        return _label_pixels(pixels, origin)
    return read_annotation(source, name=name)


def _label_pixels(pixels: Array, source: Source) -> LabelImage:
    if pixels.ndim == 3:
        return _label_colours(pixels, source)
    if pixels.dtype.kind == "f":
        pixels = _round_labels(pixels, source)
    return _label_values(pixels, source)


def _is_map(pixels: Array) -> bool:
    """Tell whether all values lie between 0 and 1, but for rounding errors."""
    return bool(pixels.size and pixels.min() >= -_ROUNDING and pixels.max() <= 1.0 + _ROUNDING)


def _read_pixels(source: Source, *, max_pixels: int) -> Array:
    if is_lossy(source):
        raise InputError(
            f"{source.name} is a JPEG, which blurs the values of a mask. Save it as TIFF or PNG.",
            code=_CODE,
            details={"name": source.name, "fault": _NOT_BINARY},
        )
    limit = min(max_pixels, _count_fitting())
    try:
        if detect_format(source) == "tiff":
            image = read_tiff(source, max_pixels=limit)
        else:
            image = read_raster(source, max_pixels=limit, keep_indices=True)
    except InputError as error:
        if error.code == "image_too_large" and limit < max_pixels:
            raise _refuse_memory(source, error) from error
        if error.code != "invalid_image":
            raise
        raise InputError(error.message, code=_CODE, details=error.details) from error
    if len(image.planes) > 1 or (image.channels > 1 and not image.is_rgb):
        raise InputError(
            f"{source.name} holds {len(image.planes)} planes and {image.channels} channels, but "
            "an annotation is one plane. Save the plane with the mask as a file of its own.",
            code=_CODE,
            details={"name": source.name, "planes": len(image.planes), "fault": "channel"},
        )
    return image.select()


def _count_fitting() -> int:
    """Return how many pixels of an annotation fit into the free memory, but never a few."""
    import psutil

    return max(_ALWAYS_FITTING, int(psutil.virtual_memory().available) // _BYTES_PER_PIXEL)


def _refuse_memory(source: Source, error: InputError) -> InputError:
    pixels = int(str(error.details.get("pixels", 0)))
    needed = pixels * _BYTES_PER_PIXEL / 1e9
    return InputError(
        f"{source.name} holds {pixels:,} pixels; to read it as an annotation takes about "
        f"{needed:.0f} GB of memory, and less is free. Use the tables that "
        "`deepflash segment` writes, crop the image, or take a computer with more memory.",
        code="image_too_large",
        details=error.details,
    )


def _draw_rois(source: Source, shape: tuple[int, int] | None, *, is_geojson: bool) -> LabelImage:
    from deepflash_service.core.geojson_shapes import geojson_to_labels
    from deepflash_service.core.rois import rois_to_labels

    if shape is None:
        raise InputError(
            f"{source.name} is a set of ROIs, which does not tell the size of its image, and no "
            "image of its name is there. Name it like its image, give the image too, or convert "
            "the ROIs to a mask (DeepFLaSH_ROIs_to_Masks.ijm for ROI sets).",
            code=_CODE,
            details={"name": source.name, "fault": "missing"},
        )
    if is_geojson:
        draw = partial(geojson_to_labels, read_geojson(source.content, name=source.name), shape)
    else:
        draw = partial(rois_to_labels, read_rois(source.content, name=source.name), shape)
    try:
        return draw()
    except InputError as error:
        raise InputError(
            f"{source.name}: {error.message}", code=_CODE, details=error.details
        ) from error


def _label_values(pixels: Array, source: Source) -> LabelImage:
    low, high = int(pixels.min()), int(pixels.max())
    if low < 0 or high > np.iinfo(np.int32).max:
        raise InputError(
            f"{source.name} holds values from {low} to {high}, which are not labels. Save a mask "
            "(0 and 255) or a label image (0 = background).",
            code=_CODE,
            details={"name": source.name},
        )
    if low == high:
        return np.full(pixels.shape, int(high > 0), dtype=np.int32)
    is_high = pixels == high
    if bool((is_high | (pixels == low)).all()):
        return label_rois(is_high)
    labels = pixels.astype(np.int32)
    _refuse_photograph(labels, source)
    return labels


def _refuse_photograph(labels: LabelImage, source: Source) -> None:
    """Refuse grey values given as labels: their patches are far more than their values."""
    from skimage.measure import label

    values = _count_values(labels)
    sizes = np.bincount(label(labels, connectivity=2, background=-1).ravel())[1:]
    patches = sizes.size
    is_noise = patches > values > _FEW_VALUES and float(np.median(sizes)) <= _SPECK
    if is_noise or patches > _MOST_PATCHES_PER_LABEL * values + _MOST_PATCHES:
        raise InputError(
            f"{source.name} looks like an image, not an annotation: its {values} grey values form "
            f"{patches:,} patches. Give a mask (0 and 255), a label image or a ROI set.",
            code=_CODE,
            details={
                "name": source.name,
                "values": values,
                "patches": patches,
                "fault": _NOT_BINARY,
            },
        )


def _count_values(labels: LabelImage) -> int:
    if labels.max() > labels.size:
        return int(np.unique(labels).size)
    return int(np.count_nonzero(np.bincount(labels.ravel())))


def _round_labels(pixels: Array, source: Source) -> Array:
    whole = np.rint(pixels)
    if not np.array_equal(whole, pixels):
        raise InputError(
            f"{source.name} holds fractions, so it looks like a probability map or an image. Give "
            "a mask (0 and 255) or a label image.",
            code=_CODE,
            details={"name": source.name, "fault": _NOT_BINARY},
        )
    return whole.astype(np.int64)


def _label_colours(pixels: Array, source: Source) -> LabelImage:
    """Label patches of one colour (BBBC039 paints touching nuclei in different colours)."""
    from skimage.measure import label

    wide = pixels.astype(np.int64)
    codes = (wide[..., 0] << 32) | (wide[..., 1] << 16) | wide[..., 2]
    values, counts = np.unique(codes, return_counts=True)
    if values.size > _MOST_COLOURS:
        raise InputError(
            f"{source.name} has {values.size:,} colours, so it looks like a colour image, not an "
            "annotation. Give a mask (0 and 255), a label image or a ROI set.",
            code=_CODE,
            details={
                "name": source.name,
                "colours": int(values.size),
                "fault": _NOT_BINARY,
            },
        )
    if values.size == 2:
        darkest = values[0] == 0 or counts[0] >= counts[1]
        return label_rois(codes == values[1 if darkest else 0])
    background = values[0] if values[0] == 0 else values[np.argmax(counts)]
    ranks = np.searchsorted(values, codes).astype(np.int32) + 1
    ranks[codes == background] = 0
    return np.asarray(label(ranks, background=0, connectivity=1), dtype=np.int32)


def _refuse_shape(source: Source, found: tuple[int, ...], expected: tuple[int, int]) -> InputError:
    return InputError(
        f"{source.name} has {found[0]} x {found[1]} pixels (rows x columns), but its image has "
        f"{expected[0]} x {expected[1]}. Make the annotation on that very image.",
        code="shape_mismatch",
        details={"name": source.name, "found": list(found), "expected": list(expected)},
    )
