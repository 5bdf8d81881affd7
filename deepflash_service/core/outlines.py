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

if TYPE_CHECKING:
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
    padded = np.pad(labels, 1)
    stride = padded.shape[1]
    flat = padded.ravel()
    steps = np.array([1, stride, -1, -stride], dtype=np.int64)
    pixels, counts = _find_edges(flat, stride)
    directions = np.repeat(np.arange(_DIRECTIONS), counts)
    if not pixels.size:
        empty = np.zeros(0, dtype=np.int64)
        return Outlines(empty, np.zeros(1, dtype=np.int64), empty, empty)
    successors = _link_edges(flat, pixels, counts, steps=steps, joins_diagonals=joins_diagonals)
    corners = np.empty(pixels.size, dtype=bool)
    corners[successors] = directions[successors] != directions
    order, loops = _order_edges(successors, flat[pixels])
    kept = order[corners[order]]
    loops = loops[kept]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(loops)) + 1, [kept.size]])
    rows, columns = np.divmod(pixels[kept], stride)
    turned = directions[kept]
    return Outlines(
        labels=flat[pixels[kept[starts[:-1]]]].astype(np.int64),
        starts=starts,
        rows=rows - 1 + (turned >= _WEST),
        columns=columns - 1 + ((turned == _SOUTH) | (turned == _WEST)),
    )


def _find_edges(flat: LabelImage, stride: int) -> tuple[Integers, Integers]:
    """Find the pixels with an edge heading east, south, west, north, and their four counts."""
    beside = np.flatnonzero(flat[:-1] != flat[1:])
    above = np.flatnonzero(flat[:-stride] != flat[stride:])
    foreground = flat != 0
    found = [
        above[foreground[above + stride]] + stride,
        beside[foreground[beside]],
        above[foreground[above]],
        beside[foreground[beside + 1]] + 1,
    ]
    return np.concatenate(found), np.array([part.size for part in found])


def _link_edges(
    flat: LabelImage,
    pixels: Integers,
    counts: Integers,
    *,
    steps: Integers,
    joins_diagonals: bool,
) -> Integers:
    """Find the edge that follows each edge on the way around its ROI."""
    directions = np.repeat(np.arange(_DIRECTIONS), counts)
    ahead = pixels + steps[directions]
    outside = ahead + steps[(directions + 3) % _DIRECTIONS]
    own = flat[pixels]
    goes_on = flat[ahead] == own
    turns_out = flat[outside] == own
    if not joins_diagonals:
        turns_out &= goes_on
    turn = np.where(turns_out, 3, np.where(goes_on, 0, 1))
    next_pixels = np.where(turns_out, outside, np.where(goes_on, ahead, pixels))
    next_directions = (directions + turn) % _DIRECTIONS
    first = np.concatenate([[0], np.cumsum(counts)])
    successors = np.empty(pixels.size, dtype=np.int64)
    for direction in range(_DIRECTIONS):
        chosen = next_directions == direction
        candidates = pixels[first[direction] : first[direction + 1]]
        successors[chosen] = first[direction] + np.searchsorted(candidates, next_pixels[chosen])
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
