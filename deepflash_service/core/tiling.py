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
"""Seam: tiles (B, T, T, C) float32 in, their probabilities (B, T, T) float32 out.

Several maps of each tile, (B, K, T, T), are blended alike.
"""

ReadRows = Callable[[int, int], Array]
"""Seam: first row and end in, these rows of an image, shape (R, N, C), out."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """How an image is cut into square tiles.

    Attributes
    ----------
    tile, overlap : int
        Edge length and least overlap in pixels. The outer half of the overlap only gives context
        to the network; its result counts at the border of the image only.
    batch : int
        How many tiles are predicted at once.
    align : int
        Tiles begin at multiples of this number, and the image is extended to one. A network that
        halves the image n times gives the same result for a pixel in every tile that lies on a
        multiple of 2**n and holds all that the network sees of the surroundings of the pixel.
    """

    tile: int = 512
    overlap: int = 128
    batch: int = 1
    align: int = 1

    def __post_init__(self) -> None:
        """Refuse numbers that leave gaps."""
        if self.tile < 1 or self.batch < 1 or not 0 <= self.overlap <= self.tile - self.align:
            raise InputError(
                f"Tiles of {self.tile} pixels with an overlap of {self.overlap} in batches of "
                f"{self.batch} cannot cover an image. The overlap must be smaller than the tile.",
                code="invalid_options",
            )
        if self.align < 1 or self.tile % self.align:
            raise InputError(
                f"Tiles of {self.tile} pixels cannot begin at multiples of {self.align}. Choose a "
                "multiple as tile.",
                code="invalid_options",
            )

    def extend(self, length: int) -> int:
        """Return how many pixels an axis of ``length`` pixels is extended to."""
        return max(self.tile, -(-length // self.align) * self.align)


def predict_tiled(
    image: Image,
    predict_tiles: PredictTiles,
    *,
    tiling: Tiling | None = None,
    report: Report | None = None,
    is_cancelled: IsCancelled | None = None,
) -> ProbabilityMap:
    """Predict a whole image from overlapping tiles.

    The image is extended by reflection where it is smaller than a tile or no multiple of the
    alignment. Each tile counts with a Gaussian weight around its centre (standard deviation one
    eighth of the tile), and not at all in the outer half of the overlap, where the network sees
    least context.

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
    stack = np.asarray(image, dtype=np.float32)
    stack = stack[..., np.newaxis] if stack.ndim == 2 else stack
    result = np.empty(stack.shape[:2], dtype=np.float32)
    bands = predict_rows(
        lambda start, stop: stack[start:stop],
        (stack.shape[0], stack.shape[1]),
        predict_tiles,
        tiling=tiling or Tiling(),
        report=report,
        is_cancelled=is_cancelled,
    )
    for start, band in bands:
        result[start : start + len(band)] = band
    return result


def predict_rows(
    read: ReadRows,
    shape: tuple[int, int],
    predict_tiles: PredictTiles,
    *,
    tiling: Tiling,
    report: Report | None = None,
    is_cancelled: IsCancelled | None = None,
) -> Iterator[tuple[int, ProbabilityMap]]:
    """Predict an image that is read band by band; memory is bounded by one row of tiles.

    Parameters
    ----------
    read : callable
        Returns the rows ``start:stop`` of the normalised image, shape (R, N, C), float32. Rows
        are asked for from top to bottom; neighbouring rows of tiles share some.
    shape : (M, N)
        Rows and columns of the image.
    predict_tiles : callable
        Maps tiles (B, T, T, C) to probabilities (B, T, T).
    tiling : Tiling
        Tile edge, overlap and batch.
    report, is_cancelled : callable, optional
        As for :func:`predict_tiled`.

    Yields
    ------
    int
        First row of a finished band.
    ndarray of float32, shape (R, N)
        Its probabilities, or (K, R, N) for K maps. The bands follow each other without gap and
        are, together, the result of :func:`predict_tiled`, bit for bit.

    Raises
    ------
    JobCancelled
        When ``is_cancelled`` answers True.
    """
    tile = tiling.tile
    height, width = (tiling.extend(length) for length in shape)
    rows, columns = place_tiles(height, tiling), place_tiles(width, tiling)
    row_windows, column_windows = _weigh_tiles(rows, tiling), _weigh_tiles(columns, tiling)
    row_sums = _sum_windows(height, row_windows)[:, np.newaxis]
    column_sums = _sum_windows(width, column_windows)
    meter = _Meter(len(rows) * len(columns), report, is_cancelled)
    total = np.zeros((), dtype=np.float32)
    for row, following in zip(rows, [*rows[1:], height], strict=True):
        band = _extend(read(row, min(row + tile, shape[0])), tile, width)
        for group in _take(columns, tiling.batch):
            meter.check()
            tiles = np.stack([band[:, column : column + tile] for column in group])
            maps = np.asarray(predict_tiles(tiles), dtype=np.float32)
            if not total.ndim:
                total = np.zeros((*maps.shape[1:-2], tile, width), dtype=np.float32)
            for column, tile_map in zip(group, maps, strict=True):
                window = np.outer(row_windows[row], column_windows[column])
                total[..., column : column + tile] += tile_map * window
            meter.count(len(group))
        done = following - row
        finished = total[..., :done, :] / row_sums[row:following]
        finished /= column_sums
        yield row, finished[..., : shape[0] - row, : shape[1]]
        total[..., : tile - done, :] = total[..., done:, :]
        total[..., tile - done :, :] = 0


def place_tiles(length: int, tiling: Tiling) -> list[int]:
    """Return the starts of evenly spread tiles that cover ``length`` pixels.

    Neighbours overlap by at least ``tiling.overlap`` pixels; ``length`` must not be smaller
    than the tile.

    Parameters
    ----------
    length : int
        Pixels along one axis, a multiple of the alignment.
    tiling : Tiling
        Edge and overlap of the tiles.

    Returns
    -------
    list of int
        First pixel of each tile.
    """
    stride = (tiling.tile - tiling.overlap) // tiling.align
    steps = max(0, length - tiling.tile) // tiling.align
    count = 1 - (-steps // stride)
    return [tiling.align * round(float(step)) for step in np.linspace(0, steps, count)]


def _extend(band: Array, rows: int, columns: int) -> Array:
    missing = [rows - band.shape[0], columns - band.shape[1]]
    if not any(missing):
        return band
    return np.pad(band, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="reflect")


def _weigh_tiles(starts: list[int], tiling: Tiling) -> dict[int, Array]:
    """Return the weights along one axis of the tiles at each start."""
    offset = np.arange(tiling.tile) - (tiling.tile - 1) / 2
    bell = np.maximum(np.exp(-0.5 * (offset / max(tiling.tile / 8, 1)) ** 2), 1e-3)
    margin = tiling.overlap // 2
    windows = {}
    for start in starts:
        window = bell.astype(np.float32)
        if start > starts[0]:
            window[:margin] = 0
        if start < starts[-1]:
            window[tiling.tile - margin :] = 0
        windows[start] = window
    return windows


def _sum_windows(length: int, windows: dict[int, Array]) -> Array:
    total = np.zeros(length, dtype=np.float32)
    for start, window in windows.items():
        total[start : start + len(window)] += window
    return total


def _take(columns: list[int], batch: int) -> Iterator[list[int]]:
    for start in range(0, len(columns), batch):
        yield columns[start : start + batch]


@dataclass(slots=True)
class _Meter:
    tiles: int
    report: Report | None
    is_cancelled: IsCancelled | None
    done: int = 0

    def check(self) -> None:
        if self.is_cancelled is not None and self.is_cancelled():
            raise JobCancelled("The prediction was cancelled.")

    def count(self, number: int) -> None:
        self.done += number
        if self.report is not None:
            self.report(Progress("predicting tiles", self.done, self.tiles))
