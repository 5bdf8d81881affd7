"""Pictures that show masks: comparison of model and expert, outlines over an image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.labels import find_foreground
from deepflash_service.core.overlaps import check_same_shape
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.records import LabelImage

    Picture = npt.NDArray[np.uint8]

OUTLINE_COLOUR = (255, 255, 0)
_DIMMED = 0.6
_LEAST_TINT = 0.55
_BAND_ROWS = 256


def compare_masks(
    image: npt.ArrayLike | None, prediction: npt.ArrayLike, truth: npt.ArrayLike
) -> Picture:
    """Show where a model and an expert agree.

    Parameters
    ----------
    image : array of shape (M, N) or (M, N, C), or None
        Shown dimmed behind the colours; black without it.
    prediction, truth : arrays of shape (M, N)
        Masks, label images or probability maps.

    Returns
    -------
    ndarray of shape (M, N, 3), uint8
        Magenta: model only; green: expert only; white: both. These are the colours of DeepFLaSH
        (2018).

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    model, expert = find_foreground(prediction), find_foreground(truth)
    check_same_shape(model, expert)
    colours = np.stack([model, expert, model], axis=2)
    if image is None:
        return colours.astype(np.uint8) * np.uint8(255)
    grey = scale_to_grey(image)
    check_same_shape(grey, model)
    level = grey[..., np.newaxis]
    tinted = colours * (_LEAST_TINT + (1 - _LEAST_TINT) * level)
    return _to_bytes(np.where((model | expert)[..., np.newaxis], tinted, _DIMMED * level))


def draw_outlines(image: npt.ArrayLike, labels: LabelImage) -> Picture:
    """Draw the outermost pixels of each ROI over an image.

    Parameters
    ----------
    image : array of shape (M, N) or (M, N, C)
        Shown in grey, contrast stretched.
    labels : ndarray of shape (M, N), int32

    Returns
    -------
    ndarray of shape (M, N, 3), uint8
        Outlines are yellow.

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    values = _average_channels(image)
    check_same_shape(values, labels)
    low, high = _find_range(values)
    picture = np.empty((*values.shape, 3), dtype=np.uint8)
    padded = np.pad(labels, 1)
    for start in range(0, len(values), _BAND_ROWS):
        # band by band, because grey levels take 24 times the memory of the picture
        rows = slice(start, start + _BAND_ROWS)
        grey = _to_bytes(_scale(values[rows], low, high))
        picture[rows] = grey[..., np.newaxis]
        picture[rows][_find_borders(padded[start : start + _BAND_ROWS + 2])] = OUTLINE_COLOUR
    return picture


def scale_to_grey(image: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return an image as grey levels from 0 to 1 between its percentiles 0.5 and 99.8.

    Parameters
    ----------
    image : array of shape (M, N) or (M, N, C)
        Channels are averaged; values that are not finite count as the darkest.

    Returns
    -------
    ndarray of shape (M, N), float64

    Raises
    ------
    InputError
        Neither two- nor three-dimensional.
    """
    values = _average_channels(image)
    return _scale(values, *_find_range(values))


def _average_channels(image: npt.ArrayLike) -> npt.NDArray[Any]:
    values = np.asarray(image)
    if values.ndim == 3:
        values = values.astype(np.float64).mean(axis=2)
    if values.ndim != 2:
        raise InputError(
            f"An array of shape {values.shape} is no picture. Choose one plane.",
            code="invalid_image",
        )
    return values


def _find_range(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the values to be shown black and white; NaN when none is finite."""
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return math.nan, math.nan
    low, high = np.percentile(finite, [0.5, 99.8])
    if high <= low:
        low, high = finite.min(), finite.max()
    return float(low), float(high)


def _scale(values: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[np.float64]:
    if math.isnan(low):
        return np.zeros(values.shape)
    exact = values.astype(np.float64)
    exact[~np.isfinite(exact)] = low
    return np.asarray(np.clip((exact - low) / max(high - low, np.finfo(float).tiny), 0, 1))


def _find_borders(padded: LabelImage) -> npt.NDArray[np.bool_]:
    """Return the outermost pixels of each ROI, given labels with one more pixel on every side."""
    inner = padded[1:-1, 1:-1]
    differs = (
        (padded[:-2, 1:-1] != inner)
        | (padded[2:, 1:-1] != inner)
        | (padded[1:-1, :-2] != inner)
        | (padded[1:-1, 2:] != inner)
    )
    return np.asarray(differs & (inner != 0))


def _to_bytes(levels: npt.NDArray[np.float64]) -> Picture:
    return np.asarray(np.rint(levels * 255), dtype=np.uint8)
