"""A consensus depends on what experts marked, not on their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deepflash_service.core.consensus import (
    agree_on_objects,
    build_consensus,
    estimate_staple,
    intersection,
    majority,
    staple,
    union,
)

if TYPE_CHECKING:
    from deepflash_service.records import ConsensusMethod

METHODS: tuple[ConsensusMethod, ...] = (
    "auto",
    "staple",
    "majority",
    "union",
    "intersection",
    "objects",
)


@st.composite
def stacks(draw: st.DrawFn) -> Any:
    """Draw the masks of one to six experts, shape (R, M, N)."""
    experts, rows, columns = (draw(st.integers(1, high)) for high in (6, 8, 8))
    return draw(hnp.arrays(np.bool_, (experts, rows, columns)))


@given(stacks(), st.randoms(use_true_random=False), st.sampled_from(METHODS))
def test_order_of_experts_does_not_matter(
    masks: np.ndarray, random: Any, method: ConsensusMethod
) -> None:
    """Shuffling the experts changes nothing, pixel for pixel."""
    named = {f"expert_{index}": mask for index, mask in enumerate(masks)}
    shuffled = list(named.items())
    random.shuffle(shuffled)
    first = build_consensus(named, method=method)
    second = build_consensus(dict(shuffled), method=method)
    np.testing.assert_array_equal(first.mask, second.mask)
    assert first.sensitivity == second.sensitivity
    assert first.warnings == second.warnings or method in {"auto", "staple"}
    if first.labels is not None and second.labels is not None:
        np.testing.assert_array_equal(first.labels, second.labels)


@given(stacks())
def test_every_consensus_lies_between_intersection_and_union(masks: np.ndarray) -> None:
    """What all marked is in, what nobody marked is out."""
    inner, outer = intersection(masks), union(masks)
    for mask in (majority(masks), staple(masks)):
        assert not (inner & ~mask).any() or not mask.any()
        assert not (mask & ~outer).any() or mask.all()
    assert not ((agree_on_objects(masks) > 0) & ~outer).any()


@given(hnp.arrays(np.bool_, (5, 7)), st.integers(1, 6))
def test_experts_who_agree_are_the_consensus(mask: np.ndarray, experts: int) -> None:
    """Equal masks come back unchanged from every method."""
    named = {str(index): mask for index in range(experts)}
    for method in METHODS:
        np.testing.assert_array_equal(build_consensus(named, method=method).mask, mask)


@given(stacks())
def test_staple_gives_probabilities(masks: np.ndarray) -> None:
    """Probability, sensitivity and specificity lie between 0 and 1."""
    result = estimate_staple(masks)
    assert result.probability.dtype == np.float32
    assert np.isfinite(result.probability).all()
    for values in (result.probability, result.sensitivity, result.specificity):
        assert np.min(values) >= 0
        assert np.max(values) <= 1 + 1e-12
