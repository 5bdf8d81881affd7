"""Finding ROIs: what counts as a mask, connectivity, size filter, the variant of 2018."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.labels import (
    find_foreground,
    label_rois,
    remove_small_rois,
    split_touching,
)
from deepflash_service.errors import InputError


def draw_discs(*discs: tuple[int, int, int], shape: tuple[int, int] = (40, 60)) -> np.ndarray:
    """Draw discs (row, column, radius) as a mask."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    found = [np.hypot(rows - row, columns - column) <= radius for row, column, radius in discs]
    return np.asarray(np.any(found, axis=0))


def test_pixels_that_touch_at_a_corner_are_one_roi() -> None:
    """ROIs are 8-connected."""
    mask = np.eye(4, dtype=bool)
    np.testing.assert_array_equal(label_rois(mask), np.eye(4, dtype=np.int32))


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16, np.int64, np.float32])
def test_masks_of_all_types_give_the_same_rois(dtype: type) -> None:
    """Boolean, 0/255, 0/1 and probabilities mark the same ROIs."""
    mask = draw_discs((10, 10, 4), (30, 40, 6))
    values: np.ndarray = mask.astype(dtype) * (255 if dtype in {np.uint8, np.uint16} else 1)
    labels = label_rois(values)
    assert labels.dtype == np.int32
    assert labels.max() == 2
    np.testing.assert_array_equal(labels > 0, mask)


def test_label_images_are_taken_as_they_are() -> None:
    """More than two values are labels: touching ROIs stay apart, scattered parts together."""
    labels = np.array([[1, 2, 2], [0, 0, 0], [1, 3, 3]], dtype=np.uint16)
    np.testing.assert_array_equal(label_rois(labels), labels)


def test_gaps_between_labels_are_closed_in_their_order() -> None:
    """Labels 7, 30, 4000000000 become 1, 2, 3."""
    labels = np.array([[0, 7, 30], [0, 4_000_000_000, 30]], dtype=np.uint32)
    np.testing.assert_array_equal(label_rois(labels), [[0, 1, 2], [0, 3, 2]])


def test_huge_labels_without_background_are_numbered_from_one() -> None:
    """Renumbering never turns a label into background."""
    labels = np.array([[10**6, 2 * 10**6], [3 * 10**6, 3 * 10**6]])
    np.testing.assert_array_equal(label_rois(labels), [[1, 2], [3, 3]])


def test_threshold_itself_is_background() -> None:
    """A pixel is foreground above the threshold, not at it."""
    probability = np.array([[0.5, 0.500001, np.nan]])
    np.testing.assert_array_equal(label_rois(probability), [[0, 1, 0]])
    np.testing.assert_array_equal(label_rois(probability, threshold=0.4), [[1, 1, 0]])


def test_rois_of_exactly_the_minimum_size_stay() -> None:
    """Smaller ROIs go, equal ones stay, whichever comes last."""
    mask = np.array([[1, 1, 0, 1, 1, 1, 0, 1]], dtype=bool)
    np.testing.assert_array_equal(label_rois(mask, min_roi_size=2), [[1, 1, 0, 2, 2, 2, 0, 0]])


def test_empty_and_full_masks() -> None:
    """Nothing has no ROI, everything is one, and so is a zero-sized image."""
    assert label_rois(np.zeros((3, 4), dtype=bool)).max() == 0
    assert label_rois(np.full((3, 4), 255, dtype=np.uint8)).min() == 1
    assert label_rois(np.zeros((0, 4), dtype=bool)).shape == (0, 4)
    assert label_rois(np.zeros((3, 4), dtype=bool), variant="original").max() == 0


def test_two_values_without_zero_are_a_mask() -> None:
    """The larger of two values is the foreground, as in palette images."""
    np.testing.assert_array_equal(find_foreground(np.array([[1, 2]])), [[False, True]])
    np.testing.assert_array_equal(find_foreground(np.array([[1, 2, 3]])), [[True, True, True]])
    labels = np.array([[1, 1, 2]], dtype=np.int32)
    np.testing.assert_array_equal(label_rois(labels), labels)


@pytest.mark.parametrize(
    "array", [np.zeros(3), np.zeros((2, 2, 2)), np.array([["a"]]), np.array([[-1, 0]])]
)
def test_what_holds_no_rois_is_refused(array: np.ndarray) -> None:
    """One plane of non-negative numbers, or a sentence."""
    with pytest.raises(InputError):
        label_rois(array)


def test_unknown_variant_is_refused() -> None:
    """The sentence names the variants."""
    with pytest.raises(InputError, match="original"):
        label_rois(np.zeros((2, 2)), variant="old")  # type: ignore[arg-type]  # the point


def test_touching_discs_are_split() -> None:
    """A watershed gives each of two overlapping discs its half."""
    mask = draw_discs((20, 20, 10), (20, 36, 10))
    assert label_rois(mask).max() == 1
    split = split_touching(mask, min_distance=5)
    assert split.max() == 2
    np.testing.assert_array_equal(split > 0, mask)
    assert split[20, 20] != split[20, 36]


def test_distance_between_centres_must_be_positive() -> None:
    """Zero pixels is no distance."""
    with pytest.raises(InputError):
        split_touching(np.ones((3, 3), dtype=bool), min_distance=0)


def test_original_variant_drops_border_and_small_rois() -> None:
    """The variant of 2018: split, then borders, then size; the last ROI is checked as well."""
    mask = draw_discs((20, 20, 8), (20, 32, 8), (0, 50, 5), (33, 50, 1))
    labels = label_rois(mask, variant="original", min_roi_size=15)
    assert labels.max() == 2
    assert labels[33, 50] == 0
    assert labels[0, 50] == 0


def test_size_filter_keeps_an_untouched_image() -> None:
    """Nothing to remove means nothing is copied."""
    labels = np.array([[1, 1, 0, 2, 2]], dtype=np.int32)
    assert remove_small_rois(labels, min_roi_size=2) is labels
