"""Scores of a prediction against a truth, by pixels and by ROIs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.labels import find_foreground, label_rois
from deepflash_service.core.matching import RoiMatch, divide_or, match_labels
from deepflash_service.core.overlaps import check_same_shape, read_labels
from deepflash_service.errors import InputError
from deepflash_service.records import RoiScores

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from deepflash_service.records import LabelImage, LabelVariant

_RATIOS = ("pixel_jaccard", "dice", "roi_jaccard", "precision", "recall", "f1")
_COUNTS = ("matched", "predicted", "expected")


@dataclass(frozen=True, slots=True)
class AgreementCounts:
    """Numbers behind the scores of one image, or of several added up.

    ``shared``, ``predicted_area`` and ``expected_area`` are pixels; ``matched``, ``predicted`` and
    ``expected`` are ROIs.
    """

    shared: int
    predicted_area: int
    expected_area: int
    matched: int
    predicted: int
    expected: int

    def to_scores(self) -> RoiScores:
        """Return the scores; where both sides are empty, 1."""
        rois = RoiMatch(
            np.zeros((0, 2), dtype=np.int64),
            np.zeros(self.matched),
            self.predicted,
            self.expected,
        )
        areas = self.predicted_area + self.expected_area
        return RoiScores(
            pixel_jaccard=divide_or(self.shared, areas - self.shared, empty=True),
            dice=divide_or(2 * self.shared, areas, empty=True),
            roi_jaccard=rois.roi_jaccard,
            precision=rois.precision,
            recall=rois.recall,
            f1=rois.f1,
            matched=self.matched,
            predicted=self.predicted,
            expected=self.expected,
        )


def pixel_jaccard(a: npt.ArrayLike, b: npt.ArrayLike, *, threshold: float = 0.5) -> float:
    """Return shared pixels over all pixels of two masks; 1 if both are empty.

    Parameters
    ----------
    a, b : arrays of shape (M, N)
        Masks, label images or probability maps.
    threshold : float
        For probability maps: foreground is above it.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    shared, first, second = _count_pixels(a, b, threshold=threshold)
    return divide_or(shared, first + second - shared, empty=True)


def dice(a: npt.ArrayLike, b: npt.ArrayLike, *, threshold: float = 0.5) -> float:
    """Return twice the shared pixels over the sum of both areas; 1 if both are empty.

    Parameters
    ----------
    a, b : arrays of shape (M, N)
        Masks, label images or probability maps.
    threshold : float
        For probability maps: foreground is above it.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    InputError
        Code ``shape_mismatch``.
    """
    shared, first, second = _count_pixels(a, b, threshold=threshold)
    return divide_or(2 * shared, first + second, empty=True)


def roi_jaccard(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    min_roi_size: int = 0,
    variant: LabelVariant = "standard",
) -> float:
    """Return matched ROIs (IoU at least 0.5) over all different ROIs; 1 if there are none.

    Parameters
    ----------
    a, b : arrays of shape (M, N)
        Masks, label images or probability maps.
    min_roi_size : int
        ROIs with fewer pixels are left out on both sides.
    variant : {"standard", "original"}
        How ROIs are found; see :func:`deepflash_service.core.labels.label_rois`.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    InputError
        Code ``shape_mismatch``, or unusable arrays.
    """
    first, second = (
        label_rois(array, min_roi_size=min_roi_size, variant=variant) for array in (a, b)
    )
    return match_labels(first, second).roi_jaccard


def score_prediction(
    prediction: npt.ArrayLike, truth: npt.ArrayLike, *, iou: float = 0.5
) -> RoiScores:
    """Score a prediction against a truth.

    Parameters
    ----------
    prediction, truth : arrays of shape (M, N)
        Label images or masks, after threshold and size filter.
    iou : float
        Smallest intersection over union of a match.

    Returns
    -------
    RoiScores

    Raises
    ------
    InputError
        Code ``shape_mismatch``, or ``iou`` out of range.
    """
    return count_agreement(prediction, truth, iou=iou).to_scores()


def count_agreement(
    prediction: npt.ArrayLike, truth: npt.ArrayLike, *, iou: float = 0.5
) -> AgreementCounts:
    """Count what `score_prediction` divides, so that images can be added up.

    Parameters
    ----------
    prediction, truth : arrays of shape (M, N)
        Label images or masks.
    iou : float
        Smallest intersection over union of a match.

    Returns
    -------
    AgreementCounts
    """
    return count_labels(read_labels(prediction), read_labels(truth), iou=iou)


def count_labels(prediction: LabelImage, truth: LabelImage, *, iou: float = 0.5) -> AgreementCounts:
    """Count the agreement of two label images, taken as they are; see `count_agreement`.

    Parameters
    ----------
    prediction, truth : ndarrays of shape (M, N), int32
    iou : float
        Smallest intersection over union of a match.

    Returns
    -------
    AgreementCounts
    """
    match = match_labels(prediction, truth, iou=iou)
    return AgreementCounts(
        *_count_pixels(prediction != 0, truth != 0), match.matched, match.predicted, match.expected
    )


def score_labels(prediction: LabelImage, truth: LabelImage, *, iou: float = 0.5) -> RoiScores:
    """Score two label images, taken as they are; see `score_prediction`.

    Parameters
    ----------
    prediction, truth : ndarrays of shape (M, N), int32
    iou : float
        Smallest intersection over union of a match.

    Returns
    -------
    RoiScores
    """
    return count_labels(prediction, truth, iou=iou).to_scores()


def average_scores(scores: Sequence[RoiScores]) -> RoiScores:
    """Return the mean of each ratio over images, beside the summed counts.

    Parameters
    ----------
    scores : sequence of RoiScores

    Returns
    -------
    RoiScores

    Raises
    ------
    InputError
        No scores.
    """
    if not scores:
        raise InputError("There are no scores to average. Compare at least one image.")
    means = {name: float(np.mean([getattr(one, name) for one in scores])) for name in _RATIOS}
    sums = {name: sum(getattr(one, name) for one in scores) for name in _COUNTS}
    return RoiScores.model_validate(means | sums)


def pool_scores(counts: Sequence[AgreementCounts]) -> RoiScores:
    """Return the scores of all images taken as one large image.

    Parameters
    ----------
    counts : sequence of AgreementCounts

    Returns
    -------
    RoiScores

    Raises
    ------
    InputError
        No counts.
    """
    if not counts:
        raise InputError("There are no scores to pool. Compare at least one image.")
    return AgreementCounts(
        shared=sum(one.shared for one in counts),
        predicted_area=sum(one.predicted_area for one in counts),
        expected_area=sum(one.expected_area for one in counts),
        matched=sum(one.matched for one in counts),
        predicted=sum(one.predicted for one in counts),
        expected=sum(one.expected for one in counts),
    ).to_scores()


def _count_pixels(
    a: npt.ArrayLike, b: npt.ArrayLike, *, threshold: float = 0.5
) -> tuple[int, int, int]:
    first, second = (find_foreground(array, threshold=threshold) for array in (a, b))
    check_same_shape(first, second)
    return (
        int(np.count_nonzero(first & second)),
        int(np.count_nonzero(first)),
        int(np.count_nonzero(second)),
    )
