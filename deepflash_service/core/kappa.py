"""Agreement of two annotators on pixels beyond what chance alone would give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.core.labels import find_foreground
from deepflash_service.core.overlaps import check_same_shape

if TYPE_CHECKING:
    import numpy.typing as npt


def cohen_kappa(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return Cohen's kappa of two masks, pixel by pixel.

    ``(observed - expected) / (1 - expected)``, where ``observed`` is the share of pixels on which
    both agree and ``expected`` that of two annotators who mark as much, but anywhere. For ROIs
    there is no kappa, as nobody can count the ROIs that both left out.

    Parameters
    ----------
    a, b : arrays of shape (M, N)
        Masks or label images.

    Returns
    -------
    float
        1: the same; 0: as by chance; below 0: worse. Where chance alone must agree (both mark
        nothing, or everything) 1.

    Raises
    ------
    InputError
        Code ``shape_mismatch``.

    Notes
    -----
    J. Cohen, Educational and Psychological Measurement 20, 37-46 (1960).
    """
    first, second = find_foreground(a, threshold=0.5), find_foreground(b, threshold=0.5)
    check_same_shape(first, second)
    if not first.size:
        return 1.0
    observed = float(np.mean(first == second))
    p, q = float(np.mean(first)), float(np.mean(second))
    expected = p * q + (1.0 - p) * (1.0 - q)
    return 1.0 if expected >= 1.0 else (observed - expected) / (1.0 - expected)
