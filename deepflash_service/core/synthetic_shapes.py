"""Shapes of the simulated fields: tissue, irregular blobs, fibres, places of the nuclei."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Canvas = npt.NDArray[np.float64]
Window = tuple[slice, slice]

_HARMONICS = np.arange(2, 6)


@dataclass(frozen=True, slots=True)
class Blob:
    """An irregular closed outline.

    Attributes
    ----------
    row, column : float
        Centre, in pixels.
    radius : float
        Mean radius, in pixels.
    aspect : float
        Long axis divided by short axis.
    rng : numpy.random.Generator
        Gives direction and irregularity of the outline, drawn once.
    """

    row: float
    column: float
    radius: float
    aspect: float
    rng: np.random.Generator
    angle: float = field(init=False)
    waves: Canvas = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "angle", float(self.rng.uniform(0, np.pi)))
        size = 0.12 / _HARMONICS
        object.__setattr__(self, "waves", self.rng.normal(0, 1, (2, len(_HARMONICS))) * size)


def make_smooth_noise(rng: np.random.Generator, shape: tuple[int, int], *, sigma: float) -> Canvas:
    """Return Gaussian noise smoothed over some pixels.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    shape : tuple of int
        Rows and columns of the field.
    sigma : float
        Standard deviation of the smoothing, in pixels.

    Returns
    -------
    ndarray of float, shape (M, N)
        Noise of mean 0 and standard deviation 1, periodic at the borders.
    """
    spectrum = ndimage.fourier_gaussian(np.fft.rfft2(rng.normal(size=shape)), sigma, n=shape[1])
    noise = np.fft.irfft2(spectrum, s=shape)
    return np.asarray((noise - noise.mean()) / max(float(noise.std()), 1e-12))


def make_tissue(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    """Lay a curved cell layer through the field.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    shape : tuple of int
        Rows and columns of the field.

    Returns
    -------
    ndarray of float, shape (M, N)
        Weight of the layer, 0 to 1.
    """
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]] / max(shape)
    angle = rng.uniform(0, 2 * np.pi)
    centre = 0.5 + rng.uniform(0.45, 0.8) * np.array([np.sin(angle), np.cos(angle)])
    distance = np.hypot(rows - centre[0], columns - centre[1])
    ring = rng.uniform(0.5, 0.75)
    wobble = 0.03 * make_smooth_noise(rng, shape, sigma=max(shape) / 10)
    return np.asarray(np.exp(-(((distance - ring + wobble) / rng.uniform(0.09, 0.16)) ** 2)))


def draw_blob(blob: Blob, shape: tuple[int, int]) -> tuple[Window, Canvas] | None:
    """Return the window around a blob and each pixel's distance from its centre.

    Parameters
    ----------
    blob : Blob
        The outline.
    shape : tuple of int
        Rows and columns of the field.

    Returns
    -------
    tuple of (window, ndarray) or None
        Index of the part of the field that holds the blob, and the relative radius there (below
        1 inside the outline); None when the blob lies outside the field.
    """
    reach = int(np.ceil(blob.radius * blob.aspect * 1.6)) + 3
    top, left = round(blob.row) - reach, round(blob.column) - reach
    bottom, right = min(top + 2 * reach + 1, shape[0]), min(left + 2 * reach + 1, shape[1])
    top, left = max(top, 0), max(left, 0)
    if top >= bottom or left >= right:
        return None
    rows, columns = np.mgrid[top:bottom, left:right]
    rows, columns = rows - blob.row, columns - blob.column
    stretch = np.sqrt(blob.aspect)
    along = (np.cos(blob.angle) * rows + np.sin(blob.angle) * columns) / stretch
    across = (np.cos(blob.angle) * columns - np.sin(blob.angle) * rows) * stretch
    theta = np.arctan2(across, along)[..., None] * _HARMONICS
    edge = 1.0 + (blob.waves[0] * np.cos(theta) + blob.waves[1] * np.sin(theta)).sum(axis=-1)
    radius = np.hypot(along, across) / (blob.radius * np.clip(edge, 0.5, 1.6))
    return (slice(top, bottom), slice(left, right)), np.asarray(radius)


def draw_spot(rng: np.random.Generator, *, radius: float) -> Canvas:
    """Draw one blob in the middle of a small square.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    radius : float
        Mean radius in pixels, at most 12.

    Returns
    -------
    ndarray of float, shape (64, 64)
        1 inside the blob, 0 outside.
    """
    spot = np.zeros((64, 64))
    patch = draw_blob(Blob(32.0, 32.0, radius, float(rng.uniform(1.0, 1.4)), rng), (64, 64))
    if patch is not None:
        spot[patch[0]] = patch[1] < 1.0
    return spot


def place_patch(
    shape: tuple[int, int], patch: tuple[int, ...], corner: tuple[int, int]
) -> tuple[Window, Window]:
    """Return where a patch with its upper left pixel at `corner` lies in the field, and its part.

    Parameters
    ----------
    shape, patch : tuple of int
        Rows and columns of the field and of the patch.
    corner : tuple of int
        Row and column of the patch's first pixel, which may lie outside the field.

    Returns
    -------
    tuple of (window, window)
        Index into the field and the index of the same pixels into the patch.
    """
    starts = [max(0, first) for first in corner]
    stops = [
        max(start, min(size, first + length))
        for start, size, first, length in zip(starts, shape, corner, patch, strict=True)
    ]
    inner = [
        slice(start - first, stop - first)
        for start, stop, first in zip(starts, stops, corner, strict=True)
    ]
    return (slice(starts[0], stops[0]), slice(starts[1], stops[1])), (inner[0], inner[1])


def make_cells(rng: np.random.Generator, tissue: Canvas) -> list[Blob]:
    """Place nuclei, mostly along the tissue layer; about one in ten touches a neighbour.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    tissue : ndarray, shape (M, N)
        Weight of the cell layer, see :func:`make_tissue`.

    Returns
    -------
    list of Blob
        About 65 nuclei on 512 x 512 pixels, with a gap of 4 pixels or more unless they touch.
    """
    shape = tissue.shape
    wanted = max(3, round(rng.integers(55, 80) * shape[0] * shape[1] / 512**2))
    cells: list[Blob] = []
    for _ in range(60 * wanted):
        if len(cells) >= wanted:
            break
        row, column = rng.uniform(-2, shape[0] + 2), rng.uniform(-2, shape[1] + 2)
        weight = tissue[min(max(int(row), 0), shape[0] - 1), min(max(int(column), 0), shape[1] - 1)]
        if rng.uniform() > 0.22 + 0.78 * weight:
            continue
        cell = _make_cell(rng, row, column)
        if _find_gap(cell, cells) < 4.0:
            continue
        cells.append(cell)
        if rng.uniform() < 0.05:
            cells.extend(_make_neighbour(rng, cell, cells))
    return cells


def _make_cell(rng: np.random.Generator, row: float, column: float) -> Blob:
    radius = float(np.clip(rng.normal(7.4, 1.0), 5.2, 10.0))
    return Blob(row, column, radius, float(rng.uniform(1.0, 1.45)), rng)


def _make_neighbour(rng: np.random.Generator, cell: Blob, cells: list[Blob]) -> list[Blob]:
    """Return one nucleus that touches `cell`, or none where there is no room."""
    angle = rng.uniform(0, 2 * np.pi)
    other = _make_cell(rng, 0.0, 0.0)
    distance = 0.98 * (cell.radius + other.radius)
    moved = Blob(
        cell.row + distance * np.sin(angle),
        cell.column + distance * np.cos(angle),
        other.radius,
        1.1,
        rng,
    )
    rest = [known for known in cells if known is not cell]
    return [moved] if _find_gap(moved, rest) >= 4.0 else []


def _find_gap(cell: Blob, cells: list[Blob]) -> float:
    """Smallest gap in pixels between `cell` and `cells`, by the long axes."""
    return min(
        (
            float(np.hypot(cell.row - known.row, cell.column - known.column))
            - cell.radius * np.sqrt(cell.aspect)
            - known.radius * np.sqrt(known.aspect)
            for known in cells
        ),
        default=np.inf,
    )


def draw_fibre(rng: np.random.Generator, shape: tuple[int, int]) -> Canvas:
    """Draw one winding neurite with varicosities.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness.
    shape : tuple of int
        Rows and columns of the field.

    Returns
    -------
    ndarray of float, shape (M, N)
        Brightness, about 0 to 1.
    """
    steps = int(rng.uniform(0.3, 1.1) * max(shape) * 2)
    turns = ndimage.gaussian_filter1d(rng.normal(size=steps), 30.0, mode="wrap")
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(turns) * 0.12
    rows = rng.uniform(0, shape[0]) + 0.5 * np.cumsum(np.sin(heading))
    columns = rng.uniform(0, shape[1]) + 0.5 * np.cumsum(np.cos(heading))
    beads = np.clip(1.0 + 0.9 * ndimage.gaussian_filter1d(rng.normal(size=steps), 4.0) * 4, 0.2, 4)
    inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    line = np.zeros(shape)
    np.add.at(line, (rows[inside].astype(int), columns[inside].astype(int)), beads[inside])
    width = rng.uniform(0.8, 1.5)
    return np.asarray(ndimage.gaussian_filter(line, width) * width)
