"""Pixel-edge outlines of all ROIs of a label image at once.

Each pixel is the square between (row, column) and (row + 1, column + 1); the outline of an
ROI runs along pixel edges, so it encloses exactly the pixels of the ROI. Edges are found for
the whole image by comparing neighbours, every edge gets one successor, and the loops are read
off as one long path; nothing is done ROI by ROI.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.errors import ComputeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from deepflash_service.records import LabelImage

    Integers = npt.NDArray[np.int64]

_DIRECTIONS = 4
_SOUTH, _WEST = 1, 2


@dataclass(frozen=True, slots=True)
class Outlines:
    """Closed loops of corner points, clockwise on the screen around the ROI, holes reversed.

    Loop ``i`` belongs to ROI ``labels[i]`` and has the corners ``starts[i]:starts[i + 1]`` of
    ``rows`` and ``columns``. Loops are ordered by label, then by their topmost edge; the
    first loop of an ROI is an outer one.
    """

    labels: Integers
    starts: Integers
    rows: Integers
    columns: Integers

    def shift(self, rows: int, columns: int) -> Outlines:
        """Return the outlines of a window of an image in the coordinates of the image."""
        return replace(self, rows=self.rows + rows, columns=self.columns + columns)

    def find_areas(self) -> Integers:
        """Return the enclosed area of each loop in pixels, negative for holes."""
        if not self.labels.size:
            return np.zeros(0, dtype=np.int64)
        following = self._find_following()
        doubled = self.columns * self.rows[following] - self.columns[following] * self.rows
        return np.asarray(np.add.reduceat(doubled, self.starts[:-1]) // 2)

    def find_lengths(self) -> npt.NDArray[np.float64]:
        """Return the length of each loop in pixels as ImageJ measures a traced outline.

        A corner counts as the diagonal of a pixel; of corners one pixel apart every other one.
        """
        if not self.labels.size:
            return np.zeros(0)
        following = self._find_following()
        sides = np.abs(self.rows[following] - self.rows)
        sides += np.abs(self.columns[following] - self.columns)
        before = np.empty_like(sides)
        before[following] = sides
        places = np.arange(sides.size)
        resets = before > 1
        resets[self.starts[:-1]] = True
        since = places - np.maximum.accumulate(np.where(resets, places, 0))
        lengths = sides - (since % 2 == 0) * (2 - np.sqrt(2))
        return np.asarray(np.add.reduceat(lengths, self.starts[:-1]))

    def _find_following(self) -> Integers:
        following = np.arange(1, self.rows.size + 1)
        following[self.starts[1:] - 1] = self.starts[:-1]
        return following


def trace_outlines(labels: LabelImage, *, joins_diagonals: bool = True) -> Outlines:
    """Trace the outlines of all ROIs along pixel edges.

    Parameters
    ----------
    labels : ndarray of shape (M, N), int32
        Label image.
    joins_diagonals : bool
        Whether pixels of one ROI that touch at a corner only share one loop.

    Returns
    -------
    Outlines
        Corner points only; straight runs of edges are one segment.
    """
    whole = [(0, labels.shape[0])]
    return trace_bands(
        lambda start, stop: labels[start:stop], whole, joins_diagonals=joins_diagonals
    )


def trace_bands(
    read: Callable[[int, int], LabelImage],
    bands: Sequence[tuple[int, int]],
    *,
    joins_diagonals: bool = True,
    most_edges: int | None = None,
) -> Outlines:
    """Trace the outlines of ROIs in a label image that is read by rows.

    Memory grows with the edges, some 150 bytes each, and with the largest band.

    Parameters
    ----------
    read : callable
        Returns the rows ``start:stop`` of the label image, shape (R, N), int32.
    bands : sequence of (int, int)
        First row and end of bands that cover the image from top to bottom.
    joins_diagonals : bool
        As for :func:`trace_outlines`.
    most_edges : int, optional
        Pixel edges above which nothing is traced.

    Returns
    -------
    Outlines
        Those of :func:`trace_outlines` for the whole image.

    Raises
    ------
    ComputeError
        Code ``outline_too_long`` when there are more edges.
    """
    height = bands[-1][1] if bands else 0
    found = []
    count = stride = 0
    for start, stop in bands:
        rows = read(max(start - 1, 0), min(stop + 1, height))
        halo = (int(start == 0), int(stop == height))
        stride = rows.shape[1] + 2
        band = _find_edges(np.pad(rows, [halo, (1, 1)]), start, joins_diagonals=joins_diagonals)
        found.append(band)
        count += sum(part.pixels.size for part in band)
        if most_edges is not None and count > most_edges:
            raise ComputeError(
                f"The outline is longer than {most_edges:,} pixel edges.", code="outline_too_long"
            )
    if not count:
        empty = np.zeros(0, dtype=np.int64)
        return Outlines(empty, np.zeros(1, dtype=np.int64), empty, empty)
    edges = [_join_bands([band[direction] for band in found]) for direction in range(_DIRECTIONS)]
    return _walk_edges(edges, stride)


@dataclass(frozen=True, slots=True)
class _Edges:
    """Edges that head in one direction: pixel, label, pixel and direction of the next edge.

    Pixels are numbered row by row in the image with one more pixel on every side.
    """

    pixels: Integers
    labels: LabelImage
    next_pixels: Integers
    next_directions: npt.NDArray[np.int8]


def _find_edges(padded: LabelImage, first: int, *, joins_diagonals: bool) -> list[_Edges]:
    """Find the edges heading east, south, west and north of all rows but the outermost two."""
    stride = padded.shape[1]
    flat = padded.ravel()
    steps = (1, stride, -1, -stride)
    inner = flat[stride:-stride]
    foreground = inner != 0
    shift = first * stride
    found = []
    for direction, ahead in enumerate(steps):
        beside = steps[(direction + 3) % _DIRECTIONS]
        neighbours = flat[stride + beside : flat.size - stride + beside]
        pixels = np.flatnonzero(foreground & (inner != neighbours)) + stride
        own = flat[pixels]
        goes_on = flat[pixels + ahead] == own
        turns_out = flat[pixels + ahead + beside] == own
        if not joins_diagonals:
            turns_out &= goes_on
        turn = np.where(turns_out, 3, np.where(goes_on, 0, 1))
        onward = np.where(turns_out, ahead + beside, np.where(goes_on, ahead, 0))
        found.append(
            _Edges(
                pixels + shift,
                own,
                pixels + onward + shift,
                ((direction + turn) % _DIRECTIONS).astype(np.int8),
            )
        )
    return found


def _join_bands(bands: list[_Edges]) -> _Edges:
    if len(bands) == 1:
        return bands[0]
    return _Edges(
        np.concatenate([band.pixels for band in bands]),
        np.concatenate([band.labels for band in bands]),
        np.concatenate([band.next_pixels for band in bands]),
        np.concatenate([band.next_directions for band in bands]),
    )


def _walk_edges(edges: list[_Edges], stride: int) -> Outlines:
    """Follow the edges around the ROIs, and keep the corners."""
    pixels = np.concatenate([part.pixels for part in edges])
    labels = np.concatenate([part.labels for part in edges])
    directions = np.repeat(np.arange(_DIRECTIONS), [part.pixels.size for part in edges])
    successors = _link_edges(edges)
    corners = np.empty(pixels.size, dtype=bool)
    corners[successors] = directions[successors] != directions
    order, loops = _order_edges(successors, labels)
    kept = order[corners[order]]
    loops = loops[kept]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(loops)) + 1, [kept.size]])
    rows, columns = np.divmod(pixels[kept], stride)
    turned = directions[kept]
    return Outlines(
        labels=labels[kept[starts[:-1]]].astype(np.int64),
        starts=starts,
        rows=rows - 1 + (turned >= _WEST),
        columns=columns - 1 + ((turned == _SOUTH) | (turned == _WEST)),
    )


def _link_edges(edges: list[_Edges]) -> Integers:
    """Find the edge that follows each edge on the way around its ROI."""
    next_pixels = np.concatenate([part.next_pixels for part in edges])
    next_directions = np.concatenate([part.next_directions for part in edges])
    successors = np.empty(next_pixels.size, dtype=np.int64)
    first = 0
    for direction, part in enumerate(edges):
        chosen = next_directions == direction
        successors[chosen] = first + np.searchsorted(part.pixels, next_pixels[chosen])
        first += part.pixels.size
    return successors


def _order_edges(successors: Integers, labels: LabelImage) -> tuple[Integers, Integers]:
    """Return the edges loop by loop, and the loop number of each edge.

    The loops are opened and joined to one path, which a breadth-first walk reads in linear
    time; loops come in the order of their label and first edge.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    size = successors.size
    ones, pointers = np.ones(size), np.arange(size + 1)
    graph = csr_array((ones, successors, pointers), shape=(size, size))
    count, loops = connected_components(graph, connection="weak")
    first = np.empty(count, dtype=np.int64)
    first[loops[::-1]] = np.arange(size - 1, -1, -1)
    first = first[np.lexsort((first, labels[first]))]
    predecessors = np.empty_like(successors)
    predecessors[successors] = np.arange(size)
    path = successors.copy()
    last = predecessors[first]
    path[last[:-1]] = first[1:]
    path[last[-1]] = last[-1]
    graph = csr_array((ones, path, pointers), shape=(size, size))
    order = breadth_first_order(graph, first[0], return_predecessors=False)
    return order.astype(np.int64), loops
