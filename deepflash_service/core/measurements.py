"""Tables of ROI measurements, with the columns and definitions of ImageJ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.outlines import trace_outlines
from deepflash_service.core.overlaps import check_same_shape
from deepflash_service.core.roi_tables import RoiFacts, sum_up_rois, tabulate_rois

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from deepflash_service.core.outlines import Outlines
    from deepflash_service.records import Calibration, LabelImage, ProbabilityMap

    Floats = npt.NDArray[np.float64]


def measure_rois(
    labels: LabelImage,
    image: npt.ArrayLike | None = None,
    *,
    probability: ProbabilityMap | None = None,
    calibration: Calibration | None = None,
) -> pd.DataFrame:
    """Measure every ROI of a label image.

    Parameters
    ----------
    labels : ndarray of shape (M, N), int32
    image : array of shape (M, N), optional
        Intensities; without it Mean, Min, Max and IntDen are empty.
    probability : ndarray of shape (M, N), optional
        Probability map; Probability is its mean in the ROI.
    calibration : Calibration, optional
        Pixel size; areas and centroids are in its unit.

    Returns
    -------
    pandas.DataFrame
        One row for each ROI, in the order of the labels. Image, Class, C, Z, T, Model and Threshold
        hold placeholders for the caller to assign. Area and centroid (X to the right, Y
        down, from the upper left corner of the image) are calibrated; IntDen is area times mean;
        Circularity is 4 pi area / perimeter^2 in pixels, at most 1, with the perimeter that
        ImageJ gives to a traced outline; Border is 1 where the ROI touches the border of the
        image.

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    facts = _measure_facts(labels, image, probability)
    lengths = measure_lengths(trace_outlines(labels), facts.numbers)
    facts = replace(facts, lengths=lengths)
    return tabulate_rois(facts, calibration=calibration)


def measure_lengths(outlines: Outlines, numbers: npt.NDArray[np.int64]) -> Floats:
    """Return the perimeter of ROIs in pixels as ImageJ gives it to a traced outline.

    Parameters
    ----------
    outlines : Outlines
        All loops of the ROIs.
    numbers : ndarray of shape (K,)
        Their labels, rising.

    Returns
    -------
    ndarray of shape (K,), float64
    """
    places = np.searchsorted(numbers, outlines.labels)
    sums = np.bincount(places, weights=outlines.find_lengths(), minlength=numbers.size)
    return np.asarray(sums, dtype=np.float64)


def rate_rois(labels: LabelImage, probability: ProbabilityMap) -> Floats:
    """Return the mean probability of each ROI, in the order of the labels.

    Parameters
    ----------
    labels : ndarray of shape (M, N), int32
    probability : ndarray of shape (M, N)

    Returns
    -------
    ndarray of shape (K,), float64
        Between 0 and 1.

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    return _measure_intensities(labels, probability, numbers=_measure_places(labels)[0])[0]


def summarize_image(
    labels: LabelImage,
    image: npt.ArrayLike | None = None,
    *,
    probability: ProbabilityMap | None = None,
    calibration: Calibration | None = None,
) -> dict[str, float]:
    """Sum up the ROIs of one image in one row of a table.

    Parameters
    ----------
    labels : ndarray of shape (M, N), int32
    image : array of shape (M, N), optional
        Intensities.
    probability : ndarray of shape (M, N), optional
        Probability map.
    calibration : Calibration, optional
        Pixel size.

    Returns
    -------
    dict
        Number of ROIs, their density (per mm^2 where the unit is a length, else NaN), the areas of
        image and ROIs, and means over ROIs, which are NaN where there is nothing to average.

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    facts = _measure_facts(labels, image, probability)
    return sum_up_rois(facts, pixels=labels.size, calibration=calibration)


def _measure_facts(
    labels: LabelImage, image: npt.ArrayLike | None, probability: ProbabilityMap | None
) -> RoiFacts:
    numbers, areas, rows, columns = _measure_places(labels)
    means, lows, highs = _measure_intensities(labels, image, numbers=numbers)
    return RoiFacts(
        numbers=numbers,
        areas=areas,
        rows=rows,
        columns=columns,
        means=means,
        lows=lows,
        highs=highs,
        chances=_measure_intensities(labels, probability, numbers=numbers)[0],
        lengths=np.full(numbers.size, np.nan),
        borders=_find_borders(labels, numbers),
    )


def _find_borders(labels: LabelImage, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return 1 for each ROI that touches the border of the image, else 0."""
    edges = (labels[:1], labels[-1:], labels[:, :1], labels[:, -1:])
    touching = np.concatenate([edge.ravel() for edge in edges])
    return np.isin(numbers, touching).astype(np.int64)


def _measure_places(
    labels: LabelImage,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats, Floats]:
    """Return the labels, areas in pixels, and centroids (row, column from the image corner)."""
    rows, columns = np.nonzero(labels)
    own = labels[rows, columns]
    sizes = np.bincount(own)
    numbers = np.flatnonzero(sizes)
    areas = sizes[numbers]
    row = np.bincount(own, weights=rows)[numbers] / areas + 0.5
    column = np.bincount(own, weights=columns)[numbers] / areas + 0.5
    return numbers, areas, row, column


def _measure_intensities(
    labels: LabelImage, image: npt.ArrayLike | None, *, numbers: npt.NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Return mean, minimum and maximum of each ROI; NaN without an image."""
    empty = np.full(numbers.size, np.nan)
    if image is None:
        return empty, empty, empty
    values = np.asarray(image)
    check_same_shape(values, labels)
    inside = labels != 0
    own, levels = labels[inside], values[inside].astype(np.float64)
    length = int(numbers[-1]) + 1 if numbers.size else 0
    low, high = np.full(length, np.inf), np.full(length, -np.inf)
    np.minimum.at(low, own, levels)
    np.maximum.at(high, own, levels)
    sums = np.bincount(own, weights=levels, minlength=length)
    return sums[numbers] / np.bincount(own, minlength=length)[numbers], low[numbers], high[numbers]
