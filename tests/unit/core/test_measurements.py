"""Tables: columns, units and definitions of ImageJ."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from deepflash_service.core.measurements import measure_rois, rate_rois, summarize_image
from deepflash_service.errors import InputError
from deepflash_service.records import Calibration

if TYPE_CHECKING:
    from deepflash_service.records import LabelImage

LABELS = np.array([[1, 1, 0, 0], [1, 1, 0, 4], [0, 0, 0, 4]], dtype=np.int32)
IMAGE = np.arange(12, dtype=np.uint16).reshape(3, 4)
HALF_MICRON = Calibration(pixel_width=0.5, pixel_height=0.25, unit="µm")
COLUMNS = [
    *("Image", "ROI", "Class", "C", "Z", "T", "Area (µm^2)", "Area px", "X", "Y", "Mean", "Min"),
    *("Max", "IntDen", "Circularity", "Probability", "Model", "Threshold"),
    "Border",
]


def test_columns_are_those_of_the_fiji_table() -> None:
    """One row per ROI, named by its label."""
    table = measure_rois(LABELS, IMAGE, calibration=HALF_MICRON)
    assert list(table.columns) == COLUMNS
    assert table["ROI"].tolist() == ["roi-0001", "roi-0004"]


def test_rois_at_the_border_are_flagged() -> None:
    """Part of an ROI at any side of the image may be missing, one inside is whole."""
    labels = np.zeros((7, 9), dtype=np.int32)
    labels[0, 4], labels[6, 4], labels[3, 0], labels[3, 8], labels[3, 4] = 1, 2, 3, 4, 5
    assert measure_rois(labels)["Border"].tolist() == [1, 1, 1, 1, 0]


def test_values_follow_imagej() -> None:
    """Centroids at pixel centres, calibrated areas, IntDen = area x mean."""
    table = measure_rois(
        LABELS, IMAGE, probability=(IMAGE / 20).astype(np.float32), calibration=HALF_MICRON
    )
    assert table["Area px"].tolist() == [4, 2]
    assert table["Area (µm^2)"].tolist() == [0.5, 0.25]
    assert table["X"].tolist() == [0.5, 1.75]
    assert table["Y"].tolist() == [0.25, 0.5]
    assert table["Mean"].tolist() == [2.5, 9.0]
    assert (table["Min"].tolist(), table["Max"].tolist()) == ([0, 7], [5, 11])
    assert table["IntDen"].tolist() == [1.25, 2.25]
    assert table["Probability"].tolist() == pytest.approx([0.125, 0.45])


def test_without_an_image_intensities_are_empty() -> None:
    """Not known is NaN, not zero."""
    table = measure_rois(LABELS)
    assert table[["Mean", "Min", "Max", "IntDen", "Probability"]].isna().all(axis=None)
    assert "Area (pixel^2)" in table


def test_circularity_uses_the_traced_perimeter_of_imagej() -> None:
    """Perimeters that ImageJ 1.54p gives: 2 x 2 square 5.657, 5 x 3 rectangle 13.657, plus 5.657.

    A corner shortens the outline by 2 - sqrt(2), but of two corners one pixel apart only one.
    """
    diagonal = math.sqrt(2)
    square = np.pad(np.ones((2, 2), np.int32), 1)
    perimeter = 8 - 4 * (2 - diagonal)
    expected = min(1.0, 4 * math.pi * 4 / perimeter**2)
    assert measure_rois(square)["Circularity"][0] == pytest.approx(expected)
    plus = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.int32)
    expected = min(1.0, 4 * math.pi * 5 / (12 - 6 * (2 - diagonal)) ** 2)
    assert measure_rois(plus)["Circularity"][0] == pytest.approx(expected)
    line = np.ones((1, 40), dtype=np.int32)
    assert measure_rois(line)["Circularity"][0] < 0.1


def test_empty_images_have_empty_tables() -> None:
    """No ROI, no row, and still all columns."""
    empty = np.zeros((3, 4), dtype=np.int32)
    table = measure_rois(empty, IMAGE)
    assert table.shape == (0, len(COLUMNS))
    assert rate_rois(empty, np.zeros((3, 4), dtype=np.float32)).size == 0
    row = summarize_image(empty, IMAGE)
    assert row["ROIs"] == 0
    assert math.isnan(row["Mean of means"])
    assert row["ROI area %"] == 0
    assert math.isnan(summarize_image(np.zeros((0, 4), dtype=np.int32))["ROI area %"])


def test_summary_of_an_image() -> None:
    """Counts, densities per square millimetre, areas and means."""
    row = summarize_image(
        LABELS, IMAGE, probability=(IMAGE / 20).astype(np.float32), calibration=HALF_MICRON
    )
    assert row["ROIs"] == 2
    assert row["Image area (µm^2)"] == 1.5
    assert row["ROIs per mm^2"] == pytest.approx(2 / 1.5e-6)
    assert row["ROI area (µm^2)"] == 0.75
    assert row["ROI area %"] == 50
    assert row["Mean of means"] == 5.75
    assert row["Mean probability"] == pytest.approx(0.2875)
    assert math.isnan(summarize_image(LABELS)["ROIs per mm^2"])


def test_probability_of_each_roi(cells: LabelImage) -> None:
    """The mean of the map in each ROI, in the order of the labels."""
    probability = (cells / cells.max()).astype(np.float32)
    numbers = np.unique(cells)[1:]
    np.testing.assert_allclose(rate_rois(cells, probability), numbers / cells.max(), rtol=1e-6)


def test_images_of_other_sizes_are_refused() -> None:
    """Labels and image must belong together."""
    with pytest.raises(InputError):
        measure_rois(LABELS, IMAGE.T)
