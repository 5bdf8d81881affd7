"""Arrays as the pixel types of ImageJ, and as TIFF files in memory.

ImageJ knows 8-bit, 16-bit (unsigned) and 32-bit float pixels; whatever else comes in is
brought to the smallest of these that holds every value exactly, or refused.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from deepflash_service.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.records import Calibration

    Pixels = npt.NDArray[np.generic]
    Picture = bytes | Path | Pixels
else:
    Pixels = Picture = Any

_UINT8_MAX: Final = 255
_UINT16_MAX: Final = 65_535
_FLOAT_EXACT: Final = 2**24
ORDER: Final = "TZCYX"
XARRAY_NAMES: Final = {"T": "t", "Z": "pln", "C": "ch", "Y": "row", "X": "col"}
"""How pyimagej calls the axes."""
_LETTERS: Final = {name: letter for letter, name in XARRAY_NAMES.items()}


def to_pixels(array: Pixels) -> Pixels:
    """Return the array as uint8, uint16 or float32 without changing a value.

    Parameters
    ----------
    array : ndarray
        Any shape. bool becomes 0 and 255; integers become uint8, uint16, or float32 above
        65,535 and below 0; floating point becomes float32.

    Raises
    ------
    InputError
        Code ``invalid_image`` for complex numbers, text and objects, and for integers that
        float32 cannot hold (beyond 2**24).
    """
    array = np.asarray(array)
    if array.dtype in {np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)}:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(_UINT8_MAX)
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    if array.dtype.kind not in "iu":
        raise InputError(
            f"ImageJ has no pixels of type {array.dtype}. Give numbers (for complex ones, "
            "their absolute value).",
            code="invalid_image",
        )
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if low >= 0 and high <= _UINT16_MAX:
        return array.astype(np.uint16)
    if max(-low, high) > _FLOAT_EXACT:
        raise InputError(
            f"The values reach from {low} to {high}; ImageJ holds integers exactly only up to "
            f"{_FLOAT_EXACT}. Renumber the labels, or scale the image.",
            code="invalid_image",
        )
    return array.astype(np.float32)


def dims_of(array: Pixels, dims: str | None = None) -> str:
    """Return the axes of an array as letters of ``TZCYX``.

    Parameters
    ----------
    array : ndarray or xarray.DataArray
        An xarray names its own axes (``t``, ``pln``, ``ch``, ``row``, ``col``, or letters).
    dims : str, optional
        One letter for each axis. A plain array of two axes is ``YX``; others need it.

    Raises
    ------
    InputError
        Codes ``invalid_dims``, and ``invalid_image`` for what is no array.
    """
    if not hasattr(array, "ndim"):
        raise InputError(
            f"An array is needed here, not {type(array).__name__}. Make one with numpy.array(...); "
            "a file is opened by fiji.open(path).",
            code="invalid_image",
        )
    named = getattr(array, "dims", None)
    if dims is None and named is not None:
        dims = "".join(_LETTERS.get(str(name), str(name).upper()) for name in named)
    if dims is None and array.ndim == len("YX"):
        dims = "YX"
    letters = "" if dims is None else str(dims).upper()
    is_known = len(set(letters)) == len(letters) == array.ndim and set(letters) <= set(ORDER)
    if not is_known or not {"Y", "X"} <= set(letters):
        raise InputError(
            f"An array of shape {tuple(array.shape)} with dims={dims!r} is not clear. Give one "
            f"letter of {ORDER} for each axis, such as dims='ZYX'.",
            code="invalid_dims",
        )
    return letters


def to_hyperstack(array: Pixels, dims: str | None = None) -> Pixels:
    """Return the array with the five axes time, slice, channel, row, column."""
    letters = dims_of(array, dims)
    pixels = to_pixels(np.asarray(array))
    present = [letter for letter in ORDER if letter in letters]
    pixels = pixels.transpose([letters.index(letter) for letter in present])
    shape = [pixels.shape[present.index(x)] if x in present else 1 for x in ORDER]
    return pixels.reshape(shape)


def encode_tiff(
    array: Pixels, *, dims: str | None = None, calibration: Calibration | None = None
) -> bytes:
    """Return an array as an uncompressed ImageJ TIFF file.

    Parameters
    ----------
    array : ndarray
        Image, mask or label image.
    dims : str, optional
        As in :func:`dims_of`.
    calibration : Calibration, optional
        Size of a pixel, written as ImageJ does.
    """
    import tifffile

    pixels = np.ascontiguousarray(to_hyperstack(array, dims))
    # A last axis for colour samples keeps an image of one column from being taken for colours.
    metadata: dict[str, Any] = {"axes": ORDER + "S"}
    options: dict[str, Any] = {}
    if calibration is not None:
        metadata["unit"] = calibration.unit.replace("µ", "\\u00B5")
        options["resolution"] = (1 / calibration.pixel_width, 1 / calibration.pixel_height)
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        pixels[..., np.newaxis],
        imagej=True,
        metadata=metadata,
        photometric="minisblack",
        **options,
    )
    return file.getvalue()


def decode_tiff(data: bytes) -> Pixels:
    """Return the pixels of a TIFF file in memory.

    Raises
    ------
    InputError
        Code ``invalid_image``.
    """
    import tifffile

    try:
        pixels: Pixels = tifffile.imread(io.BytesIO(data))
    except (tifffile.TiffFileError, ValueError, IndexError, KeyError) as error:
        raise InputError(
            f"This is not a complete TIFF file ({error}). Fetch or save it again.",
            code="invalid_image",
        ) from None
    return pixels


def read_picture(picture: Picture) -> bytes:
    """Return what is sent for a picture: a file's bytes as they are, an array as TIFF.

    Raises
    ------
    InputError
        Code ``invalid_image`` when the file cannot be read.
    """
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, Path):
        try:
            return picture.read_bytes()
        except OSError as error:
            raise InputError(
                f"{picture} cannot be read ({error.strerror}). Check the path.",
                code="invalid_image",
            ) from error
    return encode_tiff(picture)
