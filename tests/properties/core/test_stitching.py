"""Bands of a mask, labelled one by one, give the labels of the whole mask."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from deepflash_service.core import stitching
from deepflash_service.core.labels import label_rois
from deepflash_service.core.stitching import BandStitcher
from deepflash_service.errors import ComputeError

CONNECTED = np.ones((3, 3), dtype=bool)


def draw_spiral(side: int) -> np.ndarray:
    """Return a line of one pixel that winds inwards, two pixels apart."""
    mask = np.zeros((side, side), dtype=bool)
    place, step, stop = (0, 0), (0, 1), False
    mask[0, 0] = True
    while not stop:
        stop = True
        while _is_free(mask, place, step):
            place = place[0] + step[0], place[1] + step[1]
            mask[place] = True
            stop = False
        step = step[1], -step[0]
    return mask


def _is_free(mask: np.ndarray, place: tuple[int, int], step: tuple[int, int]) -> bool:
    """Tell whether a line can go on by one pixel and not touch itself."""
    ahead, beyond = ((place[0] + k * step[0], place[1] + k * step[1]) for k in (1, 2))
    if not all(0 <= one < len(mask) for one in ahead) or mask[ahead]:
        return False
    return not all(0 <= one < len(mask) for one in beyond) or not mask[beyond]


def draw_comb(side: int) -> np.ndarray:
    """Return teeth that are one ROI only because of the last row."""
    mask = np.zeros((side, side), dtype=bool)
    mask[:, ::2] = mask[-1] = True
    return mask


def draw_rings(side: int) -> np.ndarray:
    """Return rings inside rings: ROIs in the holes of others."""
    place = np.arange(side) - (side - 1) / 2
    distance = np.maximum(np.abs(place), np.abs(place)[:, np.newaxis])
    return np.asarray(distance.astype(int) % 2 == 0)


def draw_diagonals(side: int) -> np.ndarray:
    """Return lines that go on at corners only, in both directions."""
    place = np.arange(side)
    down = place[:, np.newaxis]
    return np.asarray(((place + down) % 7 == 0) | ((place - down) % 11 == 0))


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """Random masks from sparse to percolating, and shapes that join far away."""
    kind = draw(st.sampled_from(["noise", "spiral", "comb", "rings", "diagonals"]))
    side = draw(st.integers(1, 33))
    if kind != "noise":
        shapes: dict[str, Callable[[int], np.ndarray]] = {
            "spiral": draw_spiral,
            "comb": draw_comb,
            "rings": draw_rings,
            "diagonals": draw_diagonals,
        }
        return np.rot90(shapes[kind](side), draw(st.integers(0, 3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.03, 0.2, 0.4, 0.45, 0.5, 0.6, 0.95, 1.0]))
    return rng.random((side, draw(st.integers(1, 33)))) < density


def stitch(mask: np.ndarray, cuts: list[int], smallest: int) -> tuple[np.ndarray, int]:
    """Label a mask in bands that end at the cuts."""
    ends = [0, *sorted({cut for cut in cuts if 0 < cut < len(mask)}), len(mask)]
    bands = list(pairwise(ends))
    stitcher = BandStitcher(smallest, len(bands))
    for start, stop in bands:
        stitcher.add_band(mask[start:stop])
    stitched = stitcher.finish()
    parts = [stitched.label_band(k, mask[a:b]) for k, (a, b) in enumerate(bands)]
    return np.concatenate(parts), stitched.count


@settings(deadline=None, max_examples=300)
@given(masks(), st.lists(st.integers(1, 32), max_size=8), st.sampled_from([0, 1, 2, 5, 30]))
@example(draw_spiral(25), list(range(1, 25)), 0)
@example(draw_comb(16), [1, 15], 20)
@example(draw_rings(31), [10, 11, 12], 8)
def test_bands_give_the_labels_of_the_whole(
    mask: np.ndarray, cuts: list[int], smallest: int
) -> None:
    """Same ROIs, same numbers, same size filter, wherever the bands end."""
    labels, count = stitch(mask, cuts, smallest)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, label_rois(mask, min_roi_size=smallest))
    assert count == labels.max()
    if smallest <= 1:
        expected, number = ndimage.label(mask, structure=CONNECTED)
        np.testing.assert_array_equal(labels, expected)
        assert count == number


def test_spiral_is_one_roi() -> None:
    """The spiral of these tests really winds: one ROI that crosses every border many times."""
    mask = draw_spiral(41)
    assert 500 < mask.sum() < 1000
    labels, count = stitch(mask, list(range(1, 41)), 0)
    assert count == 1
    np.testing.assert_array_equal(labels > 0, mask)


def test_noise_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts that are kept are counted; small ones inside a band do not count."""
    monkeypatch.setattr(stitching, "MOST_PARTS", 20)
    mask = np.zeros((9, 60), dtype=bool)
    mask[4, ::2] = True
    assert stitch(mask, [], 2)[1] == 0
    with pytest.raises(ComputeError) as caught:
        stitch(mask, [], 1)
    assert caught.value.code == "too_many_rois"
