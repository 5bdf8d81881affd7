"""Tables of measured ROIs, with the columns of ImageJ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.records import Calibration

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]

MILLIMETRES = {
    "mm": 1.0, "millimeter": 1.0, "millimetre": 1.0,
    "um": 1e-3, "µm": 1e-3, "μm": 1e-3, "micron": 1e-3, "microns": 1e-3, "\\u00B5m": 1e-3,
    "micrometer": 1e-3, "micrometre": 1e-3, "nm": 1e-6, "cm": 10.0, "inch": 25.4,
}  # fmt: skip
"""Length of the units that microscopes write, in millimetres."""


@dataclass(frozen=True, slots=True)
class RoiFacts:
    """What is measured of K ROIs, in pixels and raw intensities.

    Attributes
    ----------
    numbers, areas : ndarray of shape (K,), int64
        Labels, rising, and areas.
    rows, columns : ndarray of shape (K,), float64
        Centroids from the upper left corner of the image.
    means, lows, highs, chances : ndarray of shape (K,), float64
        Mean, minimum and maximum intensity, mean probability; NaN where unknown.
    lengths : ndarray of shape (K,), float64
        Perimeters as ImageJ gives them to traced outlines; NaN where unknown.
    borders : ndarray of shape (K,), int64
        1 where the ROI touches the border of the image, so that part of it may be missing.
    """

    numbers: npt.NDArray[np.int64]
    areas: npt.NDArray[np.int64]
    rows: Floats
    columns: Floats
    means: Floats
    lows: Floats
    highs: Floats
    chances: Floats
    lengths: Floats
    borders: npt.NDArray[np.int64]


def tabulate_rois(facts: RoiFacts, *, calibration: Calibration | None = None) -> pd.DataFrame:
    """Return measured ROIs as a table.

    Parameters
    ----------
    facts : RoiFacts
        What was measured in pixels.
    calibration : Calibration, optional
        Pixel size; areas and centroids are in its unit.

    Returns
    -------
    pandas.DataFrame
        As :func:`deepflash_service.core.measurements.measure_rois`.
    """
    import pandas as pd

    scale = calibration or Calibration()
    area = facts.areas * scale.pixel_width * scale.pixel_height
    names = [f"roi-{number:04d}" for number in facts.numbers]
    return pd.DataFrame(
        {
            "Image": "",
            "ROI": pd.Series(names, dtype=object),
            "Class": "roi",
            "C": 0,
            "Z": 0,
            "T": 0,
            f"Area ({scale.unit}^2)": area,
            "Area px": facts.areas,
            "X": facts.columns * scale.pixel_width,
            "Y": facts.rows * scale.pixel_height,
            "Mean": facts.means,
            "Min": facts.lows,
            "Max": facts.highs,
            "IntDen": area * facts.means,
            "Circularity": np.minimum(4 * np.pi * facts.areas / facts.lengths**2, 1.0),
            "Probability": facts.chances,
            "Model": "",
            "Threshold": math.nan,
            "Border": facts.borders,
        }
    )


def sum_up_rois(
    facts: RoiFacts, *, pixels: int, calibration: Calibration | None = None
) -> dict[str, float]:
    """Sum up measured ROIs of one image in one row of a table.

    Parameters
    ----------
    facts : RoiFacts
        What was measured in pixels.
    pixels : int
        Size of the image.
    calibration : Calibration, optional
        Pixel size.

    Returns
    -------
    dict
        As :func:`deepflash_service.core.measurements.summarize_image`.
    """
    scale = calibration or Calibration()
    area = np.asarray(facts.areas * scale.pixel_width * scale.pixel_height, dtype=np.float64)
    field = pixels * scale.pixel_width * scale.pixel_height
    square_millimetres = field * MILLIMETRES.get(scale.unit, math.nan) ** 2
    return {
        "ROIs": int(facts.numbers.size),
        "ROIs per mm^2": facts.numbers.size / square_millimetres if field else math.nan,
        f"Image area ({scale.unit}^2)": field,
        f"ROI area ({scale.unit}^2)": float(area.sum()),
        "ROI area %": 100 * float(area.sum()) / field if field else math.nan,
        f"Mean area ({scale.unit}^2)": _mean(area),
        "Mean of means": _mean(facts.means),
        "Mean IntDen": _mean(area * facts.means),
        "Mean probability": _mean(facts.chances),
    }


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if values.size else math.nan
