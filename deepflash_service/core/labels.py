"""From masks, probability maps and foreign label images to label images.

A label image is an int32 array of shape (M, N): 0 is background, ``k`` is ROI ``k``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.records import LabelImage, LabelVariant, Mask

_SPARSE_NUMBERS = 4
"""Labels above this many times the pixel count are renumbered before tables are made."""

_EIGHT_CONNECTED = np.ones((3, 3), dtype=bool)


def label_rois(
    array: npt.ArrayLike,
    *,
    threshold: float = 0.5,
    min_roi_size: int = 0,
    variant: LabelVariant = "standard",
) -> LabelImage:
    """Find and number the ROIs of a mask, a label image or a probability map.

    Parameters
    ----------
    array : array of shape (M, N)
        Boolean or two-valued integer array: a mask, whose ROIs are its 8-connected components.
        Integer array with more values: a label image, taken as it is. Floating point array:
        a probability map, whose mask is ``array > threshold``.
    threshold : float
        Probability above which a pixel is foreground; for floating point arrays only.
    min_roi_size : int
        ROIs with fewer pixels are removed; an ROI of exactly this size stays.
    variant : {"standard", "original"}
        ``original`` separates touching ROIs by a distance-transform watershed and drops ROIs at
        the image border before the size filter, as DeepFLaSH did in 2018 (its mistake of never
        checking the size of the last ROI is not repeated).

    Returns
    -------
    ndarray of shape (M, N), int32
        ROIs are numbered 1, 2, ... in the order of ``array``.

    Raises
    ------
    InputError
        Not two-dimensional, not a number, negative labels, or unknown variant.
    """
    values = check_plane(array)
    if variant == "standard":
        labels = _number_rois(values, threshold)
    elif variant == "original":
        labels = _label_as_original(find_foreground(values, threshold=threshold), min_roi_size)
    else:
        raise InputError(f"Unknown variant {variant!r}. Choose 'standard' or 'original'.")
    return remove_small_rois(labels, min_roi_size=min_roi_size)


def keep_large_rois(labels: npt.NDArray[Any], *, min_roi_size: int = 0) -> LabelImage:
    """Return a label image, taken as it is, without ROIs below a size.

    Parameters
    ----------
    labels : array of shape (M, N), integer
        Label image; one ROI of several parts stays one.
    min_roi_size : int
        Smallest area in pixels that stays.

    Returns
    -------
    ndarray of shape (M, N), int32
        ROIs are numbered 1, 2, ... in the order of ``labels``.
    """
    return remove_small_rois(number_labels(labels), min_roi_size=min_roi_size)


def find_foreground(array: npt.ArrayLike, *, threshold: float = 0.5) -> Mask:
    """Return the foreground of a mask, label image or probability map.

    Parameters
    ----------
    array : array of shape (M, N)
        Boolean, integer (foreground is not 0, or the larger of two values) or floating point
        (foreground is above ``threshold``).
    threshold : float
        For floating point arrays only.

    Returns
    -------
    ndarray of shape (M, N), bool

    Raises
    ------
    InputError
        Not two-dimensional, not a number, or negative labels.
    """
    values = check_plane(array)
    if values.dtype == np.bool_:
        return np.asarray(values, dtype=bool)
    if values.dtype.kind == "f":
        return np.asarray(values > threshold)
    if values.size and 0 < values.min() < values.max() and is_mask(values):
        return np.asarray(values == values.max())
    return np.asarray(values != 0)


def remove_small_rois(labels: LabelImage, *, min_roi_size: int) -> LabelImage:
    """Remove ROIs below a size and number the others 1, 2, ... in their order.

    Parameters
    ----------
    labels : ndarray of shape (M, N), int32
        Label image; gaps between the numbers are closed.
    min_roi_size : int
        Smallest area in pixels that stays.

    Returns
    -------
    ndarray of shape (M, N), int32
    """
    sizes = np.bincount(labels.ravel())
    keep = sizes >= max(min_roi_size, 1)
    keep[:1] = False
    if keep[1:].all():
        return labels
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return np.asarray(numbers[labels])


def split_touching(array: npt.ArrayLike, *, min_distance: int) -> LabelImage:
    """Separate touching ROIs by a watershed of the distance to the background.

    Parameters
    ----------
    array : array of shape (M, N)
        Mask, label image or probability map; its foreground is split anew.
    min_distance : int
        Smallest distance in pixels between the centres of two ROIs, at least 1.

    Returns
    -------
    ndarray of shape (M, N), int32

    Raises
    ------
    InputError
        ``min_distance`` below 1, or an unusable array.

    Notes
    -----
    Seeds are the local maxima of the Euclidean distance transform, as in DeepFLaSH (2018).
    """
    if min_distance < 1:
        raise InputError("The distance between ROI centres must be at least 1 pixel.")
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    mask = find_foreground(array)
    if not mask.any():
        return np.zeros(mask.shape, dtype=np.int32)
    components = label_components(mask)
    distance = ndimage.distance_transform_edt(mask)
    peaks = peak_local_max(
        distance, min_distance=min_distance, labels=components, exclude_border=False
    )
    seeds = np.zeros(mask.shape, dtype=bool)
    seeds[tuple(peaks.T)] = True
    return np.asarray(watershed(-distance, label_components(seeds), mask=mask), dtype=np.int32)


def label_components(mask: Mask) -> LabelImage:
    """Find and number the 8-connected components of a mask of shape (M, N) in raster order.

    Parameters
    ----------
    mask : ndarray of shape (M, N), bool

    Returns
    -------
    ndarray of shape (M, N), int32
        Label image.
    """
    from scipy import ndimage

    labels, _ = ndimage.label(mask, structure=_EIGHT_CONNECTED, output=np.int32)
    return np.asarray(labels)


def number_labels(values: npt.NDArray[Any]) -> LabelImage:
    """Return an integer label image (M, N) as int32, renumbered only if its labels are huge.

    Parameters
    ----------
    values : array of shape (M, N), integer
        Not negative.

    Returns
    -------
    ndarray of shape (M, N), int32
        Label image.
    """
    if int(values.max(initial=0)) <= _SPARSE_NUMBERS * values.size:
        return values.astype(np.int32)
    present, inverse = np.unique(values, return_inverse=True)
    shift = 0 if present[0] == 0 else 1
    return np.asarray(inverse.reshape(values.shape) + shift, dtype=np.int32)


def check_plane(array: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return ``array`` as an ndarray of shape (M, N) of a kind that can hold ROIs.

    Parameters
    ----------
    array : array of shape (M, N)

    Returns
    -------
    ndarray of shape (M, N)
        The same values.

    Raises
    ------
    InputError
        Not two-dimensional, or neither boolean, integer nor floating point.
    """
    try:
        values = np.asarray(array)
    except ValueError as error:
        raise InputError(
            "Lists of different lengths are not one plane of rows and columns. Give all rows the "
            "same length.",
            code="invalid_image",
        ) from error
    if values.ndim != 2:
        raise InputError(
            f"An array of shape {values.shape} is not one plane of rows and columns. "
            "Choose one plane and one channel.",
            code="invalid_image",
        )
    if values.dtype.kind not in "buif":
        raise InputError(
            f"An array of type {values.dtype} holds no mask, labels or probabilities. "
            "Use boolean, integer or floating point numbers.",
            code="invalid_image",
        )
    if values.dtype.kind == "i" and values.size and values.min() < 0:
        raise InputError(
            f"A label image holds the negative number {values.min()}. "
            "Use 0 for background and positive numbers for ROIs.",
            code="invalid_image",
        )
    return values


def is_mask(values: npt.NDArray[Any]) -> bool:
    """Tell whether an array is boolean or an integer image with at most two values.

    An int32 image, the type of our label images, is no mask unless it has background.

    Parameters
    ----------
    values : array of shape (M, N)

    Returns
    -------
    bool
    """
    if values.dtype.kind not in "ui" or values.size == 0:
        return values.dtype.kind != "f"
    low, high = values.min(), values.max()
    if values.dtype == np.int32 and low > 0:
        return False
    return bool(((values == low) | (values == high)).all())


def _number_rois(values: npt.NDArray[Any], threshold: float) -> LabelImage:
    if values.dtype.kind == "f" or is_mask(values):
        return label_components(find_foreground(values, threshold=threshold))
    return number_labels(values)


def _label_as_original(mask: Mask, min_roi_size: int) -> LabelImage:
    from skimage.segmentation import clear_border

    if not mask.any():
        return np.zeros(mask.shape, dtype=np.int32)
    min_distance = max(1, int(np.ceil(np.sqrt(min_roi_size / np.pi))))
    return np.asarray(clear_border(split_touching(mask, min_distance=min_distance)))
