"""Measurements of ROIs in a label image that comes in bands of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.roi_tables import RoiFacts
from deepflash_service.core.uncertainty import UncertaintyMeter

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.records import LabelImage, ProbabilityMap

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class RoiBounds:
    """Bounding boxes of K ROIs: first row and column, and the ones behind the last."""

    tops: Integers
    lefts: Integers
    bottoms: Integers
    rights: Integers


class RoiSums:
    """Sums over the pixels of the ROIs 1 to K, about 80 bytes each.

    Pixels are added one after the other in reading order, so that the results equal, bit for bit,
    those of ``measurements.measure_rois`` for the whole image.

    Parameters
    ----------
    count : int
        Number of ROIs.
    """

    def __init__(self, count: int) -> None:
        self._areas = np.zeros(count, dtype=np.int64)
        self._sums: dict[str, Floats] = {
            name: np.zeros(count) for name in ("rows", "columns", "levels", "chances")
        }
        self._lows, self._highs = np.full(count, np.inf), np.full(count, -np.inf)
        self._doubts = UncertaintyMeter()
        most = np.iinfo(np.int32).max
        self.bounds = RoiBounds(
            tops=np.full(count, most, dtype=np.int32),
            lefts=np.full(count, most, dtype=np.int32),
            bottoms=np.zeros(count, dtype=np.int32),
            rights=np.zeros(count, dtype=np.int32),
        )

    def add_rows(
        self,
        first: int,
        labels: LabelImage,
        *,
        image: npt.NDArray[Any],
        probability: ProbabilityMap,
    ) -> None:
        """Add a band; bands come from top to bottom.

        Parameters
        ----------
        first : int
            Row of the image that the band begins with.
        labels : ndarray of shape (R, N), int32
            Final labels.
        image, probability : ndarray of shape (R, N)
            Intensities and probabilities.
        """
        self._doubts.add(probability, labels)
        rows, columns = np.nonzero(labels)
        own = labels[rows, columns] - 1
        levels = image[rows, columns].astype(np.float64)
        np.add.at(self._areas, own, 1)
        np.add.at(self._sums["levels"], own, levels)
        np.add.at(self._sums["chances"], own, probability[rows, columns].astype(np.float64))
        np.minimum.at(self._lows, own, levels)
        np.maximum.at(self._highs, own, levels)
        rows += first
        np.add.at(self._sums["rows"], own, rows.astype(np.float64))
        np.add.at(self._sums["columns"], own, columns.astype(np.float64))
        across, down = columns.astype(np.int32), rows.astype(np.int32)
        np.minimum.at(self.bounds.tops, own, down)
        np.minimum.at(self.bounds.lefts, own, across)
        np.maximum.at(self.bounds.bottoms, own, down + 1)
        np.maximum.at(self.bounds.rights, own, across + 1)

    def rate(self) -> Floats:
        """Return the mean probability of each ROI, shape (K,)."""
        return np.asarray(self._sums["chances"] / self._areas)

    def find_uncertainty(self) -> float:
        """Return the uncertainty of all pixels that were found."""
        return self._doubts.find()

    def finish(self, lengths: Floats, *, shape: tuple[int, int]) -> RoiFacts:
        """Return the measurements.

        Parameters
        ----------
        lengths : ndarray of shape (K,), float64
            Perimeter of each ROI.
        shape : (M, N)
            Rows and columns of the image.

        Returns
        -------
        RoiFacts
        """
        box = self.bounds
        inside = (box.tops > 0) & (box.lefts > 0)
        inside &= (box.bottoms < shape[0]) & (box.rights < shape[1])
        return RoiFacts(
            numbers=np.arange(1, self._areas.size + 1),
            areas=self._areas,
            rows=self._sums["rows"] / self._areas + 0.5,
            columns=self._sums["columns"] / self._areas + 0.5,
            means=self._sums["levels"] / self._areas,
            lows=self._lows,
            highs=self._highs,
            chances=self.rate(),
            lengths=lengths,
            borders=(~inside).astype(np.int64),
        )
