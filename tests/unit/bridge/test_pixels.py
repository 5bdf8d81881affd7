"""Arrays become pixels of ImageJ without a changed value, or are refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from deepflash_service.bridge.pixels import (
    decode_tiff,
    dims_of,
    encode_tiff,
    to_hyperstack,
    to_pixels,
)
from deepflash_service.errors import InputError
from deepflash_service.records import Calibration

SHAPES = npst.array_shapes(min_dims=2, max_dims=2, max_side=6)


@given(npst.arrays(npst.integer_dtypes() | npst.unsigned_integer_dtypes(), SHAPES))
def test_integers_keep_every_value_or_are_refused(array: Any) -> None:
    """float32 takes over where 16 bits end, and only as far as it is exact."""
    fits = int(array.min()) >= -(2**24) and int(array.max()) <= 2**24
    if not fits:
        with pytest.raises(InputError, match="exactly"):
            to_pixels(array)
        return
    pixels = to_pixels(array)
    assert pixels.dtype in {np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)}
    assert (pixels.astype(np.int64) == array.astype(np.int64)).all()


def test_masks_are_black_and_white() -> None:
    """True is 255, as in every mask of ImageJ."""
    assert to_pixels(np.array([[True, False]])).tolist() == [[255, 0]]


@pytest.mark.parametrize("array", [np.ones((2, 2), complex), np.array([["a"]]), np.array([[None]])])
def test_what_has_no_pixels_is_refused(array: Any) -> None:
    """Complex numbers, text and objects are no image."""
    with pytest.raises(InputError, match="no pixels of type"):
        to_pixels(array)


@pytest.mark.parametrize(
    ("shape", "dims"),
    [((2, 3, 4), None), ((2, 3), "YXC"), ((2, 3), "ZC"), ((2, 2), "YY"), ((2, 3, 4), "QYX")],
)
def test_axes_that_are_not_clear_are_refused(shape: tuple[int, ...], dims: str | None) -> None:
    """Nobody guesses which axis is which."""
    with pytest.raises(InputError, match="one letter of TZCYX"):
        dims_of(np.zeros(shape), dims)


def test_an_xarray_names_its_own_axes() -> None:
    """The names that pyimagej uses are known."""
    xarray = pytest.importorskip("xarray")
    array = xarray.DataArray(np.zeros((4, 5, 2)), dims=("row", "col", "ch"))
    assert dims_of(array) == "YXC"
    assert to_hyperstack(array).shape == (1, 1, 2, 4, 5)


@given(st.permutations("TZCYX"))
def test_axes_are_brought_into_the_order_of_imagej(order: list[str]) -> None:
    """Whatever the order of the axes, the values stay where they belong."""
    sizes = dict(zip("TZCYX", (2, 3, 4, 5, 6), strict=True))
    array = np.arange(720, dtype=np.uint16).reshape([sizes[letter] for letter in order])
    stack = to_hyperstack(array, "".join(order))
    assert stack.shape == (2, 3, 4, 5, 6)
    back = stack.transpose(["TZCYX".index(letter) for letter in order])
    assert np.array_equal(back, array)


@given(npst.arrays(st.sampled_from([np.uint8, np.uint16, np.float32]), SHAPES))
def test_tiff_files_keep_pixels(array: Any) -> None:
    """What is encoded is decoded unchanged."""
    assert np.array_equal(decode_tiff(encode_tiff(array)), array, equal_nan=True)


def test_tiff_files_hold_axes_and_calibration() -> None:
    """ImageJ and the service read axes and the size of a pixel from the file."""
    scale = Calibration(pixel_width=0.5, pixel_height=0.25, unit="µm")
    data = encode_tiff(np.zeros((2, 3, 8, 9), np.uint8), dims="CZYX", calibration=scale)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert file.imagej_metadata is not None
        assert (file.imagej_metadata["channels"], file.imagej_metadata["slices"]) == (2, 3)
        assert file.imagej_metadata["unit"] == "\\u00B5m"
        tags = file.pages.first.tags
        assert [tags[name].value for name in ("XResolution", "YResolution")] == [(2, 1), (4, 1)]


@pytest.mark.parametrize("data", [b"", b"no tiff", encode_tiff(np.zeros((9, 9), np.uint8))[:60]])
def test_broken_tiff_files_are_refused(data: bytes) -> None:
    """A download that was cut off is a sentence, not a traceback."""
    with pytest.raises(InputError, match="not a complete TIFF"):
        decode_tiff(data)


def test_an_xarray_tells_the_size_of_a_pixel() -> None:
    """From even coordinates and a unit; anything less clear is no size."""
    xarray = pytest.importorskip("xarray")
    from deepflash_service.bridge.images import read_spacing

    coords = {"row": [0.0, 0.25, 0.5], "col": [1.0, 1.5]}
    array = xarray.DataArray(np.zeros((3, 2)), dims=("row", "col"), coords=coords)
    assert read_spacing(array) is None
    array.attrs["unit"] = "µm"
    assert read_spacing(array) == Calibration(pixel_width=0.5, pixel_height=0.25, unit="µm")
    assert read_spacing(array.isel(col=[0])) is None
    uneven = array.assign_coords(row=[0.0, 0.25, 0.9])
    assert read_spacing(uneven) is None
    assert read_spacing(np.zeros((3, 2))) is None
