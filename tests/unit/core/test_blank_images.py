"""Blank images of any kind of noise stay dark; images of cells are stretched as before."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Picture
from scipy import ndimage

from benchmarks.accuracy_blank import make_blanks
from deepflash_service.core.noise import NoiseMeter
from deepflash_service.core.normalization import (
    MARKS,
    NOISE_FLOOR,
    PERCENTILES,
    choose_stretch,
    measure_stretches,
    normalize,
)
from deepflash_service.core.percentiles import stream_percentiles
from deepflash_service.store.images import list_images, read_image

Plane = npt.NDArray[Any]
BLANKS = make_blanks()
SETS = ("lab-wue1", "lab-wue1-parv", "lab-mue", "lab-inns1", "dsb2018", "bbbc039")


def _measure_usual(plane: Plane) -> float:
    """Return the span of an image that is not blank."""
    low, high = np.percentile(plane.astype(np.float32), PERCENTILES)
    noise = NoiseMeter()
    noise.add(plane)
    return max(float(high - low), NOISE_FLOOR * noise.find_sigma())


def _draw_cells(*, radius: int, cover: float) -> Plane:
    """Return a field of 512 x 512 of round nuclei of one size on a flat background."""
    rng = np.random.default_rng(0)
    edge = np.arange(-radius - 1, radius + 2)
    disc = edge[:, np.newaxis] ** 2 + edge**2 <= radius**2
    scene = np.zeros((512, 512))
    while np.count_nonzero(scene) < cover * scene.size:
        row, column = rng.integers(0, 512 - disc.shape[0], 2)
        part = scene[row : row + disc.shape[0], column : column + disc.shape[0]]
        np.maximum(part, (1 + 0.3 * rng.normal()) * disc, out=part)
    scene = 20 + 150 * ndimage.gaussian_filter(scene, 1) + rng.normal(0, 4, scene.shape)
    clipped: Plane = np.clip(np.rint(scene), 0, 255)
    return clipped.astype(np.uint8)


@pytest.mark.parametrize("name", sorted(set(BLANKS) - {"zeros"}))
def test_blank_images_stay_dark(name: str) -> None:
    """Independent noise ends at four fifths; noise that looks like cells at three tenths."""
    shown = normalize(BLANKS[name])
    noise = NoiseMeter()
    noise.add(BLANKS[name])
    is_smooth = noise.find_smooth() > noise.find_sigma()
    assert is_smooth == (name not in {"noise", "poisson"})
    assert np.percentile(shown, 99.8) < (0.3 if is_smooth else 0.85)


@pytest.mark.parametrize("radius", [3, 5, 8])
@pytest.mark.parametrize("cover", [0.02, 0.1, 0.3, 0.5])
def test_crowded_cells_are_no_noise(radius: int, cover: float) -> None:
    """Pixels 8 apart differ much among small cells, as in noise, but the background is flat."""
    cells = _draw_cells(radius=radius, cover=cover)
    assert measure_stretches(cells)[0][1] == pytest.approx(_measure_usual(cells), rel=1e-6)


def test_few_cells_on_smooth_noise_are_shown() -> None:
    """One bright cell in a blurred image of a million pixels is no tail of the noise."""
    image = BLANKS["blurred-1"].astype(np.float32)
    distance = np.hypot(*(np.mgrid[:1024, :1024] - 512))
    image += 100 * np.exp(-((distance / 7) ** 2))
    assert measure_stretches(image)[0][1] == pytest.approx(_measure_usual(image), rel=1e-6)


def test_each_channel_is_judged_alone() -> None:
    """A blank channel beside one of cells is dark, and hides nothing in the other."""
    cells, blank = _draw_cells(radius=6, cover=0.1), BLANKS["blurred-2"][:512, :512]
    both = measure_stretches(np.stack([cells, blank], axis=-1))
    assert both == [measure_stretches(cells)[0], measure_stretches(blank)[0]]
    assert both[1][1] > 3 * _measure_usual(blank)


@pytest.mark.parametrize("factor", [16, 257, 1 / 255])
def test_bit_depth_does_not_matter(factor: float) -> None:
    """A blurred blank is as dark in any type."""
    blank = BLANKS["blurred-1"].astype(np.float32)
    np.testing.assert_allclose(normalize(factor * blank), normalize(blank), atol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_bands_are_stretched_alike(dtype: str) -> None:
    """An image that comes by rows gets the very same span."""
    image = BLANKS["median-3x3"].astype(dtype)
    bands, noise = np.array_split(image, 7), NoiseMeter()
    for band in bands:
        noise.add(band)
    assert (
        choose_stretch(stream_percentiles(lambda: bands, MARKS), noise)
        == (measure_stretches(image)[0])
    )


@pytest.mark.data
def test_real_images_are_stretched_as_before(shared_data: Path) -> None:
    """No image of the shared sets is taken for noise, nor when it was filtered or saved as JPEG."""
    for path in (path for name in SETS for path in list_images(shared_data / name / "images")):
        plane = np.asarray(read_image(path).select())
        plane = plane[..., 0] if plane.ndim == 3 else plane
        for kind, image in _process(plane).items():
            found = measure_stretches(image)[0][1]
            assert found == pytest.approx(_measure_usual(image), rel=1e-6), f"{path} {kind}"


def _process(plane: Plane) -> dict[str, Plane]:
    made = {"": plane, "median": ndimage.median_filter(plane, 3)}
    made["blurred"] = np.rint(ndimage.gaussian_filter(plane.astype(np.float32), 1))
    if plane.dtype == np.uint8:
        file = io.BytesIO()
        Picture.fromarray(plane).save(file, "JPEG", quality=75)
        made["jpeg"] = np.asarray(Picture.open(file))
    return made
