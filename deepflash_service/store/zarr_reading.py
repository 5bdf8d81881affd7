"""Zarr folders: OME-Zarr images (0.4 and 0.5) and plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepflash_service.errors import InputError
from deepflash_service.records import Calibration
from deepflash_service.store.calibrations import make_calibration, normalise_unit
from deepflash_service.store.sources import Source, explain_decoding, refuse_damaged

_MARKS = ("zarr.json", ".zarray", ".zgroup")
_USUAL_AXES = {2: "YX", 3: "ZYX", 4: "CZYX", 5: "TCZYX"}


@dataclass(frozen=True, slots=True)
class ZarrImage:
    """The array of full resolution in a zarr folder.

    Attributes
    ----------
    array : zarr.Array
        The pixels, still on disk.
    letters : tuple of str
        T, Z, C, Y or X for each axis.
    calibration : Calibration
        Size of a pixel.
    spacing : float
        Distance of two slices, 0 = unknown.
    """

    array: Any
    letters: tuple[str, ...]
    calibration: Calibration
    spacing: float


def is_zarr(path: Path) -> bool:
    """Tell whether a folder holds a zarr array or group."""
    return path.is_dir() and any((path / mark).is_file() for mark in _MARKS)


def open_zarr(path: Path) -> ZarrImage:
    """Open the image of a zarr folder at full resolution.

    Parameters
    ----------
    path : Path
        Folder of an array, of an OME-Zarr image, or of a collection of one image
        (``bioformats2raw``).

    Raises
    ------
    InputError
        Code ``invalid_image``.
    """
    import zarr

    source = Source.of(path, None)
    with explain_decoding(source):
        found: Any = zarr.open(str(path), mode="r")
        if hasattr(found, "chunks"):
            letters = _name_plain_axes(found)
            image = ZarrImage(found, letters, Calibration(), 0.0)
        else:
            image = _open_group(found, source)
    if len(image.letters) != image.array.ndim or not set("YX") <= set(image.letters):
        raise refuse_damaged(source, ValueError(f"axes {image.letters}"))
    return image


def _open_group(group: Any, source: Source) -> ZarrImage:
    scales = _find_scales(group)
    if scales is None and "0" in group and "1" not in group:
        group = group["0"]
        scales = _find_scales(group)
    if scales is None:
        raise InputError(
            f"{source.name} holds no single OME-Zarr image. Give the folder of one image, in "
            "which the file .zattrs or zarr.json names multiscales.",
            code="invalid_image",
            details={"name": source.name},
        )
    dataset = scales["datasets"][0]
    axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in scales.get("axes", [])]
    array = group[dataset["path"]]
    if axes:
        letters = tuple(str(axis["name"]).upper() for axis in axes)
    else:
        letters = tuple("TCZYX"[-array.ndim :])
    steps = _read_scale(dataset, array.ndim)
    sizes = dict(zip(letters, steps, strict=False))
    units = dict(zip(letters, (str(axis.get("unit", "")) for axis in axes), strict=False))
    unit = normalise_unit(units.get("X", ""))
    calibration = make_calibration(sizes.get("X", 1.0), sizes.get("Y", 1.0), unit)
    spacing = sizes.get("Z", 0.0) if "Z" in letters else 0.0
    return ZarrImage(array, letters, calibration, spacing)


def _find_scales(group: Any) -> dict[str, Any] | None:
    attributes = dict(group.attrs)
    scales = (attributes.get("ome") or attributes).get("multiscales")
    return dict(scales[0]) if scales else None


def _read_scale(dataset: dict[str, Any], axes: int) -> list[float]:
    for step in dataset.get("coordinateTransformations", []):
        if step.get("type") == "scale" and len(step.get("scale", [])) == axes:
            return [float(one) for one in step["scale"]]
    return [1.0] * axes


def _name_plain_axes(array: Any) -> tuple[str, ...]:
    names = getattr(array.metadata, "dimension_names", None)
    names = names or dict(array.attrs).get("_ARRAY_DIMENSIONS")
    letters = tuple(str(name).upper() for name in names or ())
    if len(set(letters)) == array.ndim and set("YX") <= set(letters) <= set("TZCYX"):
        return letters
    return tuple(_USUAL_AXES.get(array.ndim, ""))
