"""Bringing images to another scale and maps back."""

from __future__ import annotations

from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepflash_service.core import bands
from deepflash_service.core.bands import ImageRows
from deepflash_service.core.scaling import (
    Scale,
    compare_scales,
    find_diameter,
    measure_pixel,
    resample,
    resample_bands,
    resample_rows,
)
from deepflash_service.records import Calibration

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def _draw(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


@given(seed=st.integers(0, 999), shape=SHAPES, wanted=SHAPES)
def test_values_stay_in_range_and_the_mean_is_kept(
    seed: int, shape: tuple[int, int], wanted: tuple[int, int]
) -> None:
    """No value leaves the range of the image; shrinking keeps the light, constants stay."""
    image = _draw(seed, *shape)
    found = resample(image, wanted)
    assert found.shape == wanted
    assert found.min() >= image.min() - 1e-5
    assert found.max() <= image.max() + 1e-5
    if wanted[0] <= shape[0] and wanted[1] <= shape[1]:
        assert found.mean() == pytest.approx(image.mean(), abs=1e-4)
    np.testing.assert_allclose(resample(np.full(shape, 7), wanted), 7, rtol=1e-5)


@given(
    seed=st.integers(0, 999), shape=SHAPES, wanted=SHAPES, cuts=st.lists(st.integers(0, 40)),
    maps=st.integers(0, 2),
)  # fmt: skip
def test_bands_give_the_whole(
    seed: int, shape: tuple[int, int], wanted: tuple[int, int], cuts: list[int], maps: int
) -> None:
    """Read by rows, or brought back in bands after a false start, all is as in one go."""
    image = _draw(seed, *shape)
    whole = resample(image, wanted)
    with mock.patch.object(bands, "BAND_VALUES", 100):
        np.testing.assert_array_equal(resample(image, wanted), whole)
    source = ImageRows.of(image)
    rows = resample_rows(source, wanted)
    for start in range(wanted[0]):
        found = np.asarray(rows.read(start, start + 1))
        np.testing.assert_array_equal(found.reshape(1, -1), whole[start : start + 1])
    stack = np.stack([image] * maps) if maps else image
    ends = [0, *sorted({min(cut, shape[0]) for cut in cuts} - {0}), shape[0]]
    pairs = [(a, stack[..., a:b, :]) for a, b in pairwise(ends) if b > a]
    limit = seed % 2 * 100 or bands.BAND_VALUES
    with mock.patch.object(bands, "BAND_VALUES", limit):
        found_bands = list(resample_bands([pairs[0], *pairs], shape, wanted))
    expected = whole if not maps else np.stack([whole] * maps)
    result, following = np.zeros_like(expected), 0
    for start, band in found_bands:
        assert start in {0, following}
        result[..., start : start + band.shape[-2], :] = band
        following = start + band.shape[-2]
    assert following == wanted[0]
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("columns", [50, 4000])
@pytest.mark.parametrize("maps", [1, 2])
def test_memory_is_bounded_however_much_is_shrunk(columns: int, maps: int) -> None:
    """No more than a band of the source is read at once, and none larger comes back."""
    most = 20 * columns * maps
    shape, small = (900, columns), (90, columns // 10)
    sizes: list[int] = []

    def read(start: int, stop: int) -> np.ndarray:
        sizes.append(stop - start)
        return np.ones((stop - start, columns, maps), np.float32)

    with mock.patch.object(bands, "BAND_VALUES", most):
        rows = resample_rows(ImageRows(shape, maps, read), small)
        assert rows.read(3, 90).shape == (87, columns // 10, maps)
        back = resample_bands([(0, np.ones((maps, *small), np.float32))], small, shape)
        assert max(band.size for _, band in back) <= most
    assert sum(sizes) == 870
    assert max(sizes) * columns * maps <= most


@given(factor=st.floats(1.1, 4.0), seed=st.integers(0, 99))
def test_there_and_back(factor: float, seed: int) -> None:
    """A smooth image survives enlarging and shrinking, in place and in value."""
    rows, columns = np.mgrid[:60, :50] / 12
    image = np.sin(rows + seed) * np.cos(columns)
    larger = resample(image, Scale(factor, factor).fit((60, 50)))
    np.testing.assert_allclose(resample(larger, (60, 50)), image, atol=0.02)


def test_shrinking_averages_what_a_pixel_covers() -> None:
    """Two by two pixels become their mean; three become two with shared middle."""
    image = np.arange(16.0).reshape(4, 4)
    np.testing.assert_allclose(resample(image, (2, 2)), [[2.5, 4.5], [10.5, 12.5]])
    np.testing.assert_allclose(resample(np.array([[0.0, 3.0, 6.0]]), (1, 2)), [[1.0, 5.0]])


def test_axes_are_scaled_apart() -> None:
    """One axis may grow while the other shrinks; channels stay apart."""
    image = np.stack([np.tile(np.arange(8.0), (5, 1)), np.ones((5, 8))], axis=-1)
    found = resample(image, (10, 4))
    np.testing.assert_allclose(found[..., 0], np.tile([0.5, 2.5, 4.5, 6.5], (10, 1)))
    np.testing.assert_allclose(found[..., 1], 1)


@pytest.mark.parametrize(
    ("size", "unit"),
    [(0.5, "µm"), (0.5, "micron"), (0.5, "um"), (0.5, "\\u00B5m"), (0.5, "μm"), (500, "nm"),
     (5e-4, "mm"), (5e-5, "cm"), (0.5, "micrometre")],
)  # fmt: skip
def test_units_of_length(size: float, unit: str) -> None:
    """Every spelling and every unit gives the same micrometres."""
    found = measure_pixel(Calibration(pixel_width=size, pixel_height=2 * size, unit=unit))
    assert found == pytest.approx((1.0, 0.5))


@pytest.mark.parametrize("calibration", [
    Calibration(), Calibration(unit="furlong"), Calibration(pixel_width=0, unit="µm"),
    Calibration(pixel_height=float("inf"), unit="µm"),
    Calibration(pixel_width=1 / 600, pixel_height=1 / 600, unit="inch"),
    Calibration(pixel_width=0.051, pixel_height=0.051, unit="mm"),
    Calibration(pixel_width=1, pixel_height=51, unit="µm"),
])  # fmt: skip
def test_no_length_is_no_scale(calibration: Calibration) -> None:
    """What tells no length, or how large to print a pixel, cannot be compared."""
    known = Calibration(pixel_width=1, pixel_height=1, unit="µm")
    assert measure_pixel(calibration) is None
    assert compare_scales(calibration, known) is None
    assert compare_scales(known, calibration) is None


def test_scales_are_compared() -> None:
    """Pixels twice as large as in training need twice as many pixels."""
    image = Calibration(pixel_width=0.62, pixel_height=1.24, unit="µm")
    scale = compare_scales(image, Calibration(pixel_width=620, pixel_height=620, unit="nm"))
    assert scale is not None
    assert (scale.rows, scale.columns) == pytest.approx((2.0, 1.0))
    assert scale.area == pytest.approx(2.0)
    assert scale.fit((10, 11)) == (20, 11)
    assert not scale.is_close
    assert Scale(1.09, 0.92).is_close
    assert Scale(0.5, 1.0).largest_factor == 2.0


def test_diameters() -> None:
    """The diameter of the median area; none without ROIs."""
    assert find_diameter(np.array([np.pi, np.pi, 100])) == pytest.approx(2.0)
    assert find_diameter(np.zeros(0)) == 0.0
