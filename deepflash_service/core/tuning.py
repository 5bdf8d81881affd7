"""Choose where a probability map is cut: the threshold, and the smallest ROI that stays.

Both are chosen on images that the predicting member never saw. The usual cut (0.5 and the size of
the smallest annotated ROIs) stays unless another one is clearly better, because a few images say
little about the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.labels import remove_small_rois
from deepflash_service.core.matching import match_labels
from deepflash_service.core.separation import Label, make_label
from deepflash_service.errors import InputError
from deepflash_service.records import LabelImage, ProbabilityMap

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

USUAL_THRESHOLD = 0.5
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(4, 17))
SIZE_FACTORS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
LEAST_GAIN = 0.005
TIE = 0.003
CHANCE = 0.02
"""By how much the scores of one image may prefer another cut without a reason."""

_SMOOTHING = (0.25, 0.5, 0.25)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where probability maps are cut, and the mean scores that this gives.

    ``min_roi_size`` is an area in pixels; ``f1`` (ROIs, IoU at least 0.5) and ``dice`` are means
    over the images on which the cut was chosen.
    """

    threshold: float
    min_roi_size: int
    f1: float
    dice: float


@dataclass(frozen=True, slots=True)
class CutTable:
    """Scores of each image at each cut.

    Attributes
    ----------
    thresholds : tuple of float
    sizes : tuple of int
        Minimum ROI sizes in pixels; the first is the usual one.
    f1, dice : ndarrays of shape (images, thresholds, sizes), float64
    """

    thresholds: tuple[float, ...]
    sizes: tuple[int, ...]
    f1: Floats
    dice: Floats

    def choose(self, images: Sequence[int] | None = None) -> Cut:
        """Return the best cut for some images.

        A cut is as good as the mean of F1 and Dice over the images, smoothed over neighbouring
        cuts. The usual one stays unless another is better by more than ``LEAST_GAIN`` and than
        chance (``CHANCE`` over the root of the number of images). Of all cuts within ``TIE`` of
        the best, the one with the best Dice is taken.

        Parameters
        ----------
        images : sequence of int, optional
            0-based; all images if not given. Without any image the usual cut is returned, with
            scores that are not a number.
        """
        chosen = list(range(len(self.f1))) if images is None else list(images)
        usual = (self.thresholds.index(USUAL_THRESHOLD), 0)
        if not chosen:
            return Cut(USUAL_THRESHOLD, self.sizes[0], float("nan"), float("nan"))
        f1, dice = self.f1[chosen].mean(axis=0), self.dice[chosen].mean(axis=0)
        rating = _smooth((f1 + dice) / 2)
        row, column = usual
        if rating.max() - rating[usual] > max(LEAST_GAIN, CHANCE / len(chosen) ** 0.5):
            tied = np.where(rating >= rating.max() - TIE, _smooth(dice), -1.0)
            row, column = divmod(int(tied.argmax()), tied.shape[1])
        return Cut(
            self.thresholds[row],
            self.sizes[column],
            float(f1[row, column]),
            float(dice[row, column]),
        )


def choose_cut(
    maps: Sequence[ProbabilityMap],
    truths: Sequence[LabelImage],
    *,
    min_roi_size: int,
    may_change_size: bool = True,
    label: Label | None = None,
) -> Cut:
    """Choose threshold and minimum ROI size by the scores of ROIs and pixels over images.

    Parameters
    ----------
    maps : sequence of ndarrays of shape (M, N), float
        Predicted by members that never saw the image.
    truths : sequence of ndarrays of shape (M, N), int32
        Label images.
    min_roi_size : int
        Of the smallest annotated ROIs, in pixels; smaller ROIs are removed from the truth.
    may_change_size : bool
        Whether a larger minimum size may be chosen.
    label : callable, optional
        How ROIs are found; :func:`deepflash_service.core.labels.label_rois` if not given.

    Returns
    -------
    Cut

    Raises
    ------
    InputError
        No images, or code ``shape_mismatch``.
    """
    if not len(maps):
        raise InputError("There is no image on which a threshold could be chosen.")
    table = measure_cuts(
        zip(maps, truths, strict=True),
        min_roi_size=min_roi_size,
        may_change_size=may_change_size,
        label=label,
    )
    return table.choose()


def measure_cuts(
    pairs: Iterable[tuple[ProbabilityMap, LabelImage]],
    *,
    min_roi_size: int,
    may_change_size: bool = True,
    label: Label | None = None,
) -> CutTable:
    """Score each image at each threshold and minimum ROI size; see :func:`choose_cut`.

    Parameters
    ----------
    pairs : iterable of tuples (probability map, truth)
        Taken one after the other, so that only one image need be in memory.
    min_roi_size : int
        Of the smallest annotated ROIs, in pixels.
    may_change_size : bool
        Whether larger minimum sizes are tried.
    label : callable, optional
        How ROIs are found.

    Returns
    -------
    CutTable

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    sizes = _list_sizes(min_roi_size) if may_change_size else (min_roi_size,)
    find = label or make_label(0.0)
    rows = []
    for probability, truth in pairs:
        expected = remove_small_rois(truth, min_roi_size=min_roi_size)
        values = np.asarray(probability, dtype=np.float32)
        rows.append(
            [
                _score_sizes(find(values, threshold, min_roi_size), expected, sizes)
                for threshold in THRESHOLDS
            ]
        )
    scores = np.array(rows, dtype=np.float64).reshape(-1, len(THRESHOLDS), 2, len(sizes))
    return CutTable(THRESHOLDS, sizes, scores[:, :, 0], scores[:, :, 1])


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
