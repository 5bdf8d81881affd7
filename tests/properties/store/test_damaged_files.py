"""Damaged files are read or refused; nothing else ever happens."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deepflash_service.core.rois import labels_to_rois
from deepflash_service.errors import InputError
from deepflash_service.store.images import read_annotation, read_image
from tests.unit.store.image_samples import make_png, make_tiff

GREY = (np.arange(600) % 250).astype(np.uint8).reshape(20, 30)
ROI = labels_to_rois((GREY > 200).astype(np.int32))[0]
SEEDS = [
    make_tiff(GREY),
    make_tiff(GREY, compression="zlib"),
    make_tiff(GREY, tile=(16, 16)),
    make_tiff(np.stack([GREY] * 3), imagej=True, metadata={"axes": "ZYX"}),
    make_tiff(np.stack([GREY] * 2), ome=True, metadata={"axes": "CYX"}),
    make_png(GREY),
    ROI,
]


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    st.integers(0, 400),
)
def test_damage_is_read_or_refused(seed: bytes, flips: list[tuple[int, int]], cut: int) -> None:
    """Whatever bytes change or are missing, the outcome is an image or an InputError."""
    data = bytearray(seed)
    for place, value in flips:
        data[place % len(data)] = value
    damaged = bytes(data[: len(data) - cut] if cut < len(data) else data)
    with suppress(InputError):
        read_image(damaged)
    with suppress(InputError):
        read_annotation(damaged, shape=GREY.shape)
