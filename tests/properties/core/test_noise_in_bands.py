"""The noise of an image is the same number however it is divided into bands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from deepflash_service.core import noise
from deepflash_service.core.bands import plan_bands
from deepflash_service.core.noise import NoiseMeter, measure_noise


@given(
    seed=st.integers(0, 10_000),
    columns=st.integers(1, 300),
    cuts=st.lists(st.integers(0, 40), max_size=4),
    dtype=st.sampled_from(["uint8", "uint16", "float32", "float64"]),
)
def test_bands_give_the_same_number(seed: int, columns: int, cuts: list[int], dtype: str) -> None:
    """Any bands of whole rows give the noise of the whole image, bit for bit."""
    image = (100 * np.random.default_rng(seed).random((40, columns))).astype(dtype)
    meter = NoiseMeter()
    for band in np.split(image, sorted(cuts)):
        meter.add(band)
    whole = NoiseMeter()
    whole.add(image)
    assert meter.find_sigma() == whole.find_sigma() == measure_noise(image)
    assert meter.find_smooth() == whole.find_smooth()


@given(seed=st.integers(0, 10_000), factor=st.sampled_from([2.0**-8, 16.0, 257.0, 1e-3]))
def test_noise_scales_with_the_light(seed: int, factor: float) -> None:
    """Twice the gain is twice the noise; an offset changes nothing."""
    image = np.random.default_rng(seed).integers(0, 255, (30, 50)).astype(np.float64)
    sigma = measure_noise(image)
    assert measure_noise(factor * image) == pytest.approx(factor * sigma, rel=1e-9)
    assert measure_noise(image + 1000) == pytest.approx(sigma, rel=1e-9)


@pytest.mark.parametrize("sigma", [0.5, 5.0, 300.0])
def test_standard_deviation_is_found(sigma: float) -> None:
    """Gaussian noise on a slope and large soft blobs is measured within 3 percent."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:400, :400]
    scene = 10 * sigma * np.sin(rows / 15) * np.sin(columns / 15) + 0.5 * sigma * columns
    found = measure_noise(scene + rng.normal(0, sigma, scene.shape))
    assert found == pytest.approx(sigma, rel=0.03)


def test_smooth_noise_is_found_apart() -> None:
    """Blurred noise hardly differs between neighbours, but between pixels farther apart."""
    rng = np.random.default_rng(0)
    meter, both = NoiseMeter(), NoiseMeter()
    blurred = ndimage.gaussian_filter(rng.normal(0, 1, (400, 400)), 1.5)
    blurred *= 5 / blurred.std()
    meter.add(blurred)
    assert meter.find_sigma() < 1
    assert meter.find_smooth() == pytest.approx(5, rel=0.03)
    both.add(blurred + rng.normal(0, 5, blurred.shape))
    assert both.find_sigma() == pytest.approx(5, rel=0.03)
    assert both.find_smooth() == pytest.approx(5, rel=0.04)
    white = NoiseMeter()
    white.add(rng.normal(0, 5, (400, 400)))
    assert white.find_smooth() < 1


def test_large_images_are_measured_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The division that saves memory does not show in the result."""
    image = np.random.default_rng(1).random((90, 70)).astype(np.float32)
    whole = measure_noise(image)
    monkeypatch.setattr(noise, "plan_bands", lambda shape, values: plan_bands(shape, values=100))
    assert measure_noise(image) == whole


def test_nothing_to_compare_is_no_noise() -> None:
    """Two columns, or none, have no second difference."""
    assert measure_noise(np.ones((5, 2))) == 0.0
    assert NoiseMeter().find_sigma() == 0.0
    narrow = NoiseMeter()
    narrow.add(np.random.default_rng(0).random((50, 16)))
    assert narrow.find_sigma() > 0
    assert narrow.find_smooth() == 0.0
