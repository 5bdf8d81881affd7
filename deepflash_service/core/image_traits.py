"""What an image looks like, in figures that depend on no unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.noise import measure_noise
from deepflash_service.core.normalization import measure_range, normalize

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_TINY = 1e-12
_OCTAVES = 5


def measure_image_traits(image: npt.NDArray[Any]) -> dict[str, float]:
    """Measure contrast, grain and texture of a raw image.

    None of them changes with the gain, offset or bit depth of the camera, nor, but for chance,
    with the size of the image.

    Parameters
    ----------
    image : ndarray of shape (M, N) or (M, N, C)
        Raw intensities of any real type.

    Returns
    -------
    dict
        ``contrast``: natural logarithm of the range (p99.8 - p1) in standard deviations of the
        noise. ``grain`` and ``texture``: natural logarithm of the variance of structures of 1 to
        2 and of 4 to 8 pixels, relative to that of 2 to 32 pixels; absent where the image is
        constant or smaller than 32 pixels. Of each further channel, with its number: ``contrast
        2``.

    Raises
    ------
    InputError
        Code ``invalid_image``.
    """
    values = np.asarray(image)
    planes = values[..., np.newaxis] if values.ndim == 2 else values
    traits: dict[str, float] = {}
    for channel in range(planes.shape[-1]):
        suffix = f" {channel + 1}" if channel else ""
        found = _measure_plane(planes[..., channel])
        traits |= {name + suffix: value for name, value in found.items()}
    return traits


def _measure_plane(plane: npt.NDArray[Any]) -> dict[str, float]:
    spread, noise = measure_range(plane), measure_noise(plane)
    traits = {"contrast": math.log(spread / noise) if spread > 0 and noise > 0 else 0.0}
    variances = _measure_octaves(normalize(plane))
    structure = float(variances[1:].sum())
    if variances.size == _OCTAVES and structure > _TINY:
        traits["grain"] = math.log(max(float(variances[0]), _TINY) / structure)
        traits["texture"] = math.log(max(float(variances[2]), _TINY) / structure)
    return traits


def _measure_octaves(plane: npt.NDArray[Any]) -> Floats:
    """Return how much variance is lost each time that four pixels are merged into one."""
    values = plane.astype(np.float64)
    lost = []
    for _ in range(_OCTAVES):
        rows, columns = values.shape[0] // 2, values.shape[1] // 2
        if not rows or not columns:
            break
        values = values[: 2 * rows, : 2 * columns]
        merged = values.reshape(rows, 2, columns, 2).mean(axis=(1, 3))
        lost.append(max(float(values.var() - merged.var()), 0.0))
        values = merged
    return np.array(lost, dtype=np.float64)
