"""Pictures for the report: contrast, outlines of several experts, PNG as data URI."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from deepflash_service.store.image_writing import encode_png

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepflash_service.records import LabelImage

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
_Array = TypeVar("_Array", npt.NDArray[np.uint8], npt.NDArray[np.int32])

EXPERT_COLOURS: tuple[str, ...] = ("#ffb000", "#4cc9f0", "#ff5d8f", "#9be564", "#c9a0ff", "#f2f2f2")
MODEL_COLOUR = "#ffd21f"


def stretch_contrast(image: npt.NDArray[np.generic]) -> Picture:
    """Return a grey picture (M, N) between the 0.3 and 99.7 per cent quantiles of the image."""
    values = np.asarray(image, dtype=np.float32)
    low, high = np.percentile(values, [0.3, 99.7])
    grey = np.clip((values - low) / max(float(high - low), 1e-6), 0.0, 1.0) ** 0.8
    return np.asarray(np.rint(grey * 255), dtype=np.uint8)


def draw_contours(grey: Picture, contours: Mapping[str, LabelImage], *, zoom: int = 2) -> Picture:
    """Draw the outlines of label images, each in its own colour, onto a grey picture.

    Parameters
    ----------
    grey : ndarray of uint8, shape (M, N)
        The picture.
    contours : mapping of str to LabelImage (M, N)
        Label images by colour (``#rrggbb``), drawn in this order.
    zoom : int, optional
        Enlargement, so that outlines one pixel wide do not cover the picture.

    Returns
    -------
    ndarray of uint8, shape (zoom M, zoom N, 3)
        The coloured picture.
    """
    picture = np.repeat(_enlarge(grey, zoom)[..., np.newaxis], 3, axis=2)
    for colour, labels in contours.items():
        big = _enlarge(labels, zoom)
        size = 2 * max(2, zoom // 2) + 1
        inner = ndimage.grey_erosion(big, size=(size, size), mode="nearest")
        picture[(big > 0) & (inner != big)] = _parse_colour(colour)
    return picture


def choose_crop(labels: LabelImage, size: int) -> tuple[slice, slice]:
    """Return the square of `size` pixels that holds most ROI pixels."""
    height, width = (min(size, length) for length in labels.shape)
    sums = np.pad((labels > 0).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    counts = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width]
    counts += sums[:-height, :-width]
    row, column = divmod(int(counts.argmax()), counts.shape[1])
    return slice(row, row + height), slice(column, column + width)


def embed_png(picture: Picture) -> str:
    """Return a picture as a data URI that an ``img`` element shows."""
    return "data:image/png;base64," + base64.b64encode(encode_png(picture)).decode("ascii")


def _enlarge(array: _Array, zoom: int) -> _Array:
    return np.repeat(np.repeat(array, zoom, axis=0), zoom, axis=1)


def _parse_colour(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
