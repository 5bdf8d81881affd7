"""Writing results: ImageJ TIFF with calibration, and PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.records import Calibration
from deepflash_service.store.atomic import open_atomic, write_bytes
from deepflash_service.store.calibrations import spell_for_imagej
from deepflash_service.store.planes import Array, PlaneLayout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO

_LARGEST_UINT16 = 65_535


def write_labels(
    path: Path,
    labels: Array,
    *,
    calibration: Calibration | None = None,
    layout: PlaneLayout | None = None,
) -> None:
    """Write a label image as 16-bit ImageJ TIFF, or 32-bit above 65,535 ROIs.

    Parameters
    ----------
    path : Path
        Replaced atomically.
    labels : ndarray of int, shape (M, N) or (P, M, N)
        0 = background; P planes in the order of `layout`.
    calibration : Calibration, optional
        Size of a pixel.
    layout : PlaneLayout, optional
        What the planes are; slices without it.
    """
    highest = int(labels.max(initial=0))
    dtype = np.uint16 if highest <= _LARGEST_UINT16 else np.float32
    facts = {"min": 0.0, "max": float(max(highest, 1))}
    _write(path, labels.astype(dtype), calibration=calibration, layout=layout, facts=facts)


def write_mask(
    path: Path,
    mask: Array,
    *,
    calibration: Calibration | None = None,
    layout: PlaneLayout | None = None,
) -> None:
    """Write a mask as 8-bit ImageJ TIFF with the values 0 and 255; see :func:`write_labels`."""
    pixels = (np.asarray(mask) > 0).astype(np.uint8) * 255
    _write(path, pixels, calibration=calibration, layout=layout)


def write_probability(
    path: Path,
    probability: Array,
    *,
    calibration: Calibration | None = None,
    layout: PlaneLayout | None = None,
) -> None:
    """Write probabilities as 32-bit ImageJ TIFF shown from 0 to 1; see :func:`write_labels`."""
    pixels = np.asarray(probability, dtype=np.float32)
    facts = {"min": 0.0, "max": 1.0}
    _write(path, pixels, calibration=calibration, layout=layout, facts=facts)


def write_image(
    path: Path,
    image: Array,
    *,
    calibration: Calibration | None = None,
    layout: PlaneLayout | None = None,
) -> None:
    """Write an image as ImageJ TIFF, 8, 16 or 32 bits as it comes; see :func:`write_labels`."""
    _write(path, _fit_type(image), calibration=calibration, layout=layout)


def write_overlay_tiff(
    path: Path,
    image: Array,
    rois: Sequence[bytes],
    *,
    calibration: Calibration | None = None,
    layout: PlaneLayout | None = None,
) -> None:
    """Write an image with ROIs in its overlay; Fiji shows them when it opens the file.

    Parameters
    ----------
    path : Path
        Replaced atomically.
    image : ndarray of shape (M, N) or (P, M, N)
        Grey values.
    rois : sequence of bytes
        ImageJ ROI bytes.
    calibration : Calibration, optional
        Size of a pixel.
    layout : PlaneLayout, optional
        What the planes are; slices without it.
    """
    pixels = _fit_type(image)
    facts: dict[str, Any] = {"min": float(pixels.min()), "max": float(pixels.max())}
    if rois:
        facts["Overlays"] = list(rois)
    _write(path, pixels, calibration=calibration, layout=layout, facts=facts)


def write_png(path: Path, picture: Array) -> None:
    """Write 8-bit grey values (M, N) or colours (M, N, 3) as PNG, atomically."""
    write_bytes(path, encode_png(picture))


def encode_png(picture: Array) -> bytes:
    """Return 8-bit grey values (M, N) or colours (M, N, 3) as PNG bytes."""
    from PIL import Image

    stream = io.BytesIO()
    # Level 3 of 9: less than half of the usual time for 2 % more bytes of a microscope's noise.
    pixels = np.ascontiguousarray(picture, dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG", compress_level=3)
    return stream.getvalue()


def encode_tiff(
    pixels: Array, *, calibration: Calibration | None = None, layout: PlaneLayout | None = None
) -> bytes:
    """Return pixels of shape (M, N) or (P, M, N) as the bytes of an ImageJ TIFF."""
    stream = io.BytesIO()
    _save(stream, _fit_type(pixels), calibration=calibration, layout=layout, facts={})
    return stream.getvalue()


def encode_mask(mask: Array) -> bytes:
    """Return a mask of shape (M, N) as the bytes of an 8-bit TIFF with the values 0 and 255."""
    return encode_tiff((np.asarray(mask) > 0).astype(np.uint8) * 255)


def _write(
    path: Path,
    pixels: Array,
    *,
    calibration: Calibration | None,
    layout: PlaneLayout | None,
    facts: dict[str, Any] | None = None,
) -> None:
    with open_atomic(path) as temporary, temporary.open("wb+") as stream:
        _save(stream, pixels, calibration=calibration, layout=layout, facts=facts or {})


def _save(
    stream: BinaryIO,
    pixels: Array,
    *,
    calibration: Calibration | None,
    layout: PlaneLayout | None,
    facts: dict[str, Any],
) -> None:
    import tifffile

    shape, description = describe_imagej(
        pixels.shape, calibration or Calibration(), layout=layout, facts=facts
    )
    tifffile.imwrite(
        stream,
        np.ascontiguousarray(pixels.reshape(shape)),
        photometric="minisblack",
        **description,
    )


def describe_imagej(
    shape: tuple[int, ...],
    size: Calibration,
    *,
    layout: PlaneLayout | None,
    facts: dict[str, Any],
) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Return shape and description of an ImageJ TIFF, as ``tifffile.imwrite`` takes them.

    Parameters
    ----------
    shape : tuple of int
        (M, N) or (P, M, N); a single plane of a stack without layout is a plain image.
    size : Calibration
        Size of a pixel.
    layout : PlaneLayout or None
        What the planes are; slices without it.
    facts : dict
        Further metadata.
    """
    metadata: dict[str, Any] = {"unit": spell_for_imagej(size.unit), **facts}
    if len(shape) == 3:
        order = layout or PlaneLayout(slices=shape[0])
        shape = (order.frames, order.slices, 1, *shape[1:])
        metadata |= _describe_steps(order)
    return shape, {
        "imagej": True,
        "resolution": (1 / size.pixel_width, 1 / size.pixel_height),
        "resolutionunit": 1,
        "metadata": metadata,
    }


def _describe_steps(layout: PlaneLayout) -> dict[str, Any]:
    steps: dict[str, Any] = {"axes": "TZCYX"}
    if layout.spacing:
        steps["spacing"] = layout.spacing
    if layout.interval:
        steps["finterval"] = layout.interval
    return steps


def _fit_type(pixels: Array) -> Array:
    if pixels.dtype in {np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)}:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * 255
    if pixels.dtype.kind in "ui" and 0 <= pixels.min() <= pixels.max() <= _LARGEST_UINT16:
        return pixels.astype(np.uint16)
    return pixels.astype(np.float32)
