"""A small picture of one image beside what a network in training makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.overlay import compare_masks, scale_to_grey

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.records import LabelImage

_GAP = 8


def draw_preview(
    image: npt.ArrayLike, prediction: LabelImage, truth: LabelImage, *, most_rows: int = 1024
) -> npt.NDArray[np.uint8]:
    """Draw an image, and beside it the comparison of a prediction with the consensus.

    Parameters
    ----------
    image : array of shape (M, N) or (M, N, C)
        Shown in grey, contrast stretched.
    prediction, truth : ndarrays of shape (M, N), int32
        Magenta: prediction only; green: truth only; white: both.
    most_rows : int
        Larger images are shrunk by a whole number until they are at most this high.

    Returns
    -------
    ndarray of uint8, shape (P, Q, 3)

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    grey = np.asarray(np.rint(255 * scale_to_grey(image)), dtype=np.uint8)
    colours = compare_masks(None, prediction, truth)
    left = _shrink(np.repeat(grey[..., np.newaxis], 3, axis=2), most_rows)
    right = _shrink(colours, most_rows)
    gap = np.full((left.shape[0], _GAP, 3), 128, dtype=np.uint8)
    return np.concatenate([left, gap, right], axis=1)


def _shrink(picture: npt.NDArray[np.uint8], most_rows: int) -> npt.NDArray[np.uint8]:
    """Average blocks of pixels; an edge that fills no block is left out."""
    factor = -(-picture.shape[0] // most_rows)
    if factor == 1:
        return picture
    rows, columns = (max(1, size // factor) for size in picture.shape[:2])
    cut: Any = picture[: rows * factor, : columns * factor].astype(np.float32)
    blocks = cut.reshape(rows, factor, columns, -1, 3)
    return np.asarray(np.rint(blocks.mean(axis=(1, 3))), dtype=np.uint8)
