"""Random variation of training tiles: position, shape and intensity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Variation:
    """Shares (0 to 1) of the tiles that are varied, and by how much.

    Rotation by any angle and mirroring always happen when ``turn`` is set. Lengths in pixels,
    intensities in units of the normalised image.
    """

    turn: bool = True
    scale_share: float = 0.5
    scale: tuple[float, float] = (0.7, 1.4)
    bend_share: float = 0.2
    bend: float = 6.0
    gamma_share: float = 0.3
    gamma: tuple[float, float] = (0.7, 1.5)
    light_share: float = 0.3
    light: tuple[float, float] = (0.6, 1.5)
    offset: float = 0.15
    shade_share: float = 0.3
    shade: float = 0.06
    noise_share: float = 0.75
    noise: float = 0.13
    blur_share: float = 0.15
    blur: tuple[float, float] = (0.5, 1.0)


NO_VARIATION = Variation(
    turn=False,
    scale_share=0.0,
    bend_share=0.0,
    gamma_share=0.0,
    light_share=0.0,
    shade_share=0.0,
    noise_share=0.0,
    blur_share=0.0,
)


def warp_tile(
    image: Array,
    targets: tuple[npt.NDArray[Any], ...],
    *,
    centre: tuple[float, float],
    size: int,
    variation: Variation,
    rng: np.random.Generator,
) -> tuple[Array, tuple[npt.NDArray[Any], ...]]:
    """Cut one square tile out of an image, rotated, mirrored, scaled and bent.

    The image is interpolated linearly, targets take the nearest pixel, so masks stay binary.
    Beyond its borders the image is mirrored.

    Parameters
    ----------
    image : ndarray of float32, shape (M, N, C)
    targets : tuple of ndarray, shape (M, N)
        Cut along the same coordinates.
    centre : tuple of float
        Row and column in the image that lie in the middle of the tile.
    size : int
        Edge of the tile in pixels.
    variation : Variation
        What may happen.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    tuple
        Tile (size, size, C), and the targets (size, size) with their own types.
    """
    rows, columns = _draw_coordinates(size, variation, rng)
    rows = _mirror(rows + centre[0], image.shape[0])
    columns = _mirror(columns + centre[1], image.shape[1])
    near = np.rint(rows).astype(np.intp) * image.shape[1] + np.rint(columns).astype(np.intp)
    return _interpolate(image, rows, columns), tuple(target.take(near) for target in targets)


def draw_intensity(tile: Array, variation: Variation, rng: np.random.Generator) -> Array:
    """Return the tile with random gamma, brightness, contrast, uneven background, noise and blur.

    Parameters
    ----------
    tile : ndarray of float32, shape (T, T, C)
        Normalised tile; not changed.
    variation : Variation
        What may happen.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    ndarray of float32, shape (T, T, C)
    """
    result = tile
    if rng.random() < variation.blur_share:
        sigma = float(rng.uniform(*variation.blur))
        result = ndimage.gaussian_filter(result, (sigma, sigma, 0), truncate=3.0)
    if rng.random() < variation.gamma_share:
        exponent = np.float32(rng.uniform(*variation.gamma))
        result = np.sign(result) * np.abs(result) ** exponent
    if rng.random() < variation.light_share:
        contrast = np.float32(rng.uniform(*variation.light))
        offset = np.float32(rng.uniform(-variation.offset, variation.offset))
        result = result * contrast + offset
    if rng.random() < variation.shade_share:
        shade = _draw_field(tile.shape[0], variation.shade, rng)
        result = result + shade.astype(np.float32)[..., np.newaxis]
    if rng.random() < variation.noise_share:
        deviation = np.float32(rng.uniform(0, variation.noise))
        result = result + deviation * rng.standard_normal(tile.shape, dtype=np.float32)
    return np.asarray(result, dtype=np.float32)


def _draw_coordinates(
    size: int, variation: Variation, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    axis = np.arange(size, dtype=np.float64) - (size - 1) / 2
    matrix = np.eye(2)
    if variation.turn:
        angle = rng.uniform(0, 2 * np.pi)
        cosine, sine = np.cos(angle), np.sin(angle)
        mirror = -1.0 if rng.random() < 0.5 else 1.0
        matrix = np.array([[cosine, -sine * mirror], [sine, cosine * mirror]])
    if rng.random() < variation.scale_share:
        low, high = np.log(variation.scale)
        matrix = matrix / np.exp(rng.uniform(low, high))
    rows = matrix[0, 0] * axis[:, np.newaxis] + matrix[0, 1] * axis
    columns = matrix[1, 0] * axis[:, np.newaxis] + matrix[1, 1] * axis
    if rng.random() < variation.bend_share:
        rows = rows + _draw_field(size, variation.bend, rng)
        columns = columns + _draw_field(size, variation.bend, rng)
    return rows, columns


def _draw_field(size: int, deviation: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    knots = max(3, size // 64 + 1)
    grid = rng.normal(0.0, deviation, (knots, knots))
    position = np.linspace(0, knots - 1, size)[:, np.newaxis] - np.arange(knots)
    hat = np.where(np.abs(position) < 1, 0.5 * (1 + np.cos(np.pi * position)), 0.0)
    return np.asarray(hat @ grid @ hat.T)


def _mirror(coordinates: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float64]:
    last = length - 1
    if coordinates.min() >= 0 and coordinates.max() <= last:
        return coordinates
    if last == 0:
        return np.zeros_like(coordinates)
    folded = np.mod(coordinates, 2 * last)
    return np.asarray(np.minimum(folded, 2 * last - folded))


def _interpolate(
    image: Array, rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]
) -> Array:
    height, width = image.shape[:2]
    top = np.minimum(rows.astype(np.intp), max(height - 2, 0))
    left = np.minimum(columns.astype(np.intp), max(width - 2, 0))
    y = (rows - top).astype(np.float32)[..., np.newaxis]
    x = (columns - left).astype(np.float32)[..., np.newaxis]
    # one flat index: several times faster than a pair, and threads run beside each other
    pixels, place = image.reshape(height * width, -1), top * width + left
    right, down = min(1, width - 1), width * min(1, height - 1)
    upper = pixels.take(place, axis=0)
    upper += (pixels.take(place + right, axis=0) - upper) * x
    lower = pixels.take(place + down, axis=0)
    lower += (pixels.take(place + (down + right), axis=0) - lower) * x
    return np.asarray(upper + (lower - upper) * y)
