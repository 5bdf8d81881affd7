"""Percentiles of images that hold nothing."""

from __future__ import annotations

import numpy as np
import pytest

from deepflash_service.core.percentiles import find_percentiles, stream_percentiles
from deepflash_service.errors import InputError

EMPTY = np.zeros((0, 5), np.float32)


def test_an_image_without_pixels_is_refused() -> None:
    """No value has no percentile: a sentence, not a fault of an index."""
    with pytest.raises(InputError, match="holds no pixels"):
        find_percentiles(EMPTY, (1.0, 99.0))
    for pieces in ([], [EMPTY], [EMPTY.astype(np.uint8)]):
        with pytest.raises(InputError, match="holds no pixels"):
            stream_percentiles(lambda found=pieces: found, (1.0, 99.0))  # type: ignore[misc]
