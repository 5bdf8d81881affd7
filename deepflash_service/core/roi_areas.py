"""Drawing the areas of ROIs by the rules of ImageJ.

ImageJ draws a pixel when its centre lies inside the outline by the even-odd rule; a centre
exactly on a left or upper outline lies outside, on a right or lower one inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from deepflash_service.core.roi_shapes import RoiShape
    from deepflash_service.records import LabelImage

    Integers = npt.NDArray[np.int64]
    Points = npt.NDArray[np.float64]

_EDGE_SHIFT = 1e-8
"""ImageJ moves outlines by this much to the right, to round alike on all machines."""
_MOST_CROSSINGS = 16_000_000
"""Of the outline of one ROI with rows."""
_MOST_OF_ALL = 100_000_000
_BATCH = 2_000_000
"""ROIs are drawn together until they cross this many rows, or cover this many pixels."""
_ALWAYS_DRAWN = 100_000_000
_MOST_LAYERS = 64


def draw_shapes(
    shapes: Sequence[RoiShape], numbers: Sequence[int], *, shape: tuple[int, int]
) -> LabelImage:
    """Draw the areas of ROIs into a label image; later ROIs cover earlier ones.

    Parameters
    ----------
    shapes : sequence of RoiShape
    numbers : sequence of int
        Label of each ROI.
    shape : (M, N)
        Rows and columns of the label image.

    Returns
    -------
    ndarray of shape (M, N), int32

    Raises
    ------
    InputError
        Code ``shape_mismatch``: an ROI without a pixel inside the image; code ``invalid_roi``:
        outlines that take too much memory, or cover the image far too often.
    """
    labels = np.zeros(shape, dtype=np.int32)
    values = np.asarray(numbers, dtype=np.int32)
    drawn = np.zeros(len(shapes), dtype=np.int64)
    most = max(_ALWAYS_DRAWN, _MOST_LAYERS * labels.size)
    for batch in _list_batches(_find_edges(shapes, shape)):
        owners, rows, begins, ends = _find_spans(batch, shape[1])
        lengths = ends - begins
        np.add.at(drawn, owners, lengths)
        if drawn.sum() > most:
            raise InputError(
                f"These ROIs cover the image of {shape[0]} rows and {shape[1]} columns again and "
                "again. Save the outlines of single cells, each once.",
                code="invalid_roi",
            )
        starts = rows * shape[1] + begins
        for chosen in _cut(lengths):
            _fill(labels, starts[chosen], lengths[chosen], values=values[owners[chosen]])
    if not drawn.all():
        missed = shapes[int(np.flatnonzero(drawn == 0)[0])]
        raise InputError(
            f"ROI {missed.name or missed.kind!r} has no pixel inside the image of {shape[0]} rows "
            f"and {shape[1]} columns. Use the ROIs of this image.",
            code="shape_mismatch",
        )
    return labels


def _fill(labels: LabelImage, starts: Integers, lengths: Integers, *, values: LabelImage) -> None:
    offsets = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    labels.ravel()[offsets + np.arange(offsets.size)] = np.repeat(values, lengths)


def _cut(sizes: Integers) -> Iterator[slice]:
    """Cut a list into pieces of about ``_BATCH`` in size."""
    pieces = np.cumsum(sizes) // _BATCH
    edges = [0, *(np.flatnonzero(np.diff(pieces)) + 1).tolist(), sizes.size]
    return (slice(begin, end) for begin, end in pairwise(edges))


@dataclass(frozen=True, slots=True)
class _Edges:
    """Parts of outlines from above to below: of whom, and the rows they cross from ``first``."""

    owners: Integers
    upper: Points
    lower: Points
    first: Integers
    counts: Integers

    def take(self, chosen: slice | npt.NDArray[np.bool_]) -> _Edges:
        """Return some of them."""
        return _Edges(
            self.owners[chosen],
            self.upper[chosen],
            self.lower[chosen],
            self.first[chosen],
            self.counts[chosen],
        )

    def cut_rows(self) -> Iterator[_Edges]:
        """Return the same in bands of rows, each with about ``_BATCH`` crossings."""
        bands = 1 + int(self.counts.sum()) // _BATCH
        if bands == 1:
            yield self
            return
        last = self.first + self.counts
        limits = np.linspace(self.first.min(), last.max(), bands + 1).astype(np.int64)
        for top, bottom in pairwise(limits):
            first = np.maximum(self.first, top)
            counts = np.maximum(np.minimum(last, bottom) - first, 0)
            band = _Edges(self.owners, self.upper, self.lower, first, counts)
            yield band.take(counts > 0)


def _find_edges(shapes: Sequence[RoiShape], shape: tuple[int, int]) -> _Edges:
    owners, begin, end = _collect_edges(shapes)
    upper = np.where((begin[:, 1] <= end[:, 1])[:, np.newaxis], begin, end)
    lower = np.where((begin[:, 1] <= end[:, 1])[:, np.newaxis], end, begin)
    first, last = (
        np.clip(np.ceil(ends[:, 1] - 0.5), 0, shape[0]).astype(np.int64) for ends in (upper, lower)
    )
    return _Edges(owners, upper, lower, first, last - first).take(last > first)


def _list_batches(edges: _Edges) -> Iterator[_Edges]:
    """Cut edges into batches of bounded memory, refusing what is too much to draw."""
    begins = np.flatnonzero(np.diff(edges.owners, prepend=-1))
    sizes = np.add.reduceat(edges.counts, begins) if begins.size else begins
    if sizes.max(initial=0) > _MOST_CROSSINGS or sizes.sum() > _MOST_OF_ALL:
        raise InputError(
            "These ROIs have too many corners to be drawn. Save simpler outlines.",
            code="invalid_roi",
        )
    ends = np.append(begins, edges.owners.size)
    for chosen in _cut(sizes):
        yield from edges.take(slice(ends[chosen.start], ends[chosen.stop])).cut_rows()


def _find_spans(edges: _Edges, width: int) -> tuple[Integers, ...]:
    """Find the runs of pixels inside: owner, row, first column, column after the last."""
    upper, counts = edges.upper, edges.counts
    slopes = (edges.lower[:, 0] - upper[:, 0]) / (edges.lower[:, 1] - upper[:, 1])
    index = np.repeat(np.arange(counts.size), counts)
    rows = np.arange(index.size) - np.repeat(np.cumsum(counts) - counts - edges.first, counts)
    x = upper[index, 0] + (rows + 0.5 - upper[index, 1]) * slopes[index] + _EDGE_SHIFT
    columns = np.clip(np.floor(x + 0.5), 0, width).astype(np.int64)
    owners = edges.owners[index]
    order = np.lexsort((columns, rows, owners))
    columns, rows, owners = columns[order], rows[order], owners[order]
    return owners[::2], rows[::2], columns[::2], columns[1::2]


def _collect_edges(shapes: Sequence[RoiShape]) -> tuple[npt.NDArray[np.int64], Points, Points]:
    rings = [ring for shape in shapes for ring in shape.rings]
    counts = [ring.shape[0] for ring in rings]
    owners = np.repeat(
        np.repeat(np.arange(len(shapes)), [len(shape.rings) for shape in shapes]), counts
    )
    if not rings:
        empty = np.zeros((0, 2))
        return owners.astype(np.int64), empty, empty
    begin = np.concatenate(rings)
    following = np.arange(1, begin.shape[0] + 1)
    ends = np.cumsum(counts)
    following[ends - 1] = ends - counts
    return owners, begin, begin[following]
