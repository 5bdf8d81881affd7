"""A generated image of any size: spots, and vessels that cross all of it; written in tiles."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import tifffile

TILE = 512
REACH = 14
SPOTS_PER_TILE = 90
VESSEL_SPACING = 2_500
VESSEL_WIDTH = 5.0


def write_scene(path: Path, size: int, *, seed: int = 4) -> Path:
    """Write a square image of 16 bits as BigTIFF with deflated tiles, tile by tile."""
    tifffile.imwrite(
        path,
        _draw_tiles(size, seed),
        shape=(size, size),
        dtype=np.uint16,
        tile=(TILE, TILE),
        bigtiff=True,
        compression="zlib",
        compressionargs={"level": 1},
        photometric="minisblack",
        resolution=(20_000, 20_000),
        resolutionunit="CENTIMETER",
    )
    return path


def _draw_tiles(size: int, seed: int) -> Iterator[np.ndarray]:
    count = -(-size // TILE)
    for row in range(count):
        for column in range(count):
            yield draw_tile(row, column, seed)


def draw_tile(row: int, column: int, seed: int) -> np.ndarray:
    """Return the tile at a place of the grid; spots reach into the neighbours."""
    top, left = row * TILE, column * TILE
    rng = np.random.default_rng([seed, 1, row, column])
    light = 200 + 25 * rng.standard_normal((TILE, TILE), dtype=np.float32)
    for near_row in range(max(row - 1, 0), row + 2):
        for near_column in range(max(column - 1, 0), column + 2):
            for spot in _place_spots(near_row, near_column, seed):
                _add_spot(light, spot[0] - top, spot[1] - left, spot=spot)
    rows, columns = top + np.arange(TILE), left + np.arange(TILE)
    across = rows[:, np.newaxis] - 150 * np.sin(columns / 700)
    along = columns - 150 * np.sin(rows / 900)[:, np.newaxis]
    for place in (across, along):
        distance = np.abs((place + VESSEL_SPACING / 2) % VESSEL_SPACING - VESSEL_SPACING / 2)
        light += 900 * np.exp(-0.5 * (distance / VESSEL_WIDTH) ** 2).astype(np.float32)
    return np.clip(light, 0, 65_535).astype(np.uint16)


@lru_cache(maxsize=512)
def _place_spots(row: int, column: int, seed: int) -> tuple[tuple[float, ...], ...]:
    rng = np.random.default_rng([seed, 2, row, column])
    places = rng.uniform(0, TILE, (SPOTS_PER_TILE, 2)) + np.array([row, column]) * TILE
    sigmas = rng.uniform(1.5, 4.5, SPOTS_PER_TILE)
    heights = rng.uniform(300, 1500, SPOTS_PER_TILE)
    return tuple(
        (float(place[0]), float(place[1]), float(sigma), float(height))
        for place, sigma, height in zip(places, sigmas, heights, strict=True)
    )


def _add_spot(light: np.ndarray, row: float, column: float, *, spot: tuple[float, ...]) -> None:
    low_row, low_column = max(int(row) - REACH, 0), max(int(column) - REACH, 0)
    high_row, high_column = int(row) + REACH + 1, int(column) + REACH + 1
    if high_row <= 0 or high_column <= 0 or low_row >= TILE or low_column >= TILE:
        return
    part = light[low_row:high_row, low_column:high_column]
    sigma, height = spot[2:]
    down = np.exp(-0.5 * ((low_row + np.arange(part.shape[0]) - row) / sigma) ** 2)
    across = np.exp(-0.5 * ((low_column + np.arange(part.shape[1]) - column) / sigma) ** 2)
    part += (height * np.outer(down, across)).astype(np.float32)
