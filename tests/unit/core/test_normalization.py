"""Normalisation: same light, same result."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.normalization import measure_range, normalize
from deepflash_service.errors import InputError


def _make_image() -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.gamma(2.0, 20.0, (60, 80)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("dtype", "factor"),
    [(np.uint16, 16), (np.uint16, 257), (np.float32, 1 / 255), (np.float64, 1e6)],
)
def test_bit_depth_does_not_matter(dtype: type, factor: float) -> None:
    """The same light in another type gives the same normalised image."""
    image = _make_image()
    scaled: np.ndarray = (image.astype(np.float64) * factor).astype(dtype)
    np.testing.assert_allclose(normalize(scaled), normalize(image), atol=1e-5)


def test_percentiles_become_zero_and_one() -> None:
    """Percentile 1 maps to 0 and percentile 99.8 to 1."""
    image = np.arange(10_000, dtype=np.float32).reshape(100, 100)
    result = normalize(image)
    low, high = np.percentile(result, [1.0, 99.8])
    assert low == pytest.approx(0.0, abs=1e-4)
    assert high == pytest.approx(1.0, abs=1e-4)
    assert result.dtype == np.float32


def test_range_is_p998_minus_p1() -> None:
    """The range is measured in raw units."""
    image = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    assert measure_range(image) == pytest.approx(9999 * 0.988, abs=1.0)


@pytest.mark.parametrize("sigma", [0.01, 1, 5, 1000])
def test_noise_is_not_stretched(sigma: float) -> None:
    """Noise of any strength stays below two thirds of the range, a bright cell does not."""
    image = np.random.default_rng(2).normal(20, sigma, (256, 256))
    assert np.percentile(normalize(image), 99.8) == pytest.approx(5.2 / 6.5, abs=0.02)
    image[40:60, 40:60] += 40 * sigma
    assert np.percentile(normalize(image), 99.8) == pytest.approx(1.0, abs=1e-4)


def test_values_are_clipped() -> None:
    """A single glaring pixel cannot exceed 3."""
    image = np.random.default_rng(3).normal(100, 1, (64, 64))
    image[0, 0], image[0, 1] = 1e6, -1e6
    result = normalize(image)
    assert result.max() == pytest.approx(3.0)
    assert result.min() == pytest.approx(-0.5)


def test_constant_image_is_zero() -> None:
    """A constant image becomes zeros, not NaN."""
    assert not normalize(np.full((5, 5), 7, dtype=np.uint8)).any()
    assert measure_range(np.full((5, 5), 7, dtype=np.uint8)) == 0.0


def test_channels_are_normalised_apart() -> None:
    """Each channel has its own percentiles."""
    image = _make_image().astype(np.float32)
    both = normalize(np.stack([image, 1000 * image], axis=-1))
    np.testing.assert_allclose(both[..., 0], both[..., 1], atol=1e-5)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 3)),
        np.zeros(4),
        np.zeros((2, 2, 2, 2)),
        np.array([[np.nan, 1.0]]),
        np.zeros((2, 2), dtype=complex),
    ],
)
def test_unusable_images_are_refused(image: np.ndarray) -> None:
    """Wrong shapes, types and values end in a sentence with a code."""
    for function in (normalize, measure_range):
        with pytest.raises(InputError) as caught:
            function(image)
        assert caught.value.code == "invalid_image"
