"""Tables of ROI measurements, with the columns and definitions of ImageJ."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.outlines import trace_outlines
from deepflash_service.core.overlaps import check_same_shape
from deepflash_service.records import Calibration

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from deepflash_service.records import LabelImage, ProbabilityMap

    Floats = npt.NDArray[np.float64]

MILLIMETRES = {
    "mm": 1.0, "millimeter": 1.0, "millimetre": 1.0,
    "um": 1e-3, "µm": 1e-3, "μm": 1e-3, "micron": 1e-3, "microns": 1e-3, "\\u00B5m": 1e-3,
    "micrometer": 1e-3, "micrometre": 1e-3, "nm": 1e-6, "cm": 10.0,
}  # fmt: skip
"""Length of the units that microscopes write, in millimetres."""


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
        ImageJ gives to a traced outline.

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    import pandas as pd

    scale = calibration or Calibration()
    numbers, areas, rows, columns = _measure_places(labels)
    area = areas * scale.pixel_width * scale.pixel_height
    mean, low, high = _measure_intensities(labels, image, numbers=numbers)
    names = [f"roi-{number:04d}" for number in numbers]
    return pd.DataFrame(
        {
            "Image": "",
            "ROI": pd.Series(names, dtype=object),
            "Class": "roi",
            "C": 0,
            "Z": 0,
            "T": 0,
            f"Area ({scale.unit}^2)": area,
            "Area px": areas,
            "X": columns * scale.pixel_width,
            "Y": rows * scale.pixel_height,
            "Mean": mean,
            "Min": low,
            "Max": high,
            "IntDen": area * mean,
            "Circularity": _find_circularity(labels, numbers, areas),
            "Probability": _measure_intensities(labels, probability, numbers=numbers)[0],
            "Model": "",
            "Threshold": math.nan,
        }
    )


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
    scale = calibration or Calibration()
    numbers, areas, _, _ = _measure_places(labels)
    area = np.asarray(areas * scale.pixel_width * scale.pixel_height, dtype=np.float64)
    field = labels.size * scale.pixel_width * scale.pixel_height
    square_millimetres = field * MILLIMETRES.get(scale.unit, math.nan) ** 2
    mean, _, _ = _measure_intensities(labels, image, numbers=numbers)
    chance, _, _ = _measure_intensities(labels, probability, numbers=numbers)
    return {
        "ROIs": int(numbers.size),
        "ROIs per mm^2": numbers.size / square_millimetres if field else math.nan,
        f"Image area ({scale.unit}^2)": field,
        f"ROI area ({scale.unit}^2)": float(area.sum()),
        "ROI area %": 100 * float(area.sum()) / field if field else math.nan,
        f"Mean area ({scale.unit}^2)": _mean(area),
        "Mean of means": _mean(mean),
        "Mean IntDen": _mean(area * mean),
        "Mean probability": _mean(chance),
    }


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


def _find_circularity(
    labels: LabelImage, numbers: npt.NDArray[np.int64], areas: npt.NDArray[np.int64]
) -> Floats:
    outlines = trace_outlines(labels)
    lengths = np.bincount(outlines.labels, weights=outlines.find_lengths())[numbers]
    return np.asarray(np.minimum(4 * np.pi * areas / lengths**2, 1.0))


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if values.size else math.nan
