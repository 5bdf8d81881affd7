"""Predict an image of any size by overlapping tiles that are blended smoothly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.errors import InputError, JobCancelled
from deepflash_service.records import IsCancelled, Progress, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from deepflash_service.records import Image, ProbabilityMap

    Array = npt.NDArray[np.float32]
else:
    Array = Any

PredictTiles = Callable[[Array], Array]
"""Seam: tiles (B, T, T, C) float32 in, their probabilities (B, T, T) float32 out."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """Edge length and overlap of the square tiles in pixels, and how many are predicted at once."""

    tile: int = 512
    overlap: int = 128
    batch: int = 1

    def __post_init__(self) -> None:
        """Refuse numbers that leave gaps."""
        if self.tile < 1 or self.batch < 1 or not 0 <= self.overlap < self.tile:
            raise InputError(
                f"Tiles of {self.tile} pixels with an overlap of {self.overlap} in batches of "
                f"{self.batch} cannot cover an image. The overlap must be smaller than the tile.",
                code="invalid_options",
            )


def predict_tiled(
    image: Image,
    predict_tiles: PredictTiles,
    *,
    tiling: Tiling | None = None,
    report: Report | None = None,
    is_cancelled: IsCancelled | None = None,
) -> ProbabilityMap:
    """Predict a whole image from overlapping tiles.

    The image is extended by reflection where it is smaller than a tile. Each tile counts with
    a Gaussian weight around its centre (standard deviation one eighth of the tile), so tile
    borders, where the network sees least context, hardly matter.

    Parameters
    ----------
    image : ndarray of float32, shape (M, N) or (M, N, C)
        Normalised image.
    predict_tiles : callable
        Maps tiles (B, T, T, C) to probabilities (B, T, T).
    tiling : Tiling, optional
        Tile edge, overlap and batch.
    report, is_cancelled : callable, optional
        Told of every finished batch; asked before every batch.

    Returns
    -------
    ndarray of float32, shape (M, N)

    Raises
    ------
    JobCancelled
        When ``is_cancelled`` answers True.
    """
    tiling = tiling or Tiling()
    stack = np.asarray(image, dtype=np.float32)
    stack = stack[..., np.newaxis] if stack.ndim == 2 else stack
    shape = stack.shape[:2]
    stack = _extend(stack, tiling.tile)
    rows = place_tiles(stack.shape[0], tiling)
    columns = place_tiles(stack.shape[1], tiling)
    window = _weigh_window(tiling.tile)
    total = np.zeros(stack.shape[:2], dtype=np.float32)
    corners = [(row, column) for row in rows for column in columns]
    done = 0
    for group in _take(corners, tiling.batch):
        if is_cancelled is not None and is_cancelled():
            raise JobCancelled("The prediction was cancelled.")
        tiles = np.stack([stack[r : r + tiling.tile, c : c + tiling.tile] for r, c in group])
        maps = np.asarray(predict_tiles(tiles), dtype=np.float32)
        for (row, column), tile_map in zip(group, maps, strict=True):
            target = total[row : row + tiling.tile, column : column + tiling.tile]
            target += tile_map * np.outer(window, window)
        done += len(group)
        if report is not None:
            report(Progress("predicting tiles", done, len(corners)))
    total /= _sum_windows(stack.shape[0], rows, window)[:, np.newaxis]
    total /= _sum_windows(stack.shape[1], columns, window)
    return total[: shape[0], : shape[1]]


def place_tiles(length: int, tiling: Tiling) -> list[int]:
    """Return the starts of evenly spread tiles that cover ``length`` pixels.

    Neighbours overlap by at least ``tiling.overlap`` pixels; ``length`` must not be smaller
    than the tile.

    Parameters
    ----------
    length : int
        Pixels along one axis.
    tiling : Tiling
        Edge and overlap of the tiles.

    Returns
    -------
    list of int
        First pixel of each tile.
    """
    stride = tiling.tile - tiling.overlap
    count = 1 + max(0, -(-(length - tiling.tile) // stride))
    return [round(float(start)) for start in np.linspace(0, max(0, length - tiling.tile), count)]


def _extend(stack: Array, tile: int) -> Array:
    missing = [max(0, tile - size) for size in stack.shape[:2]]
    if not any(missing):
        return stack
    return np.pad(stack, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="reflect")


def _weigh_window(tile: int) -> Array:
    offset = np.arange(tile) - (tile - 1) / 2
    window = np.exp(-0.5 * (offset / max(tile / 8, 1)) ** 2)
    return np.asarray(np.maximum(window, 1e-3), dtype=np.float32)


def _sum_windows(length: int, starts: list[int], window: Array) -> Array:
    total = np.zeros(length, dtype=np.float32)
    for start in starts:
        total[start : start + len(window)] += window
    return total


def _take(corners: list[tuple[int, int]], batch: int) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(corners), batch):
        yield corners[start : start + batch]
