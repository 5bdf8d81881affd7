"""The state of a training between two steps, as plain arrays and JSON facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class TrainingState:
    """All that a training needs to go on as if it had never been interrupted.

    Attributes
    ----------
    facts : dict
        JSON object: ``step`` (taken so far), ``epoch`` in hand, its ``losses`` and ``seconds``,
        ``history`` of the epochs before, ``best`` (epoch and scores, or None), ``random`` (state
        of the generator before the next batch), ``tiles`` per batch, ``precision``, ``device``.
    arrays : dict of str to ndarray
        Weights of the network, variables of the optimiser, averaged weights.
    best : dict of str to ndarray
        Weights of the best epoch; empty where nothing was scored.
    """

    facts: dict[str, Any]
    arrays: dict[str, Array]
    best: dict[str, Array] = field(default_factory=dict)


def name_arrays(prefix: str, arrays: Iterable[Any]) -> dict[str, Array]:
    """Return copies of arrays under the names ``prefix_0000``, ``prefix_0001`` ..."""
    return {f"{prefix}_{index:04d}": np.array(array) for index, array in enumerate(arrays)}


def select_arrays(
    arrays: Mapping[str, Array], prefix: str, *, shapes: Iterable[tuple[int, ...]]
) -> list[Array]:
    """Return the arrays of one prefix in their order.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        From :func:`name_arrays`.
    prefix : str
        Which of them.
    shapes : iterable of tuple of int
        What they must have.

    Raises
    ------
    InputError
        Code ``unusable_checkpoint`` when they belong to another network or another Keras.
    """
    found = [arrays[name] for name in sorted(arrays) if name.rpartition("_")[0] == prefix]
    if [array.shape for array in found] != [tuple(shape) for shape in shapes]:
        raise InputError(
            "The checkpoint was made by another version of this program. Start a new training.",
            code="unusable_checkpoint",
        )
    return found


def are_finite(arrays: Iterable[Array]) -> bool:
    """Say whether every number is finite."""
    return all(bool(np.isfinite(array).all()) for array in arrays)
