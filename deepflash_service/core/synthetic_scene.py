"""What surrounds the simulated nuclei: background, defocused nuclei, neurites, debris, camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from deepflash_service.core.synthetic_shapes import (
    Canvas,
    draw_fibre,
    draw_spot,
    make_smooth_noise,
    place_patch,
)

if TYPE_CHECKING:
    from deepflash_service.records import LabelImage

RawImage = npt.NDArray[np.uint16] | npt.NDArray[np.uint8]

BLUR_SIGMA = 1.1
"""Blur of the microscope, standard deviation in pixels."""

_PHOTONS_BACKGROUND = 15.0
_LEVELS_PER_PHOTON = 15.0
_OFFSET_LEVELS = 90.0
_READ_NOISE_LEVELS = 14.0


def make_background(rng: np.random.Generator, tissue: Canvas) -> Canvas:
    """Make an uneven background: slope, vignette, tissue layer, patches.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    tissue : ndarray of float, shape (M, N)
        Weight of the cell layer.

    Returns
    -------
    ndarray of float, shape (M, N)
        Photons per pixel.
    """
    shape = (tissue.shape[0], tissue.shape[1])
    rows, columns = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    slope = rng.uniform(-0.35, 0.35, 2)
    shade = 1.0 + slope[0] * rows + slope[1] * columns - 0.15 * (rows**2 + columns**2)
    patches = make_smooth_noise(rng, shape, sigma=38.0)
    mottle = make_smooth_noise(rng, shape, sigma=7.0)
    level = shade * (0.85 + 0.9 * tissue) + 0.22 * patches + 0.09 * mottle
    return np.asarray(_PHOTONS_BACKGROUND * np.clip(level, 0.25, None))


def add_defocused_cells(
    scene: Canvas, distractors: LabelImage, *, rng: np.random.Generator, tissue: Canvas
) -> None:
    """Draw nuclei far above or below the focal plane: wide, soft and dim.

    Parameters
    ----------
    scene : ndarray of float, shape (M, N)
        Photons; changed in place.
    distractors : LabelImage, shape (M, N)
        Receives the outline of each of these nuclei; changed in place.
    rng : numpy.random.Generator
        Source of all randomness.
    tissue : ndarray of float, shape (M, N)
        Weight of the cell layer, where the glow is stronger.

    Returns
    -------
    None
        The arrays are changed in place.
    """
    shape = (scene.shape[0], scene.shape[1])
    glow = np.zeros(shape)
    for number in range(1, max(2, round(40 * _measure_area(scene))) + 1):
        spot = draw_spot(rng, radius=rng.uniform(6.0, 9.0))
        corner = int(rng.integers(-20, shape[0] - 44)), int(rng.integers(-20, shape[1] - 44))
        soft = ndimage.gaussian_filter(spot, rng.uniform(3.2, 6.0))
        window, part = place_patch(shape, spot.shape, corner)
        distractors[window][spot[part] > 0] = number
        glow[window] += soft[part] * rng.uniform(7.0, 26.0)
    scene += glow * (0.7 + 0.5 * tissue)


def add_fibres(scene: Canvas, rng: np.random.Generator) -> None:
    """Draw winding neurites.

    Parameters
    ----------
    scene : ndarray of float, shape (M, N)
        Photons; changed in place.
    rng : numpy.random.Generator
        Source of all randomness.

    Returns
    -------
    None
        The arrays are changed in place.
    """
    shape = (scene.shape[0], scene.shape[1])
    for _ in range(max(1, round(rng.integers(5, 10) * _measure_area(scene)))):
        scene += draw_fibre(rng, shape) * rng.uniform(4.0, 13.0)


def add_debris(scene: Canvas, distractors: LabelImage, *, rng: np.random.Generator) -> None:
    """Draw bright specks, and clumps with ragged sharp edges.

    Parameters
    ----------
    scene : ndarray of float, shape (M, N)
        Photons; changed in place.
    distractors : LabelImage, shape (M, N)
        Receives the outline of each clump; changed in place.
    rng : numpy.random.Generator
        Source of all randomness.

    Returns
    -------
    None
        The arrays are changed in place.
    """
    area = _measure_area(scene)
    shape = (scene.shape[0], scene.shape[1])
    specks = np.zeros(shape)
    count = round(rng.integers(90, 200) * area)
    spots = rng.uniform(0, 1, (2, count)) * np.reshape(shape, (2, 1))
    np.add.at(specks, tuple(spots.astype(int)), rng.gamma(0.8, 75.0, count))
    scene += ndimage.gaussian_filter(specks, 0.7)
    first = int(distractors.max()) + 1
    for number in range(first, first + max(1, round(rng.integers(5, 11) * area))):
        clump = np.zeros((33, 33))
        spots = np.clip(np.rint(rng.normal(16, 2.4, (rng.integers(5, 14), 2))), 2, 30).astype(int)
        np.add.at(clump, (spots[:, 0], spots[:, 1]), rng.uniform(0.5, 1.5, len(spots)))
        clump = ndimage.gaussian_filter(clump, 0.85)
        corner = int(rng.integers(-8, shape[0] - 24)), int(rng.integers(-8, shape[1] - 24))
        window, part = place_patch(shape, clump.shape, corner)
        scene[window] += clump[part] * rng.uniform(120.0, 480.0)
        distractors[window][clump[part] > 0.05] = number


def expose(scene: Canvas, rng: np.random.Generator, *, bits: Literal[8, 12]) -> RawImage:
    """Turn photons into camera levels with photon noise, offset and read noise.

    Parameters
    ----------
    scene : ndarray of float, shape (M, N)
        Expected photons per pixel.
    rng : numpy.random.Generator
        Source of all randomness.
    bits : {8, 12}
        12 gives uint16 up to 4095, 8 gives uint8.

    Returns
    -------
    ndarray of uint16 or uint8, shape (M, N)
        The picture.
    """
    levels = rng.poisson(np.clip(scene, 0, None)) * _LEVELS_PER_PHOTON + _OFFSET_LEVELS
    levels = levels + rng.normal(0.0, _READ_NOISE_LEVELS, scene.shape)
    levels = np.clip(np.rint(levels), 0, 4095)
    if bits == 8:
        return np.asarray(levels // 16, dtype=np.uint8)
    return np.asarray(levels, dtype=np.uint16)


def _measure_area(scene: Canvas) -> float:
    """Area of the field in units of 512 x 512 pixels."""
    return scene.size / 512**2
