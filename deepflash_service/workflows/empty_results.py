"""Why an image has no ROIs: a result that is empty comes with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.labels import label_rois
from deepflash_service.core.noise import NoiseMeter
from deepflash_service.core.normalization import measure_range, measure_stretches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepflash_service.records import ProbabilityMap

_DARKENED = 1.15
"""Factor by which the span must have grown before noise is named as a reason."""
_SMALL_ROIS = "lower the minimum ROI size if these are what you look for."


def tell_empty(planes: Sequence[int], count: int, reason: str) -> str:
    """Return the sentence that names the planes without ROI.

    Parameters
    ----------
    planes : sequence of int
        Their numbers from 1, rising; at least one.
    count : int
        How many planes were segmented.
    reason : str
        Why there is none in the first of them.
    """
    if count == 1:
        return f"found nothing: {reason}"
    if len(planes) == 1:
        return f"found nothing in plane {planes[0]} of {count}: {reason}"
    return (
        f"found nothing in {len(planes)} of {count} planes ({_name_numbers(planes)}); in plane "
        f"{planes[0]}, {reason}"
    )


def explain_nothing(
    pixels: Any, probability: ProbabilityMap, *, threshold: float, smallest: int
) -> str:
    """Return in words why a plane has no ROI, for :func:`tell_empty`.

    Parameters
    ----------
    pixels : ndarray of shape (M, N) or (M, N, C)
        Raw intensities.
    probability : ndarray of shape (M, N)
        What the model made of them.
    threshold, smallest : float, int
        By which ROIs were made.
    """
    if float(np.max(pixels)) == float(np.min(pixels)):
        return f"all pixels have the value {float(np.max(pixels)):g}."
    highest = float(probability.max())
    if highest > threshold:
        areas = np.bincount(label_rois(probability, threshold=threshold).ravel())[1:]
        return (
            f"the largest of {areas.size} regions has {areas.max()} pixels, the "
            f"minimum ROI size is {smallest}; {_SMALL_ROIS}"
        )
    return f"{_describe_light(pixels)}{explain_low(highest, threshold)}"


def explain_low(highest: float, threshold: float) -> str:
    """Return in words that no probability reaches the threshold."""
    return f"the highest probability is {highest:.2f}, the threshold {threshold:g}."


def explain_small(smallest: int) -> str:
    """Return in words that no region is large enough."""
    return f"no region has the minimum ROI size of {smallest} pixels; {_SMALL_ROIS}"


def _name_numbers(numbers: Sequence[int]) -> str:
    """Return rising numbers as ``1, 3-5``."""
    known = set(numbers)
    starts = [one for one in numbers if one - 1 not in known]
    ends = [one for one in numbers if one + 1 not in known]
    pairs = zip(starts, ends, strict=True)
    return ", ".join(f"{start}-{end}" if end > start else str(start) for start, end in pairs)


def _describe_light(pixels: Any) -> str:
    """Return that there is hardly more than noise, or nothing."""
    stack = pixels if pixels.ndim == 3 else pixels[..., np.newaxis]
    ratios = []
    for channel, (_, span) in enumerate(measure_stretches(stack)):
        plane = stack[..., channel]
        spread, noise = measure_range(plane), NoiseMeter()
        noise.add(plane)
        if spread == 0 or span < _DARKENED * spread:
            return ""
        ratios.append(spread / max(noise.find_sigma(), noise.find_smooth()))
    return (
        "the image holds hardly more than noise (its intensities span "
        f"{max(ratios):.1f} standard deviations of it), and "
    )
