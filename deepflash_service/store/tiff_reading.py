"""Reading TIFF: plain, ImageJ and OME, any order of the axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.errors import InputError
from deepflash_service.store.calibrations import read_calibration, read_steps
from deepflash_service.store.planes import Array, ImageFile, PlaneLayout, merge_grey
from deepflash_service.store.sources import Source, check_pixels, explain_decoding, refuse_damaged

if TYPE_CHECKING:
    import tifffile

_PALETTE = 3
_RGB = 2
_WHITE_IS_ZERO = 0
_ALPHA = (1, 2)
_ORDER = "TZCYXS"


def read_tiff(source: Source, *, max_pixels: int) -> ImageFile:
    """Read a TIFF file.

    Values stay as they are stored (a colour table is display only, as in ImageJ), alpha is
    dropped, three equal colour channels become one.

    Parameters
    ----------
    source : Source
        The file.
    max_pixels : int
        Limit on the number of values, checked from the header.

    Raises
    ------
    InputError
        Codes ``invalid_image`` and ``image_too_large``.
    """
    import tifffile

    with source.open() as stream, explain_decoding(source), tifffile.TiffFile(stream) as tiff:
        series = choose_series(tiff, source)
        check_pixels(source, int(series.size), limit=max_pixels, item_bytes=series.dtype.itemsize)
        check_length(series, source)
        return _read_series(tiff, series, source)


def choose_series(tiff: tifffile.TiffFile, source: Source) -> tifffile.TiffPageSeries:
    """Return the one image of a TIFF file at full resolution.

    Raises
    ------
    InputError
        Code ``invalid_image`` when there are several, or parts in other files.
    """
    series = [one for one in tiff.series if not getattr(one.keyframe, "is_reduced", False)]
    if not series:
        raise refuse_damaged(source, ValueError("no page"))
    if len(series) > 1:
        raise InputError(
            f"{source.name} holds {len(series)} images of different size or type. Save each as a "
            "file of its own and retry.",
            code="invalid_image",
            details={"name": source.name, "images": len(series)},
        )
    if any(page is None for page in series[0].pages):
        raise InputError(
            f"{source.name} is one part of an image in several files. Open the whole image in Fiji "
            "and save it as one TIFF.",
            code="invalid_image",
            details={"name": source.name},
        )
    return series[0]


def check_length(series: tifffile.TiffPageSeries, source: Source) -> None:
    """Refuse a file that ends before its pixels do.

    Raises
    ------
    InputError
        Code ``invalid_image``.
    """
    if series.dataoffset is not None:
        end = int(series.dataoffset) + int(series.nbytes)
    else:
        end = max(
            (
                offset + count
                for page in series.pages
                if page is not None
                for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
            ),
            default=0,
        )
    if end > source.size:
        raise refuse_damaged(source, ValueError(f"{end} bytes needed, {source.size} there"))


def _read_series(
    tiff: tifffile.TiffFile, series: tifffile.TiffPageSeries, source: Source
) -> ImageFile:
    page: Any = series.keyframe
    pixels = _clean_values(series.asarray(), page, source)
    pixels = _order_axes(pixels, series.axes, source)
    frames, slices = pixels.shape[:2]
    pixels, is_rgb = _merge_samples(pixels, page)
    spacing, interval = read_steps(tiff)
    layout = PlaneLayout(
        channels=pixels.shape[-1] if not is_rgb and pixels.ndim == 4 else 1,
        slices=slices,
        frames=frames,
        spacing=spacing,
        interval=interval,
    )
    return ImageFile(source.name, pixels, read_calibration(tiff, page), layout, is_rgb=is_rgb)


def _clean_values(pixels: Array, page: Any, source: Source) -> Array:
    check_type(pixels.dtype, source)
    pixels = turn_bits(pixels, page)
    return fill_gaps(pixels, source) if pixels.dtype.kind == "f" else pixels


def check_type(dtype: Any, source: Source) -> None:
    """Refuse values that are no grey values.

    Raises
    ------
    InputError
        Code ``invalid_image``.
    """
    if dtype.kind not in "buif":
        raise InputError(
            f"{source.name} holds values of type {dtype}, which are not grey values. "
            "Convert it to 8-bit, 16-bit or 32-bit in Fiji.",
            code="invalid_image",
        )


def turn_bits(pixels: Array, page: Any) -> Array:
    """Return pixels of one bit as 0 and 1 with 1 = white; others stay as they are."""
    if page.bitspersample != 1:
        return pixels
    values = pixels.astype(np.uint8)
    return 1 - values if int(page.photometric) == _WHITE_IS_ZERO else values


def fill_gaps(pixels: Array, source: Source) -> Array:
    """Replace values that are not finite by the smallest finite one (ImageJ marks gaps by NaN).

    Raises
    ------
    InputError
        Code ``invalid_image`` when no value is finite.
    """
    pixels = pixels.astype(np.float32)
    is_finite = np.isfinite(pixels)
    if is_finite.all():
        return pixels
    if not is_finite.any():
        raise refuse_gaps(source)
    return np.where(is_finite, pixels, pixels[is_finite].min())


def refuse_gaps(source: Source) -> InputError:
    """Return the error for an image without a finite value."""
    return InputError(
        f"{source.name} holds no number, only NaN or infinite values. Save the image again.",
        code="invalid_image",
    )


def _order_axes(pixels: Array, axes: str, source: Source) -> Array:
    letters = name_axes(axes, pixels.shape, source)
    keep = tuple(0 if letter == "1" else slice(None) for letter in letters)
    pixels = pixels[keep]
    letters = [letter for letter in letters if letter != "1"]
    present = [letter for letter in _ORDER if letter in letters]
    pixels = pixels.transpose([letters.index(letter) for letter in present])
    view = tuple(slice(None) if letter in letters else None for letter in _ORDER)
    return np.asarray(pixels[view])


def name_axes(axes: str, shape: tuple[int, ...], source: Source) -> list[str]:
    """Return T, Z, C, Y, X, S or 1 (an axis to leave out) for each axis of a file.

    Raises
    ------
    InputError
        Code ``invalid_image`` when there are too many axes.
    """
    letters = list(axes)
    for index, letter in enumerate(letters):
        if letter in _ORDER:
            continue
        free = [one for one in "ZTC" if one not in letters]
        if shape[index] == 1:
            letters[index] = "1"
        elif free:
            letters[index] = free[0]
        else:
            raise InputError(
                f"{source.name} has more than five axes ({axes}). Save a part of it in Fiji as a "
                "hyperstack and retry.",
                code="invalid_image",
            )
    return letters


def _merge_samples(pixels: Array, page: Any) -> tuple[Array, bool]:
    frames, slices, channels, rows, columns, samples = pixels.shape
    pixels = pixels.reshape(frames * slices, channels, rows, columns, samples)
    samples = count_samples(page, samples)
    pixels = pixels[..., :samples]
    is_rgb = is_colour(page, samples)
    if samples == 3 and channels == 1:
        merged = merge_grey(pixels[:, 0])
        if merged.ndim == 3:
            return merged, False
    pixels = np.moveaxis(pixels, 1, 3).reshape(frames * slices, rows, columns, channels * samples)
    is_rgb = is_rgb and channels == 1
    return (pixels[..., 0] if pixels.shape[-1] == 1 else pixels), is_rgb


def count_samples(page: Any, samples: int) -> int:
    """Return the values of each pixel that are not alpha."""
    if samples == 1:
        return 1
    alpha = sum(int(kind) in _ALPHA for kind in (page.extrasamples or ()))
    return samples - min(alpha, samples - 1)


def is_colour(page: Any, samples: int) -> bool:
    """Tell whether three samples are red, green and blue."""
    return samples == 3 and int(page.photometric) not in {_PALETTE, _WHITE_IS_ZERO, 1}
