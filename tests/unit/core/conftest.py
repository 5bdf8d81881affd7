"""Label images for the tests of core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from deepflash_service.records import LabelImage


def draw_cells(count: int, shape: tuple[int, int], *, seed: int = 0) -> LabelImage:
    """Draw discs that touch and cover each other, with holes, single pixels, and at the border."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, dtype=np.int32)
    reach = 14
    down, across = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    for number in range(1, count + 1):
        row, column = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        radius = 0.5 if number % 10 == 0 else rng.uniform(2, reach)
        distance = np.hypot(down, across * rng.uniform(0.7, 1.4))
        inside = distance <= radius
        if number % 7 == 0:
            inside &= distance > radius / 2
        rows, columns = row + down[inside], column + across[inside]
        kept = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        labels[rows[kept], columns[kept]] = number
    return labels


@pytest.fixture(scope="session")
def cells() -> LabelImage:
    """Return about 120 cells on 300 x 260 pixels."""
    return draw_cells(120, (300, 260))


@pytest.fixture(scope="session")
def many_cells() -> LabelImage:
    """Return about 3,000 cells on 2048 x 2048 pixels."""
    return draw_cells(3000, (2048, 2048))
