"""Reading and writing images and annotations: the one place that knows file formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepflash_service.errors import InputError
from deepflash_service.store.annotations import read_annotation, read_mask_or_map
from deepflash_service.store.image_writing import (
    encode_mask,
    encode_png,
    encode_tiff,
    write_image,
    write_labels,
    write_mask,
    write_overlay_tiff,
    write_png,
    write_probability,
)
from deepflash_service.store.names import strip_extension
from deepflash_service.store.planes import ImageFile, PlaneLayout
from deepflash_service.store.raster_reading import read_raster
from deepflash_service.store.roi_files import read_rois, write_roi_zip
from deepflash_service.store.sources import PIXEL_LIMIT, Source, detect_format
from deepflash_service.store.tiff_reading import read_tiff
from deepflash_service.store.zarr_reading import is_zarr

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "PIXEL_LIMIT",
    "ROI_SUFFIXES",
    "ImageFile",
    "PlaneLayout",
    "encode_mask",
    "encode_png",
    "encode_tiff",
    "list_images",
    "list_stored",
    "list_uploads",
    "read_annotation",
    "read_image",
    "read_mask_or_map",
    "read_rois",
    "write_image",
    "write_labels",
    "write_mask",
    "write_overlay_tiff",
    "write_png",
    "write_probability",
    "write_roi_zip",
]

_SUFFIXES = {".tif", ".tiff", ".png", ".gif", ".bmp", ".jpg", ".jpeg"}
ROI_SUFFIXES = frozenset({".roi", ".zip", ".geojson"})


def read_image(
    source: Path | bytes, *, name: str | None = None, max_pixels: int = PIXEL_LIMIT
) -> ImageFile:
    """Read an image of any supported format.

    Parameters
    ----------
    source : Path or bytes
        A file, or its bytes (an upload); the format is found in the bytes.
    name : str, optional
        Name for messages; a path gives its own.
    max_pixels : int, optional
        Limit on the number of values, checked from the header before decoding.

    Returns
    -------
    ImageFile
        Raw values, calibration, order of the planes.

    Raises
    ------
    InputError
        Codes ``invalid_image``, ``image_too_large``, ``unreadable_file``.
    """
    origin = Source.of(source, name)
    found = detect_format(origin)
    if found == "tiff":
        return read_tiff(origin, max_pixels=max_pixels)
    if found == "raster":
        return read_raster(origin, max_pixels=max_pixels)
    raise InputError(
        f"{origin.name} is a file of ROIs, not an image. Give it as an annotation, or choose "
        "the image it belongs to.",
        code="invalid_image",
        details={"name": origin.name},
    )


def list_images(folder: Path, *, with_rois: bool = False, with_zarr: bool = False) -> list[Path]:
    """Return the image files of a folder, sorted by name; hidden files are left out.

    Parameters
    ----------
    folder : Path
        Searched without its sub-folders.
    with_rois : bool, optional
        Include ROI sets (``.roi``, ``.zip``, ``.geojson``), but not beside a mask of the same
        name.
    with_zarr : bool, optional
        Include zarr images, which are folders; ``folder`` itself may be one.

    Raises
    ------
    InputError
        Code ``unreadable_file`` when the folder does not exist.
    """
    if with_zarr and is_zarr(folder):
        return [folder]
    suffixes = _SUFFIXES | ROI_SUFFIXES if with_rois else _SUFFIXES
    found = [path for path in list_stored(folder) if path.suffix.lower() in suffixes]
    if with_zarr:
        folders = (path for path in folder.iterdir() if not path.name.startswith("."))
        found = sorted([*found, *filter(is_zarr, folders)])
    return _prefer_masks(found) if with_rois else found


def list_uploads(folder: Path) -> list[Path]:
    """Return the uploaded annotations of one expert, sorted by name.

    Raises
    ------
    InputError
        Code ``unreadable_file`` when the folder does not exist.
    """
    return _prefer_masks(list_stored(folder))


def _prefer_masks(paths: list[Path]) -> list[Path]:
    # the annotation macros write NAME.tif and NAME_RoiSet.zip: one annotation, two files
    masks = {
        strip_extension(path.name).casefold()
        for path in paths
        if path.suffix.lower() not in ROI_SUFFIXES
    }
    return [
        path
        for path in paths
        if path.suffix.lower() not in ROI_SUFFIXES
        or path.stem.casefold().removesuffix("_roiset") not in masks
    ]


def list_stored(folder: Path) -> list[Path]:
    """Return all files of a folder that only holds checked uploads, sorted by name.

    The content of an upload decides its format, so its name may have any extension or none.

    Raises
    ------
    InputError
        Code ``unreadable_file`` when the folder does not exist.
    """
    try:
        return sorted(
            path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()
        )
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be read: {error.strerror}. Check the path.",
            code="unreadable_file",
            details={"path": str(folder)},
        ) from error
