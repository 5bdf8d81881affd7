"""How sure a model is of what it found in one image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.labels import label_rois
from deepflash_service.core.matching import match_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from deepflash_service.core.separation import Cut
    from deepflash_service.records import LabelImage, ProbabilityMap

Traits = Mapping[str, float]
"""What is measured of one image or its prediction, by name; free of units and of image size."""

_PARTS = 1 << 20
"""The uncertainty of a pixel is counted in such parts: their sum does not depend on the order."""

STEPS = (0.2, 0.4, 0.6, 0.8)
"""By which shares of its way to 0 and to 1 the threshold is moved, to see which ROIs stay."""


@dataclass(slots=True)
class UncertaintyMeter:
    """Mean uncertainty of the pixels of all ROIs of an image, exact in any division into bands."""

    _total: int = 0
    _count: int = 0
    _highest: float = 0.0

    def add(self, probability: ProbabilityMap, labels: LabelImage) -> None:
        """Count the pixels of a band, shapes (R, N)."""
        values = probability[labels > 0].astype(np.float64)
        self._total += int(np.rint(4 * values * (1 - values) * _PARTS).astype(np.int64).sum())
        self._count += values.size
        self._highest = max(self._highest, float(np.max(probability, initial=0.0)))

    def find(self) -> float:
        """Return the mean; that of the most probable pixel when there is no ROI."""
        if self._count:
            return self._total / _PARTS / self._count
        return 4 * self._highest * (1 - self._highest)


def measure_uncertainty(probability: ProbabilityMap, labels: LabelImage) -> float:
    """Return the mean uncertainty of the pixels that were found, between 0 (sure) and 1.

    The uncertainty of a pixel is the variance of its probability over members and mirrored views,
    plus the mean of p (1 - p), divided by the most that this can be (0.25). By the law of total
    variance that sum is p (1 - p) of the mean probability, so the map alone tells it (Kwon et
    al., Computational Statistics & Data Analysis 142 (2020), for the two parts).

    Parameters
    ----------
    probability : ndarray of shape (M, N)
        Mean over members and views.
    labels : ndarray of shape (M, N), int32
        ROIs found. Without any, the pixel with the highest probability counts.

    Returns
    -------
    float
    """
    meter = UncertaintyMeter()
    meter.add(probability, labels)
    return meter.find()


def measure_map_traits(maps: Sequence[npt.NDArray[Any]], cut: Cut) -> dict[str, float]:
    """Measure how firm a prediction is: the traits from which its F1 is forecast.

    Parameters
    ----------
    maps : sequence of ndarrays of shape (M, N)
        Probability map of each member; each is measured, and the mean returned, so that the
        figures of one member in training and of several later are of the same kind.
    cut : Cut
        How the model finds its ROIs. Stability is always that of connected ROIs: what melts
        together at a lower threshold tells where the model is in doubt.

    Returns
    -------
    dict
        ``uncertainty``: see :func:`measure_uncertainty`. ``stability``: mean F1 between the
        ROIs at a threshold 0.2, 0.4, 0.6, 0.8 of the way to 0 and to 1. ``diameter``: natural
        logarithm of the median equivalent diameter in pixels; ``density``: that of the share of
        the image that the ROIs cover; both absent when nothing was found. ``rois``: their number.
    """
    rows = [_measure_map(one, cut) for one in maps]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}


def _measure_map(stored: npt.NDArray[Any], cut: Cut) -> dict[str, float]:
    probability = np.asarray(stored, dtype=np.float32)
    labels = cut.find_rois(probability)

    def connect(threshold: float) -> LabelImage:
        return label_rois(probability, threshold=threshold, min_roi_size=cut.min_roi_size)

    matches = [
        match_labels(
            connect(cut.threshold * (1 - step)),
            connect(cut.threshold + (1 - cut.threshold) * step),
        )
        for step in STEPS
    ]
    traits = {
        "uncertainty": measure_uncertainty(probability, labels),
        "stability": float(np.mean([match.f1 for match in matches])),
    }
    areas = np.bincount(labels.ravel())[1:]
    areas = areas[areas > 0]
    traits["rois"] = float(areas.size)
    if areas.size:
        traits["diameter"] = float(np.log(np.median(2 * np.sqrt(areas / np.pi))))
        traits["density"] = float(np.log(areas.sum() / labels.size))
    return traits
