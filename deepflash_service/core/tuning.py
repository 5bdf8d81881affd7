"""Choose how ROIs are found in a probability map: threshold, smallest ROI, parted or not.

All is chosen on images that the predicting member never saw. The usual cut (0.5, the size of the
smallest annotated ROIs, touching ROIs parted) stays unless another one is clearly better, because
a few images say little about the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.labels import remove_small_rois
from deepflash_service.core.matching import match_labels
from deepflash_service.core.separation import NECK, Cut
from deepflash_service.records import LabelImage, ProbabilityMap

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

USUAL_THRESHOLD = 0.5
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(4, 17))
SIZE_FACTORS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
SEPARATIONS = (NECK, 0.0)
"""Depths of a neck that are tried; the first is the usual one."""
LEAST_GAIN = 0.005
SEPARATION_GAIN = 0.01
"""What another separation must give: docs/decisions/0013."""
TIE = 0.003
CHANCE = 0.02
"""By how much the scores of one image may prefer another cut without a reason."""

_SMOOTHING = (0.25, 0.5, 0.25)


@dataclass(frozen=True, slots=True)
class CutTable:
    """Scores of each image at each cut.

    Attributes
    ----------
    separations : tuple of float
        Depths of a neck in pixels; the first is the usual one.
    thresholds : tuple of float
    sizes : tuple of int
        Minimum ROI sizes in pixels; the first is the usual one, and that of parts.
    f1, dice : ndarrays of shape (images, separations, thresholds, sizes), float64
    """

    separations: tuple[float, ...]
    thresholds: tuple[float, ...]
    sizes: tuple[int, ...]
    f1: Floats
    dice: Floats

    def choose(self, images: Sequence[int] | None = None) -> Cut:
        """Return the best cut for some images.

        A cut is as good as the mean of F1 and Dice over the images, smoothed over neighbouring
        thresholds and sizes. The usual one stays unless another is better by more than
        ``LEAST_GAIN`` and than chance (``CHANCE`` over the root of the number of images). Of all
        cuts within ``TIE`` of the best, the one with the best Dice is taken. So a cut is chosen
        for each separation; another than the usual one must be better by ``SEPARATION_GAIN`` and
        than chance.

        Parameters
        ----------
        images : sequence of int, optional
            0-based; all images if not given. Without any image the usual cut is returned.
        """
        chosen = list(range(len(self.f1))) if images is None else list(images)
        if not chosen:
            return self._make_cut(0, self.thresholds.index(USUAL_THRESHOLD), 0)
        chance = CHANCE / len(chosen) ** 0.5
        margin = max(LEAST_GAIN, chance)
        found = [self._choose_within(one, chosen, margin) for one in range(len(self.separations))]
        best = max(range(len(found)), key=lambda one: found[one][0])
        if found[best][0] - found[0][0] <= max(SEPARATION_GAIN, chance):
            best = 0
        return self._make_cut(best, *found[best][1:])

    def _choose_within(self, part: int, images: list[int], margin: float) -> tuple[float, int, int]:
        """Return rating, threshold and size (as positions) of the best cut of one separation."""
        f1, dice = self.f1[images, part].mean(axis=0), self.dice[images, part].mean(axis=0)
        rating = _smooth((f1 + dice) / 2)
        row, column = self.thresholds.index(USUAL_THRESHOLD), 0
        if rating.max() - rating[row, column] > margin:
            tied = np.where(rating >= rating.max() - TIE, _smooth(dice), -1.0)
            row, column = divmod(int(tied.argmax()), tied.shape[1])
        return float(rating[row, column]), row, column

    def _make_cut(self, part: int, row: int, column: int) -> Cut:
        sizes = self.sizes
        return Cut(self.thresholds[row], sizes[column], self.separations[part], sizes[0])


def measure_cuts(
    pairs: Iterable[tuple[ProbabilityMap, LabelImage]],
    *,
    min_roi_size: int,
    separations: Sequence[float] = SEPARATIONS,
) -> CutTable:
    """Score each image at each separation, threshold and minimum ROI size.

    Parameters
    ----------
    pairs : iterable of tuples (probability map, truth)
        Of shape (M, N); predicted by members that never saw the image, and label images. Taken
        one after the other, so that only one image need be in memory.
    min_roi_size : int
        Of the smallest annotated ROIs, in pixels; smaller ROIs are removed from the truth, smaller
        parts stay with their neighbour, and larger sizes are tried for the prediction.
    separations : sequence of float
        Depths of a neck that are tried, the usual one first.

    Returns
    -------
    CutTable

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    sizes = _list_sizes(min_roi_size)
    rows = []
    for probability, truth in pairs:
        expected = remove_small_rois(truth, min_roi_size=min_roi_size)
        # in full precision once, and not at each cut
        values = np.asarray(probability, dtype=np.float32)
        rows.append(
            [
                _score_sizes(Cut(threshold, min_roi_size, neck).find_rois(values), expected, sizes)
                for neck in separations
                for threshold in THRESHOLDS
            ]
        )
    shape = (-1, len(separations), len(THRESHOLDS), 2, len(sizes))
    scores = np.array(rows, dtype=np.float64).reshape(shape)
    f1, dice = scores[..., 0, :], scores[..., 1, :]
    return CutTable(tuple(separations), THRESHOLDS, sizes, f1, dice)


def _list_sizes(smallest: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys(round(smallest * factor) for factor in SIZE_FACTORS))


def _score_sizes(labels: LabelImage, truth: LabelImage, sizes: tuple[int, ...]) -> Floats:
    """Return F1 and Dice, shape (2, sizes), of a prediction without its ROIs below each size.

    The match is made once: an ROI has at most one partner above an IoU of 0.5, so that leaving
    one out changes no other pair.
    """
    match = match_labels(labels, truth)
    areas = np.bincount(labels.ravel(), minlength=1)
    areas[0] = 0
    shared = np.bincount(labels[truth != 0], minlength=areas.size)
    expected_area = int(np.count_nonzero(truth))
    found = []
    for size in sizes:
        stays = areas >= max(size, 1)
        matched = int(np.count_nonzero(stays[match.pairs[:, 0]]))
        rois = int(np.count_nonzero(stays)) + match.expected
        pixels = int(areas[stays].sum()) + expected_area
        found.append(
            (
                2 * matched / rois if rois else 1.0,
                2 * int(shared[stays].sum()) / pixels if pixels else 1.0,
            )
        )
    return np.array(found, dtype=np.float64).T


def _smooth(surface: Floats) -> Floats:
    """Return the surface (thresholds, sizes), each value mixed with its neighbours'."""
    for axis in (0, 1):
        before = np.take(surface, [0, *range(surface.shape[axis] - 1)], axis=axis)
        after = np.take(
            surface, [*range(1, surface.shape[axis]), surface.shape[axis] - 1], axis=axis
        )
        surface = _SMOOTHING[0] * before + _SMOOTHING[1] * surface + _SMOOTHING[2] * after
    return surface
