"""The demonstration data: reproducible, hard for a threshold, marked by experts who differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.filters import threshold_otsu

from deepflash_service.core.agreement import match_rois
from deepflash_service.core.synthetic import SampleSet, make_field, make_samples
from deepflash_service.core.synthetic_experts import ExpertHabits, choose_habits, simulate_expert
from deepflash_service.errors import InputError

_EIGHT = np.ones((3, 3))
_STEADY = ExpertHabits(0.0, -100.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def samples() -> SampleSet:
    return make_samples()


def segment_by_otsu(image: np.ndarray) -> np.ndarray:
    smooth = ndimage.gaussian_filter(image.astype(float), 1.0)
    labels, _ = ndimage.label(smooth > threshold_otsu(smooth), _EIGHT)
    return np.asarray(labels, np.int32)


def test_default_set_has_the_promised_names_types_and_sizes(samples: SampleSet) -> None:
    """Eight training fields with four experts and four unseen fields, 16 bits with 12 used."""
    assert [sample.name for sample in samples.train] == [f"cfos-{n:02d}" for n in range(1, 9)]
    assert [sample.name for sample in samples.test] == [f"unseen-{n:02d}" for n in range(1, 5)]
    assert list(samples.train_truth) == [sample.name for sample in samples.train]
    for _, image, experts in samples.train:
        assert image.shape == (512, 512)
        assert image.dtype == np.uint16
        assert 1000 < image.max() <= 4095
        assert list(experts) == ["expert_1", "expert_2", "expert_3", "expert_4"]
        assert all(labels.dtype == np.int32 for labels in experts.values())


def test_a_threshold_fails_on_every_part(samples: SampleSet) -> None:
    """Otsu after a Gaussian of sigma 1 has a mean F1 of at most 0.50 against the truth."""
    train = [match_rois(segment_by_otsu(s.image), samples.train_truth[s.name]).f1
             for s in samples.train]  # fmt: skip
    test = [match_rois(segment_by_otsu(s.image), s.truth).f1 for s in samples.test]
    assert np.mean(train) <= 0.50
    assert np.mean(test) <= 0.50


def test_experts_are_good_but_not_perfect(samples: SampleSet) -> None:
    """The mean expert reaches an F1 of 0.75 to 0.92 on training and on unseen fields."""
    train = [match_rois(labels, samples.train_truth[s.name]).f1
             for s in samples.train for labels in s.experts.values()]  # fmt: skip
    test = [match_rois(labels, s.truth).f1
            for s in samples.test for labels in samples.test_experts[s.name].values()]  # fmt: skip
    assert 0.75 <= np.mean(train) <= 0.92
    assert 0.75 <= np.mean(test) <= 0.92


def test_experts_differ_visibly(samples: SampleSet) -> None:
    """Sizes and counts differ between experts, and two of them agree less than with the truth."""
    counts = np.zeros(4)
    areas = np.zeros(4)
    for sample in samples.train:
        counts += [labels.max() for labels in sample.experts.values()]
        areas += [np.count_nonzero(labels) for labels in sample.experts.values()]
    sizes = areas / counts
    assert counts.max() / counts.min() > 1.15
    assert sizes.max() / sizes.min() > 1.3
    pair = match_rois(samples.train[0].experts["expert_2"], samples.train[0].experts["expert_3"])
    assert pair.f1 < 0.8


def test_touching_nuclei_keep_their_numbers(samples: SampleSet) -> None:
    """Some nuclei touch: the truth has more ROIs than connected components."""
    rois = sum(int(truth.max()) for truth in samples.train_truth.values())
    parts = sum(ndimage.label(truth > 0, _EIGHT)[1] for truth in samples.train_truth.values())
    assert 0.85 * rois < parts < rois


def test_a_field_depends_only_on_seed_and_number() -> None:
    """More fields or another number of test fields leave the first field as it was."""
    first = make_samples(1, 2, 7, test_images=0, shape=(128, 160))
    again = make_samples(2, 2, 7, test_images=1, shape=(128, 160))
    other = make_samples(1, 2, 8, test_images=0, shape=(128, 160))
    assert np.array_equal(first.train[0].image, again.train[0].image)
    assert np.array_equal(first.train[0].experts["expert_2"], again.train[0].experts["expert_2"])
    assert not np.array_equal(first.train[0].image, other.train[0].image)
    assert first.train[0].image.shape == (128, 160)


def test_eight_bit_fields_use_the_eight_bit_range() -> None:
    """With bits=8 the picture is uint8 and not almost black."""
    field = make_field(np.random.default_rng(3), shape=(128, 128), bits=8)
    assert field.image.dtype == np.uint8
    assert field.image.max() > 60


def test_a_field_describes_every_nucleus() -> None:
    """Labels run from 1 to K with one contrast each; distractors never cover a nucleus."""
    field = make_field(np.random.default_rng(5), shape=(200, 150))
    present = np.unique(field.labels)
    assert present.tolist() == list(range(len(field.contrast) + 1))
    assert np.all(field.contrast > 1)
    assert not np.any((field.labels > 0) & (field.distractors > 0))


def test_a_faultless_expert_reproduces_the_truth() -> None:
    """Without bias, misses, false marks and jitter the annotation is the truth."""
    field = make_field(np.random.default_rng(11), shape=(256, 256))
    drawn = simulate_expert(
        field.labels,
        field.contrast,
        field.distractors,
        habits=_STEADY,
        rng=np.random.default_rng(0),
    )
    assert match_rois(drawn, field.labels).f1 > 0.97
    assert np.mean((drawn > 0) != (field.labels > 0)) < 0.001


def test_each_habit_does_what_it_says() -> None:
    """Size bias grows, blindness loses, false marks add, merging joins."""
    field = make_field(np.random.default_rng(11), shape=(256, 256))

    def draw(**change: float) -> np.ndarray:
        values = {name: getattr(_STEADY, name) for name in _STEADY.__slots__} | change
        return simulate_expert(
            field.labels,
            field.contrast,
            field.distractors,
            habits=ExpertHabits(**values),
            rng=np.random.default_rng(0),
        )

    steady = draw()
    assert np.count_nonzero(draw(size_bias=1.5)) > 1.2 * np.count_nonzero(steady)
    assert np.count_nonzero(draw(size_bias=-1.5)) < 0.8 * np.count_nonzero(steady)
    assert draw(visibility=6.0).max() < steady.max()
    assert draw(lapse=0.5).max() < steady.max()
    assert draw(false_marks=1.0).max() > steady.max() + 5

    touching = np.zeros((40, 40), np.int32)
    touching[10:20, 10:20] = 1
    touching[10:20, 20:30] = 2
    for merging, expected in ((0.0, 2), (1.0, 1)):
        habits = ExpertHabits(0.0, -100.0, 0.0, 0.0, 0.0, merging)
        joined = simulate_expert(
            touching,
            np.array([9.0, 9.0]),
            np.zeros_like(touching),
            habits=habits,
            rng=np.random.default_rng(0),
        )
        assert joined.max() == expected


def test_more_experts_than_known_habits_are_drawn_by_seed() -> None:
    """Seven experts get seven habits, the same ones each time."""
    habits = choose_habits(7, 1)
    assert list(habits) == [f"expert_{n}" for n in range(1, 8)]
    assert len(set(habits.values())) == 7
    assert habits == choose_habits(7, 1)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: make_samples(-1),
        lambda: make_samples(1, 0),
        lambda: make_field(np.random.default_rng(0), shape=(32, 512)),
        lambda: simulate_expert(
            np.ones((9, 9), np.int32),
            np.zeros(3),
            np.zeros((9, 9), np.int32),
            habits=_STEADY,
            rng=np.random.default_rng(0),
        ),
    ],
)
def test_impossible_requests_are_refused(ask: object) -> None:
    """Negative numbers, no expert, tiny fields and a wrong number of contrasts raise."""
    with pytest.raises(InputError, match=r"Ask|Give"):
        ask()  # type: ignore[operator]


@settings(max_examples=12)
@given(
    st.tuples(st.integers(64, 110), st.integers(64, 110)),
    st.integers(0, 2**32),
    st.builds(
        ExpertHabits,
        st.floats(-3, 3),
        st.floats(0, 6),
        st.floats(0, 1),
        st.floats(0, 1),
        st.floats(0, 3),
        st.floats(0, 1),
    ),
)
def test_any_field_and_any_expert_give_proper_label_images(
    shape: tuple[int, int], seed: int, habits: ExpertHabits
) -> None:
    """Shapes agree, labels run from 1 without a gap, each ROI is one connected part."""
    field = make_field(np.random.default_rng(seed), shape=shape)
    drawn = simulate_expert(
        field.labels,
        field.contrast,
        field.distractors,
        habits=habits,
        rng=np.random.default_rng(seed),
    )
    assert field.image.shape == field.labels.shape == drawn.shape == shape
    assert np.unique(np.append(drawn, 0)).tolist() == list(range(int(drawn.max()) + 1))
    for label in range(1, int(drawn.max()) + 1):
        assert ndimage.label(drawn == label, _EIGHT)[1] == 1
