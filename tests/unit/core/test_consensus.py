"""Consensus methods: what each keeps, and what the user is told."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.consensus import (
    agree_on_objects,
    build_consensus,
    choose_method,
    intersection,
    majority,
    union,
)
from deepflash_service.errors import InputError

A = np.array([[1, 1, 0, 0]], dtype=bool)
B = np.array([[1, 0, 1, 0]], dtype=bool)
C = np.array([[1, 0, 0, 1]], dtype=bool)


def test_simple_votes() -> None:
    """Majority, union and intersection of three masks."""
    masks = [A, B, C]
    np.testing.assert_array_equal(majority(masks), [[True, False, False, False]])
    np.testing.assert_array_equal(union(masks), [[True, True, True, True]])
    np.testing.assert_array_equal(intersection(masks), majority(masks))


def test_ties_are_background_and_told() -> None:
    """Two experts who disagree leave background, and a sentence."""
    consensus = build_consensus({"e1": A, "e2": B}, method="majority")
    np.testing.assert_array_equal(consensus.mask, [[True, False, False, False]])
    assert "only what both marked counts (2 pixels were marked by one)" in consensus.warnings[0]
    assert build_consensus({"e1": A, "e2": A}, method="majority").warnings == ()


def test_ties_of_more_experts_are_counted() -> None:
    """Of four experts two against two is a tie; it is background."""
    consensus = build_consensus({"a": A, "b": A, "c": B, "d": B}, method="majority")
    np.testing.assert_array_equal(consensus.mask, [[True, False, False, False]])
    assert "2 pixels have as many votes for as against" in consensus.warnings[0]


def test_auto_depends_on_the_number_of_experts() -> None:
    """STAPLE from four experts, majority below; a named method stays."""
    assert [choose_method("auto", experts) for experts in (1, 3, 4, 9)] == [
        "majority",
        "majority",
        "staple",
        "staple",
    ]
    assert choose_method("union", 9) == "union"
    four = build_consensus({str(index): A for index in range(4)})
    assert four.method == "staple"
    assert set(four.sensitivity) == set(four.specificity) == {"0", "1", "2", "3"}


def test_staple_warns_but_never_changes() -> None:
    """A consensus far from the majority, or an expert nearly blind, is told."""
    rng = np.random.default_rng(0)
    truth = rng.random((60, 60)) < 0.1
    masks = {f"e{index}": truth & (rng.random(truth.shape) < 0.5) for index in range(4)}
    masks["blind"] = truth & (rng.random(truth.shape) < 0.03)
    consensus = build_consensus(masks, method="staple")
    text = " ".join(consensus.warnings)
    assert "majority vote" in text
    assert "blind" in text
    assert consensus.mask.sum() > 2 * majority(list(masks.values())).sum()


def test_objects_keep_neighbours_apart() -> None:
    """Touching ROIs of label images stay two ROIs; one that few marked goes."""
    first = np.zeros((6, 12), dtype=np.int32)
    first[1:5, 1:5], first[1:5, 5:9] = 1, 2
    second = np.roll(first, 1, axis=0)
    third = first.copy()
    third[5, 11] = 3
    labels = agree_on_objects([first, second, third])
    np.testing.assert_array_equal(labels, first)
    consensus = build_consensus({"a": first, "b": second, "c": third}, method="objects")
    assert consensus.labels is not None
    np.testing.assert_array_equal(consensus.mask, labels > 0)


def test_objects_of_nobody_are_none() -> None:
    """Empty masks have no objects."""
    empty = np.zeros((3, 3), dtype=bool)
    assert agree_on_objects([empty, empty]).max() == 0


@pytest.mark.parametrize("method", ["union", "intersection"])
def test_named_methods_are_used(method: str) -> None:
    """The method asked for is the method reported."""
    consensus = build_consensus({"e1": A, "e2": B}, method=method)  # type: ignore[arg-type]  # one of them
    assert consensus.method == method
    assert consensus.mask.sum() == (3 if method == "union" else 1)


def test_each_is_no_consensus() -> None:
    """Training on each expert has no single mask; without experts there is none either."""
    with pytest.raises(InputError, match="Choose auto"):
        build_consensus({"e1": A}, method="each")
    with pytest.raises(InputError):
        build_consensus({})


def test_objects_need_half_of_the_experts_and_a_majority_of_pixels() -> None:
    """Of four experts two are enough for an ROI; a pixel that one of these two marks is not in."""
    wide = np.array([[1, 1, 1, 0, 0]], dtype=np.int32)
    narrow = np.array([[1, 1, 0, 0, 0]], dtype=np.int32)
    other = np.array([[0, 0, 0, 0, 1]], dtype=np.int32)
    empty = np.zeros_like(wide)
    labels = agree_on_objects([wide, narrow, other, empty])
    np.testing.assert_array_equal(labels, narrow)
