"""Windows of a large label image in which its ROIs are traced one group after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepflash_service.core.roi_sums import RoiBounds


@dataclass(frozen=True, slots=True)
class RoiWindow:
    """Part of an image that holds the ROIs ``first`` to ``last`` completely.

    Rows ``top:bottom`` and columns ``left:right``; other ROIs may lie in it, too.
    """

    first: int
    last: int
    top: int
    left: int
    bottom: int
    right: int

    @property
    def pixels(self) -> int:
        """Size of the window."""
        return (self.bottom - self.top) * (self.right - self.left)


def plan_windows(bounds: RoiBounds, *, most_pixels: int) -> Iterator[RoiWindow]:
    """Group ROIs that lie close together, in the order of their labels.

    Labels follow the first pixel of the ROIs in reading order, so neighbours in number are
    neighbours in rows.

    Parameters
    ----------
    bounds : RoiBounds
        Bounding boxes of the ROIs 1 to K, their tops not falling.
    most_pixels : int
        Largest window; only an ROI that needs more alone gets a larger one.

    Yields
    ------
    RoiWindow
        Every ROI is in one of them.
    """
    tops, lefts = bounds.tops.tolist(), bounds.lefts.tolist()
    boxes = zip(tops, lefts, bounds.bottoms.tolist(), bounds.rights.tolist(), strict=True)
    group: RoiWindow | None = None
    for label, box in enumerate(boxes, start=1):
        alone = RoiWindow(label, label, *box)
        grown = _join(group, alone) if group else alone
        if group and grown.pixels > most_pixels:
            yield group
            grown = alone
        group = grown
    if group:
        yield group


def _join(group: RoiWindow, other: RoiWindow) -> RoiWindow:
    return RoiWindow(
        group.first,
        other.last,
        min(group.top, other.top),
        min(group.left, other.left),
        max(group.bottom, other.bottom),
        max(group.right, other.right),
    )


def keep_group(labels: np.ndarray, window: RoiWindow) -> np.ndarray:
    """Return the labels of a window without the ROIs of other groups.

    Parameters
    ----------
    labels : ndarray of shape (M, N), integer
        Labels of the pixels of the window.
    window : RoiWindow
        The window.

    Returns
    -------
    ndarray of shape (M, N), int32
    """
    inside = (labels >= window.first) & (labels <= window.last)
    return np.where(inside, labels, 0).astype(np.int32)
