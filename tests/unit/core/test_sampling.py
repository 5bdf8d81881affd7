"""Training examples, folds, border weights and tiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from deepflash_service.core.augmentation import NO_VARIATION
from deepflash_service.core.labels import label_components
from deepflash_service.core.sampling import (
    Example,
    Sampling,
    cut_contacts,
    draw_batch,
    make_example,
    split_folds,
    weigh_borders,
)
from deepflash_service.errors import InputError


@pytest.fixture
def example() -> Example:
    """One image of 200 x 150 pixels with two cells; the image shows its own mask."""
    mask = np.zeros((200, 150), dtype=bool)
    mask[40:52, 60:70] = True
    mask[120:130, 20:33] = True
    return make_example(mask.astype(np.float32), [mask])


def test_folds_follow_the_sorted_names() -> None:
    """Image i of the sorted names is held out in fold i mod k, each exactly once."""
    names = ["d", "a", "c", "b", "e"]
    assert split_folds(names, folds=2) == ((1, 2, 4), (0, 3))
    assert split_folds(names, folds=9) == ((1,), (3,), (2,), (0,), (4,))


def test_one_image_leaves_nothing_to_hold_out() -> None:
    """With one image there is one fold that holds out nothing."""
    assert split_folds(["a"], folds=3) == ((),)


def test_border_weights_rise_between_touching_rois_only() -> None:
    """A narrow gap weighs most, the inside of ROIs 2, the rest 1."""
    labels = np.zeros((60, 60), dtype=np.int32)
    labels[20:30, 10:20] = 1
    labels[20:30, 21:31] = 2
    weights = weigh_borders(labels)
    assert weights[25, 20] == pytest.approx(1 + 10 * np.exp(-(2.0**2) / 4.5), rel=1e-5)
    assert (weights[labels > 0] == 2).all()
    assert weights[55, 55] == pytest.approx(1.0, abs=1e-6)
    lone = weigh_borders(np.where(labels == 1, 1, 0).astype(np.int32))
    np.testing.assert_allclose(lone[labels != 1], 1.0, atol=1e-6)


def test_border_weights_equal_the_plain_formula() -> None:
    """The weights computed in boxes equal those from full distance maps."""
    from scipy.ndimage import distance_transform_edt

    rng = np.random.default_rng(0)
    labels = np.zeros((80, 90), dtype=np.int32)
    for index in range(1, 9):
        row, column = rng.integers(0, 70, 2)
        labels[row : row + 8, column : column + 6] = index
    present = [index for index in range(1, 9) if (labels == index).any()]
    maps = np.sort([distance_transform_edt(labels != index) for index in present], axis=0)
    gap = 1 + 10 * np.exp(-((maps[0] + maps[1]) ** 2) / 4.5)
    expected = np.where(labels > 0, 2, gap)
    np.testing.assert_allclose(weigh_borders(labels), expected, atol=0.05)


def test_batches_repeat_with_the_seed(example: Example) -> None:
    """The same generator state draws the same tiles, another one others."""
    first, again, other = (
        draw_batch([example], Sampling(tile=64), np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)


def test_batch_shapes_and_values(example: Example) -> None:
    """Tiles have the promised shapes; masks stay binary, weights stay at least 1."""
    batch = draw_batch([example], Sampling(tile=48, batch=3), np.random.default_rng(0))
    assert batch.images.shape == (3, 48, 48, 1)
    assert batch.masks.shape == batch.weights.shape == (3, 48, 48)
    assert set(np.unique(batch.masks)) <= {0.0, 1.0}
    assert batch.weights.min() >= 1.0
    assert all(a.dtype == np.float32 for a in (batch.images, batch.masks, batch.weights))


def test_image_and_mask_move_together(example: Example) -> None:
    """After any turn and scale the tile still shows its own mask."""
    from dataclasses import replace

    from deepflash_service.core.augmentation import Variation

    variation = replace(
        Variation(), gamma_share=0, light_share=0, shade_share=0, noise_share=0, blur_share=0
    )
    sampling = Sampling(tile=96, batch=16, foreground_share=1.0, variation=variation)
    batch = draw_batch([example], sampling, np.random.default_rng(5))
    assert batch.masks.mean() > 0.005
    agrees = (batch.images[..., 0] > 0.5) == (batch.masks > 0.5)
    assert agrees.mean() > 0.995


def test_foreground_share_decides_how_often_cells_are_seen(example: Example) -> None:
    """With a share of 1 every tile shows a cell; with 0 most tiles of 32 pixels show none."""
    rng = np.random.default_rng(0)
    seen = {
        share: np.mean(
            [
                draw_batch([example], Sampling(32, 8, share, NO_VARIATION), rng)
                .masks.any(axis=(1, 2))
                .mean()
                for _ in range(10)
            ]
        )
        for share in (0.0, 1.0)
    }
    assert seen[1.0] > 0.9
    assert seen[0.0] < 0.4


def test_every_target_is_drawn() -> None:
    """With several annotations each one is used."""
    image = np.zeros((40, 40), dtype=np.float32)
    full, empty = np.ones((40, 40), dtype=bool), np.zeros((40, 40), dtype=bool)
    example = make_example(image, [full, empty])
    batch = draw_batch([example], Sampling(16, 32), np.random.default_rng(0))
    assert set(batch.masks.mean(axis=(1, 2))) == {0.0, 1.0}


def test_image_without_any_roi_can_be_drawn() -> None:
    """An image with an empty annotation is a valid example."""
    example = make_example(
        np.zeros((20, 30), dtype=np.float32), [np.zeros((20, 30), dtype=np.uint8)]
    )
    assert not draw_batch([example], Sampling(16, 2), np.random.default_rng(0)).masks.any()


def test_label_images_keep_touching_rois_apart() -> None:
    """Two ROIs that touch in a label image are not one ROI for the weights."""
    labels = np.zeros((30, 30), dtype=np.uint16)
    labels[5:15, 5:15], labels[16:26, 5:15], labels[5:15, 20:25] = 1, 2, 3
    example = make_example(np.zeros((30, 30), dtype=np.float32), [labels])
    assert example.weights[0][15, 10] > 5


@given(
    arrays(np.int32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 4))
)
def test_cut_contacts_equals_the_plain_rule(labels: np.ndarray) -> None:
    """Exactly the pixels of an ROI with a pixel of another ROI among their neighbours go."""
    mask = cut_contacts(labels)
    for row, column in np.ndindex(labels.shape):
        own = labels[row, column]
        around = labels[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        assert mask[row, column] == (own > 0 and set(np.unique(around)) <= {0, own})


def test_touching_rois_are_learnt_apart() -> None:
    """The mask to learn has as many components as the label image has ROIs, by half of them."""
    labels = np.zeros((40, 40), dtype=np.int32)
    labels[5:20, 5:20], labels[20:35, 5:20], labels[12:27, 20:35] = 1, 2, 3
    example = make_example(np.zeros((40, 40), dtype=np.float32), [labels])
    assert label_components(example.masks[0] > 0).max() == 3
    assert (example.weights[0][(labels > 0) & (example.masks[0] == 0)] > 5).all()
    alone = np.where(labels == 3, 3, 0).astype(np.int32)
    np.testing.assert_array_equal(cut_contacts(alone), alone > 0)


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        ([], "invalid_annotation"),
        ([np.zeros((3, 4), dtype=bool)], "shape_mismatch"),
        ([np.zeros((4, 4))], "invalid_annotation"),
        ([np.zeros((4, 4, 3), dtype=np.uint8)], "invalid_annotation"),
    ],
)
def test_unusable_annotations_are_refused(targets: list[np.ndarray], code: str) -> None:
    """No annotation, another size, or no whole numbers end in a sentence with a code."""
    with pytest.raises(InputError) as caught:
        make_example(np.zeros((4, 4), dtype=np.float32), targets)
    assert caught.value.code == code
