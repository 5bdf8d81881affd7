"""Cohen's kappa of two masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deepflash_service.core.kappa import cohen_kappa
from deepflash_service.errors import InputError


def test_the_textbook_table_gives_its_kappa() -> None:
    """Both 20, only a 5, only b 10, neither 15: observed 0.7, by chance 0.5, kappa 0.4."""
    a = np.array([[1] * 25 + [0] * 25])
    b = np.array([[1] * 20 + [0] * 5 + [1] * 10 + [0] * 15])
    assert cohen_kappa(a, b) == pytest.approx(0.4)
    assert cohen_kappa(3 * a, 7 * b) == pytest.approx(0.4)


def test_where_chance_alone_must_agree_kappa_is_one() -> None:
    """Both empty, or both full, is no division by zero; one empty is agreement by chance."""
    empty, full = np.zeros((4, 5), bool), np.ones((4, 5), bool)
    assert cohen_kappa(empty, empty) == cohen_kappa(full, full) == 1.0
    some = empty.copy()
    some[0] = True
    assert cohen_kappa(some, empty) == pytest.approx(0.0)


def test_masks_of_two_images_are_refused() -> None:
    """Different shapes cannot be compared."""
    with pytest.raises(InputError) as caught:
        cohen_kappa(np.zeros((3, 4)), np.zeros((4, 3)))
    assert caught.value.code == "shape_mismatch"


@given(
    arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    st.integers(0, 2**32 - 1),
)
def test_kappa_is_symmetric_and_one_only_for_equals(mask: np.ndarray, seed: int) -> None:
    """Symmetric, between -1 and 1, and 1 exactly where the masks are the same."""
    other = np.random.default_rng(seed).permutation(mask.ravel()).reshape(mask.shape)
    kappa = cohen_kappa(mask, other)
    assert kappa == pytest.approx(cohen_kappa(other, mask))
    assert -1.0 - 1e-9 <= kappa <= 1.0 + 1e-9
    assert (kappa > 1.0 - 1e-9) == bool((mask == other).all())
    assert cohen_kappa(mask, mask) == pytest.approx(1.0)
