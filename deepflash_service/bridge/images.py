"""Images between numpy and ImageJ 1, one copy each way and nothing kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from deepflash_service.bridge.faults import check_kind
from deepflash_service.bridge.jvm import java_class
from deepflash_service.bridge.pixels import ORDER, XARRAY_NAMES, to_hyperstack
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from deepflash_service.bridge.pixels import Pixels
    from deepflash_service.records import Calibration

_COLOR_RGB: Final = 4
_MOST_BYTES: Final = 1 << 28
"""Copied at a time; a buffer of Java holds less than 2 GB."""
_DTYPES: Final[dict[int, np.dtype[Any]]] = {
    8: np.dtype(np.uint8),
    16: np.dtype(np.uint16),
    32: np.dtype(np.float32),
}


def check_image_plus(image: Any) -> None:
    """Refuse what is no ``ij.ImagePlus``, above all a numpy array.

    Raises
    ------
    InputError
        Code ``invalid_image``.
    """
    check_kind(
        image,
        "getStack",
        code="invalid_image",
        sentence="An ij.ImagePlus is needed here, not a {kind}. Make one of an array with "
        "fiji.to_imageplus(array), or of a file with fiji.open(path).",
    )


def take_image_plus(image: Any, *, dims: str | None = None) -> Any:
    """Return an ``ij.ImagePlus`` as it is, and an array as a new one.

    Parameters
    ----------
    image : ij.ImagePlus, ndarray or xarray.DataArray
        What a user calls an image.
    dims : str, optional
        Axes of an array that has more than rows and columns; see :func:`make_image_plus`.

    Raises
    ------
    InputError
        Codes ``no_image``, ``invalid_dims``, ``invalid_image``.
    """
    if image is None:
        raise InputError("No image is open. Open one and run the command again.", code="no_image")
    if hasattr(image, "dtype") and hasattr(image, "ndim"):
        return make_image_plus(image, dims=dims)
    check_image_plus(image)
    return image


def make_image_plus(
    array: Pixels | xr.DataArray,
    *,
    dims: str | None = None,
    title: str = "image",
    calibration: Calibration | None = None,
) -> Any:
    """Return an array as an ``ij.ImagePlus`` with a stack of its own.

    Parameters
    ----------
    array : ndarray or xarray.DataArray
        (rows, columns), or more axes with `dims`. Values are never changed; see
        :func:`deepflash_service.bridge.pixels.to_pixels` for the type.
    dims : str, optional
        One letter of ``TZCYX`` for each axis.
    title : str
        Title of the image.
    calibration : Calibration, optional
        Size of a pixel; default is what the coordinates of an xarray tell.

    Raises
    ------
    InputError
        Codes ``invalid_dims``, ``invalid_image``.
    """
    planes = to_hyperstack(cast("Pixels", array), dims)
    if 0 in planes.shape:
        raise InputError("An image without pixels cannot be shown.", code="invalid_image")
    times, slices, channels, height, width = planes.shape
    stack = java_class("ij.ImageStack")(width, height)
    for plane in planes.reshape(-1, height, width):
        stack.addSlice("", _make_processor(plane))
    image = java_class("ij.ImagePlus")(title, stack)
    image.setDimensions(channels, slices, times)
    image.setOpenAsHyperStack(sum(size > 1 for size in (channels, slices, times)) > 1)
    calibration = calibration or read_spacing(array)
    if calibration is not None:
        scale = image.getCalibration()
        scale.pixelWidth = calibration.pixel_width
        scale.pixelHeight = calibration.pixel_height
        scale.setUnit(calibration.unit)
    return image


def _make_processor(plane: Pixels) -> Any:
    import jpype

    height, width = plane.shape
    kind, view, processor = {
        1: (jpype.JByte, "duplicate", "ByteProcessor"),
        2: (jpype.JShort, "asShortBuffer", "ShortProcessor"),
        4: (jpype.JFloat, "asFloatBuffer", "FloatProcessor"),
    }[plane.itemsize]
    flat = np.ascontiguousarray(plane).ravel()
    pixels: Any = jpype.JArray(kind)(flat.size)
    block = max(1, _MOST_BYTES // plane.itemsize)
    for begin in range(0, flat.size, block):
        part = flat[begin : begin + block]
        getattr(_view_in_java(part), view)().get(pixels, begin, part.size)
    more = [None] if processor == "ShortProcessor" else []
    return java_class(f"ij.process.{processor}")(width, height, pixels, *more)


def _view_in_java(flat: Pixels) -> Any:
    """Return the memory of an array as a buffer of Java: 20 times faster than value by value."""
    from jpype.nio import convertToDirectBuffer

    buffer = convertToDirectBuffer(flat.view(np.uint8))
    return buffer.order(java_class("java.nio.ByteOrder").nativeOrder())


def read_image_plus(image: Any, *, dims: str | None = None) -> Pixels:
    """Return the pixels of an ``ij.ImagePlus`` as a new array.

    Parameters
    ----------
    image : ij.ImagePlus
        Any type; RGB gives three channels.
    dims : str, optional
        Wanted axes as letters of ``TZCYX``; default is those longer than one, and ``YX``.

    Returns
    -------
    ndarray
        uint8, uint16 or float32.

    Raises
    ------
    InputError
        Code ``invalid_dims`` when an axis longer than one is left out; code ``invalid_image``
        when the image was closed.
    """
    check_image_plus(image)
    planes = _read_planes(image)
    lengths = dict(zip(ORDER, planes.shape, strict=True))
    wanted = list_dims(image) if dims is None else str(dims).upper()
    lost = [letter for letter, n in lengths.items() if n > 1 and letter not in wanted]
    if lost or not set(wanted) <= set(ORDER) or len(set(wanted)) != len(wanted):
        raise InputError(
            f"dims={dims!r} does not hold the axes of the image {image.getTitle()}, which is "
            f"{list_dims(image)}. Name these.",
            code="invalid_dims",
        )
    order = [ORDER.index(letter) for letter in wanted]
    rest = [axis for axis in range(len(ORDER)) if axis not in order]
    return planes.transpose(rest + order).reshape([lengths[letter] for letter in wanted])


def read_data_array(image: Any) -> xr.DataArray:
    """Return an ``ij.ImagePlus`` as an xarray with the axis names of pyimagej.

    Returns
    -------
    xarray.DataArray
        A copy, in the order ``t, pln, row, col, ch``, without axes of length one but for rows
        and columns; ``row`` and ``col`` have coordinates in the unit of the image, which is
        ``attrs["unit"]``.
    """
    import xarray as xr

    check_image_plus(image)
    letters = [letter for letter in "TZYXC" if letter in list_dims(image)]
    pixels = read_image_plus(image, dims="".join(letters))
    scale = read_calibration(image)
    coords = {
        "row": np.arange(image.getHeight()) * scale.pixel_height,
        "col": np.arange(image.getWidth()) * scale.pixel_width,
    }
    return xr.DataArray(
        pixels,
        dims=[XARRAY_NAMES[letter] for letter in letters],
        coords=coords,
        attrs={"unit": scale.unit},
        name=str(image.getTitle()),
    )


def read_spacing(array: Any) -> Calibration | None:
    """Return the size of a pixel that an xarray tells by coordinates and unit, if it does."""
    from deepflash_service.records import Calibration

    coords, unit = getattr(array, "coords", {}), getattr(array, "attrs", {}).get("unit")
    places = [np.asarray(coords[axis]) for axis in ("row", "col") if axis in coords]
    is_known = len(places) == len(("row", "col")) and all(one.dtype.kind in "iuf" for one in places)
    if not isinstance(unit, str) or not is_known:
        return None
    steps = [np.diff(one.astype(np.float64)) for one in places]
    if not all(step.size and step[0] > 0 and np.allclose(step, step[0]) for step in steps):
        return None
    height, width = (float(step[0]) for step in steps)
    return Calibration(pixel_width=width, pixel_height=height, unit=unit)


def list_dims(image: Any) -> str:
    """Return the axes of an ``ij.ImagePlus`` that are longer than one, and ``YX``."""
    channels = 3 if image.getType() == _COLOR_RGB else int(image.getNChannels())
    sizes = {"T": int(image.getNFrames()), "Z": int(image.getNSlices()), "C": channels}
    return "".join(letter for letter, size in sizes.items() if size > 1) + "YX"


def _read_planes(image: Any) -> Pixels:
    """Return all pixels with the axes TZCYX."""
    stack = image.getStack()
    if stack.getSize() < 1 or int(image.getBitDepth()) == 0:
        raise InputError(
            f"The image {image.getTitle()} was closed and holds no pixels any more. Open it again.",
            code="invalid_image",
        )
    shape = [int(image.getNFrames()), int(image.getNSlices()), int(image.getNChannels())]
    shape += [int(image.getHeight()), int(image.getWidth())]
    flat = [np.array(stack.getProcessor(n + 1).getPixels()) for n in range(stack.getSize())]
    if image.getType() != _COLOR_RGB:
        dtype = _DTYPES[int(image.getBitDepth())]
        return np.stack([plane.view(dtype) for plane in flat]).reshape(shape)
    packed = np.stack(flat).view(np.uint32).reshape(shape)
    colours = [(packed[:, :, 0] >> np.uint32(shift)) & np.uint32(255) for shift in (16, 8, 0)]
    return np.stack(colours, axis=2).astype(np.uint8)


def read_calibration(image: Any) -> Calibration:
    """Return the size of a pixel of an ``ij.ImagePlus``."""
    from deepflash_service.records import Calibration

    scale = image.getCalibration()
    return Calibration(
        pixel_width=float(scale.pixelWidth),
        pixel_height=float(scale.pixelHeight),
        unit=str(scale.getUnit()),
    )
