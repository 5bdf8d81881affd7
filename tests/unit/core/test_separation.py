"""Touching ROIs are parted, single ones are not."""

from __future__ import annotations

from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from deepflash_service.core.labels import label_components, label_rois
from deepflash_service.core.separation import NECK, Cut, open_necks
from deepflash_service.errors import InputError

Array = np.ndarray
SHAPE = (80, 90)


def draw(*ellipses: tuple[float, float, float, float]) -> Array:
    """Return a map that is 0.9 inside ellipses (row, column, half axes) and 0.1 outside."""
    rows, columns = np.indices(SHAPE)
    inside = np.zeros(SHAPE, dtype=bool)
    for row, column, high, wide in ellipses:
        inside |= ((rows - row) / high) ** 2 + ((columns - column) / wide) ** 2 <= 1
    return np.where(inside, 0.9, 0.1).astype(np.float32)


def part(probability: Array, *, min_roi_size: int = 5, neck: float = NECK) -> Array:
    """Label a map with the usual neck."""
    return Cut(0.5, min_roi_size, neck).find_rois(probability)


@pytest.mark.parametrize("radius", [6, 8, 15])
def test_two_touching_discs_are_parted(radius: int) -> None:
    """Both parts keep nearly all their pixels, and a gap lies between them."""
    probability = draw((40, 30, radius, radius), (40, 30 + 1.7 * radius, radius, radius))
    assert label_rois(probability).max() == 1
    labels = part(probability)
    assert labels.max() == 2
    assert (labels > 0).sum() > (probability > 0.5).sum() - 3 * radius
    assert label_components(labels > 0).max() == 2


@pytest.mark.parametrize(
    "ellipse", [(40, 40, 3, 3), (40, 40, 10, 10), (40, 40, 6, 18), (38.5, 40.3, 25, 12)]
)
def test_single_cells_stay_whole(ellipse: tuple[float, float, float, float]) -> None:
    """A disc or an ellipse is one ROI, without one changed pixel."""
    probability = draw(ellipse)
    assert Cut(0.5, 5, NECK).open_map(probability) is probability


@pytest.mark.parametrize("angle", range(0, 180, 15))
def test_turned_rough_ellipses_stay_whole(angle: int) -> None:
    """The outline of a real cell is rough by a pixel; that is no neck."""
    rows, columns = np.indices(SHAPE)
    turn = np.deg2rad(angle)
    along = (rows - 40) * np.cos(turn) + (columns - 45) * np.sin(turn)
    across = (columns - 45) * np.cos(turn) - (rows - 40) * np.sin(turn)
    noise = ndimage.gaussian_filter(np.random.default_rng(angle).normal(size=SHAPE), 2)
    inside = (along / 16) ** 2 + (across / 9) ** 2 + 0.5 * noise <= 1
    own = label_rois(ndimage.binary_opening(inside, np.ones((3, 3))), min_roi_size=100) == 1
    assert part(own.astype(np.float32)).max() == 1


def test_holes_stay_and_part_nothing() -> None:
    """A cell with a dark nucleus is one ROI with its hole."""
    probability = np.where(draw((40, 40, 6, 6)) > 0.5, 0.1, draw((40, 40, 14, 14)))
    labels = part(probability.astype(np.float32))
    assert labels.max() == 1
    np.testing.assert_array_equal(labels > 0, probability > 0.5)


def test_small_part_stays_with_its_neighbour() -> None:
    """A bud below the smallest size is not cut off."""
    probability = draw((40, 30, 12, 12), (40, 47, 7, 7))
    assert part(probability).max() == 2
    assert part(probability, min_roi_size=200).max() == 1


def test_the_size_that_is_counted_parts_nothing() -> None:
    """A larger minimum size removes a part; it does not give it back to its neighbour."""
    probability = draw((40, 30, 12, 12), (40, 47, 7, 7))
    both = part(probability)
    large = Cut(0.5, 200, NECK, smallest_part=5).find_rois(probability)
    np.testing.assert_array_equal(large, both == 1)


@pytest.mark.parametrize(("length", "width"), [(60, 16), (120, 24), (120, 40)])
def test_long_cells_with_steps_in_their_outline_stay_whole(length: int, width: int) -> None:
    """A step of one pixel every 25 is a neck of a thin cell, not of a thick one."""
    rows, columns = np.indices((60, 140))
    half = width / 2 + np.sin(columns * 2 * np.pi / 25)
    rod = (abs(rows - 30) < half) & (abs(columns - 70) < length / 2)
    assert part(rod.astype(np.float32), min_roi_size=30).max() == 1


def test_a_neck_is_measured_by_the_thinner_part() -> None:
    """What is no neck between two large discs parts a bud from a large disc."""
    assert part(draw((40, 25, 20, 20), (40, 45, 20, 20))).max() == 1
    assert part(draw((40, 25, 20, 20), (40, 47, 20, 20))).max() == 2
    assert part(draw((40, 30, 20, 20), (40, 55, 7, 7))).max() == 2


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize(("first", "last", "side"), [(20, 57, 20), (20, 55, 55)])
def test_a_small_part_goes_where_its_way_is_widest(
    first: int, last: int, side: int, turns: int
) -> None:
    """The one in the middle of a row is no ROI of its own, and stays with its closer neighbour."""
    row = np.rot90(draw((40, first, 12, 12), (40, 37, 6, 6), (40, last, 14, 14)), turns)
    assert part(row, min_roi_size=20).max() == 3
    labels = np.rot90(part(row, min_roi_size=130), -turns)
    assert labels.max() == 2
    assert labels[40, 37] == labels[40, side]


@pytest.mark.parametrize("smallest", [1, 60, 400])
def test_a_diffuse_map_takes_no_longer_than_its_pixels(smallest: int) -> None:
    """One component with a thousand parts is gone through once; before, once for each part."""
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(1024, 1024)), 2)
    probability = (0.5 + 0.15 * noise / noise.std()).astype(np.float32)
    part(probability[:200, :200])
    begin = process_time()
    labels = Cut(0.48, smallest, NECK).find_rois(probability)
    assert process_time() - begin < 5
    areas = np.bincount(labels.ravel())[1:]
    assert areas.size > 40
    assert areas.min() >= smallest


def test_at_threshold_0_nothing_is_parted() -> None:
    """No probability lies below 0."""
    probability = draw((40, 30, 10, 10), (40, 47, 10, 10))
    probability[probability < 0.5] = 0
    assert Cut(0.001, 5, NECK).find_rois(probability).max() == 2
    assert Cut(0.0, 5, NECK).open_map(probability) is probability


def test_rois_do_not_depend_on_their_neighbours() -> None:
    """A third cell nearby changes nothing."""
    two = draw((40, 25, 10, 10), (40, 42, 10, 10))
    more = draw((40, 25, 10, 10), (40, 42, 10, 10), (62, 33, 9, 9))
    alone, beside = part(two), part(more)
    np.testing.assert_array_equal(alone > 0, (beside > 0) & (two > 0.5))


def test_depth_decides() -> None:
    """A deeper neck is asked for: the same two discs stay together; 0 switches it off."""
    probability = draw((40, 30, 10, 10), (40, 44, 10, 10))
    assert part(probability, neck=0.5).max() == 2
    assert part(probability, neck=4.0).max() == 1
    assert part(probability, neck=0.0).max() == 1
    with pytest.raises(InputError, match="negative"):
        part(probability, neck=-1.0)


LEVELS = st.sampled_from([0.0, 0.2, 0.6, 1.0])
SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=30)


@given(
    arrays(np.float32, SHAPES, elements=LEVELS),
    st.sampled_from([0.0, 1e-40, 0.25, 0.45, 0.55, 0.9]),
    st.integers(0, 9),
)
def test_gaps_only_take_foreground_away(image: Array, threshold: float, smallest: int) -> None:
    """Only foreground falls, to just below the threshold, in float32 and in float64."""
    before = image.copy()
    opened = open_necks(image, threshold=threshold, smallest=smallest, neck=0.5)
    np.testing.assert_array_equal(image, before)
    changed = opened != image
    assert (opened >= 0).all()
    assert (image[changed] > threshold).all()
    assert not (opened[changed] > threshold).any()
    assert not (opened[changed].astype(np.float64) > threshold).any()
    assert (opened[changed] > threshold - 0.001).all()
