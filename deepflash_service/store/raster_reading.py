"""Reading PNG, GIF, BMP and JPEG."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.errors import InputError
from deepflash_service.store.planes import Array, ImageFile, PlaneLayout, merge_grey
from deepflash_service.store.sources import Source, check_pixels, explain_decoding

if TYPE_CHECKING:
    from PIL import Image as PillowImage

_GREY_MODES = {"1", "L", "I", "I;16", "I;16B", "I;16L", "F"}
_FORMATS = ("PNG", "GIF", "BMP", "JPEG")


def read_raster(source: Source, *, max_pixels: int, keep_indices: bool = False) -> ImageFile:
    """Read a PNG, GIF, BMP or JPEG file.

    Alpha is dropped and three equal colour channels become one. Of a colour table, the stored
    indices count where the table is a grey ramp, rising or falling (ImageJ does the same:
    falling means an inverting lookup table); other grey tables give their grey values, colours
    give RGB.

    Parameters
    ----------
    source : Source
        The file.
    max_pixels : int
        Limit on the number of pixels, checked from the header.
    keep_indices : bool, optional
        Return the stored indices whatever the colour table says (label images).

    Raises
    ------
    InputError
        Codes ``invalid_image`` and ``image_too_large``.
    """
    from PIL import Image

    with source.open() as stream, explain_decoding(source), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(stream, formats=_FORMATS) as picture:
                check_pixels(source, picture.width * picture.height, limit=max_pixels)
                _refuse_animation(picture, source)
                pixels = _read_pixels(picture, source, keep_indices=keep_indices)
        except Image.DecompressionBombError as error:
            raise _refuse_bomb(source) from error
    is_rgb = pixels.ndim == 3
    return ImageFile(source.name, pixels[np.newaxis], layout=PlaneLayout(), is_rgb=is_rgb)


def is_lossy(source: Source) -> bool:
    """Tell whether the file is a JPEG, whose values differ from those that were saved."""
    with source.open() as stream:
        return stream.read(3) == b"\xff\xd8\xff"


def _read_pixels(picture: PillowImage.Image, source: Source, *, keep_indices: bool) -> Array:
    if picture.mode in {"P", "PA"}:
        return _read_palette(picture, keep_indices=keep_indices)
    if picture.mode in _GREY_MODES:
        return _narrow(np.asarray(picture))
    if picture.mode in {"LA", "La"}:
        return np.array(picture)[..., 0]
    if picture.mode in {"RGB", "RGBA", "RGBX"}:
        return merge_grey(_read_colours(picture, source))
    return merge_grey(np.asarray(picture.convert("RGB")))


def _read_palette(picture: PillowImage.Image, *, keep_indices: bool) -> Array:
    indices = np.array(picture)
    indices = indices if indices.ndim == 2 else indices[..., 0]
    table = np.array(picture.getpalette("RGB") or [0, 0, 0], dtype=np.uint8).reshape(-1, 3)
    is_grey = bool((table == table[:, :1]).all())
    steps = np.diff(table[:, 0].astype(int))
    if keep_indices or (is_grey and len(table) > 2 and (_is_ramp(steps) or _is_ramp(-steps))):
        return indices
    colours = table[np.minimum(indices, len(table) - 1)]
    return np.ascontiguousarray(colours[..., 0]) if is_grey else merge_grey(colours)


def _is_ramp(steps: Array) -> bool:
    return bool((steps >= 0).all() and (steps > 0).any())


def _read_colours(picture: PillowImage.Image, source: Source) -> Array:
    bits = 16 if picture.format == "PNG" and _read_png_depth(source) == 16 else 8
    if bits == 16:
        import imagecodecs

        return np.asarray(imagecodecs.png_decode(source.read()))[..., :3]
    return np.asarray(picture)[..., :3]


def _read_png_depth(source: Source) -> int:
    with source.open() as stream:
        return stream.read(25)[24]


def _narrow(pixels: Array) -> Array:
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * 255
    if pixels.dtype == np.int32 and pixels.size and 0 <= pixels.min() <= pixels.max() <= 65_535:
        return pixels.astype(np.uint16)
    return np.array(pixels)


def _refuse_animation(picture: PillowImage.Image, source: Source) -> None:
    if getattr(picture, "n_frames", 1) > 1:
        raise InputError(
            f"{source.name} is an animation. Save its pictures as a TIFF stack in Fiji and retry.",
            code="invalid_image",
            details={"name": source.name},
        )


def _refuse_bomb(source: Source) -> InputError:
    return InputError(
        f"{source.name} promises too many pixels for this format. Save it as TIFF and retry.",
        code="image_too_large",
        details={"name": source.name},
    )
