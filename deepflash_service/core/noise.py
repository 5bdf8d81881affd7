"""The noise of an image, measured from neighbouring pixels, whole or in pieces exactly alike."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.bands import plan_bands

if TYPE_CHECKING:
    import numpy.typing as npt

# a second difference of three independent Gaussian values has the variance 1 + 4 + 1 = 6,
# and the mean of |z| of a standard Gaussian is sqrt(2 / pi)
_TO_SIGMA = math.sqrt(math.pi / 2) / math.sqrt(6)
_NEAR, _FAR = 1, 8


@dataclass(slots=True)
class NoiseMeter:
    """Standard deviation of the noise of one channel, from second differences along the rows.

    Slopes drop out of second differences, and what is as smooth as a cell nearly does. Only
    pixels of the same row are compared, so any division into bands of whole rows gives the
    same number, bit for bit: the sum of a row does not depend on the other rows, and the sums of
    all rows are added without rounding. After J. Immerkaer, Fast noise variance estimation,
    Computer Vision and Image Understanding 64 (1996), in one dimension.
    """

    _row_sums: dict[int, list[float]] = field(default_factory=lambda: {_NEAR: [], _FAR: []})
    _counts: dict[int, int] = field(default_factory=lambda: {_NEAR: 0, _FAR: 0})

    def add(self, rows: npt.NDArray[Any]) -> None:
        """Count rows of the image.

        Parameters
        ----------
        rows : ndarray of shape (R, N)
            Raw intensities of any real type; fewer than three columns say nothing.
        """
        for start, stop in plan_bands((rows.shape[0], rows.shape[1]), values=1 << 20):
            values = np.ascontiguousarray(rows[start:stop], dtype=np.float64)
            for lag in (_NEAR, _FAR):
                if values.shape[1] > 2 * lag:
                    self._compare(values, lag)

    def find_sigma(self) -> float:
        """Return the standard deviation in raw units; 0 when nothing was measured.

        Neighbours are compared, so noise that is smooth from pixel to pixel hardly counts.
        """
        return self._find(_NEAR)

    def find_smooth(self) -> float:
        """Return the standard deviation of what neighbours share but pixels 8 apart do not.

        Noise that was blurred or enlarged, and cells of a like size. 0 for independent noise,
        and for images of fewer than 17 columns.
        """
        near, far = self._find(_NEAR), self._find(_FAR)
        return math.sqrt((far - near) * (far + near)) if far > near else 0.0

    def _compare(self, values: npt.NDArray[Any], lag: int) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            steps = values[:, : -2 * lag] - 2 * values[:, lag:-lag]
            steps += values[:, 2 * lag :]
            self._row_sums[lag] += np.abs(steps, out=steps).sum(axis=1).tolist()
        self._counts[lag] += steps.size

    def _find(self, lag: int) -> float:
        count = self._counts[lag]
        return _TO_SIGMA * math.fsum(self._row_sums[lag]) / count if count else 0.0


def measure_noise(plane: npt.NDArray[Any]) -> float:
    """Return the standard deviation of the noise of one channel in raw units.

    Parameters
    ----------
    plane : ndarray of shape (M, N)
        Raw intensities of any real type.

    Returns
    -------
    float
        0 for a constant image and for one with fewer than three columns.
    """
    meter = NoiseMeter()
    meter.add(plane)
    return meter.find_sigma()
