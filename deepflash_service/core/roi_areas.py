"""Drawing the areas of ROIs by the rules of ImageJ.

ImageJ draws a pixel when its centre lies inside the outline by the even-odd rule; a centre
exactly on a left or upper outline lies outside, on a right or lower one inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from deepflash_service.core.roi_shapes import RoiShape
    from deepflash_service.records import LabelImage

    Integers = npt.NDArray[np.int64]
    Points = npt.NDArray[np.float64]

_EDGE_SHIFT = 1e-8
"""ImageJ moves outlines by this much to the right, to round alike on all machines."""
_MOST_CROSSINGS = 100_000_000


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
        Code ``shape_mismatch``: an ROI without a pixel inside the image.
    """
    labels = np.zeros(shape, dtype=np.int32)
    owners, rows, begins, ends = _find_spans(shapes, shape)
    lengths = ends - begins
    drawn = np.bincount(owners, weights=lengths, minlength=len(shapes))
    if len(shapes) and not drawn.all():
        missed = shapes[int(np.flatnonzero(drawn == 0)[0])]
        raise InputError(
            f"ROI {missed.name or missed.kind!r} has no pixel inside the image of {shape[0]} rows "
            f"and {shape[1]} columns. Use the ROIs of this image.",
            code="shape_mismatch",
        )
    offsets = np.repeat(rows * shape[1] + begins - np.cumsum(lengths) + lengths, lengths)
    pixels = offsets + np.arange(offsets.size)
    labels.ravel()[pixels] = np.repeat(np.asarray(numbers, dtype=np.int32)[owners], lengths)
    return labels


def _find_spans(
    shapes: Sequence[RoiShape], shape: tuple[int, int]
) -> tuple[npt.NDArray[np.int64], ...]:
    """Find the runs of pixels inside: owner, row, first column, column after the last."""
    owners, begin, end = _collect_edges(shapes)
    upper = np.where((begin[:, 1] <= end[:, 1])[:, np.newaxis], begin, end)
    lower = np.where((begin[:, 1] <= end[:, 1])[:, np.newaxis], end, begin)
    first, last = (
        np.clip(np.ceil(ends[:, 1] - 0.5), 0, shape[0]).astype(np.int64) for ends in (upper, lower)
    )
    crossed = last > first
    owners, upper, lower, first, last = (
        values[crossed] for values in (owners, upper, lower, first, last)
    )
    slopes = (lower[:, 0] - upper[:, 0]) / (lower[:, 1] - upper[:, 1])
    counts = last - first
    if counts.sum() > _MOST_CROSSINGS:
        raise InputError(
            "These ROIs have too many corners to be drawn. Save simpler outlines.",
            code="invalid_roi",
        )
    edges = np.repeat(np.arange(counts.size), counts)
    rows = np.arange(edges.size) - np.repeat(np.cumsum(counts) - counts - first, counts)
    x = upper[edges, 0] + (rows + 0.5 - upper[edges, 1]) * slopes[edges] + _EDGE_SHIFT
    columns = np.clip(np.floor(x + 0.5), 0, shape[1]).astype(np.int64)
    order = np.lexsort((columns, rows, owners[edges]))
    columns, rows, owners = columns[order], rows[order], owners[edges][order]
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
