"""Pixel sizes in TIFF tags, ImageJ descriptions and OME-XML."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from deepflash_service.core.scaling import COARSEST_PIXEL
from deepflash_service.records import Calibration

if TYPE_CHECKING:
    import tifffile

_MICROMETRE = "µm"
_SPELLINGS = {
    "um": _MICROMETRE,
    "micron": _MICROMETRE,
    "microns": _MICROMETRE,
    "micrometer": _MICROMETRE,
    "micrometre": _MICROMETRE,
    "μm": _MICROMETRE,
    "": "pixel",
    "pixels": "pixel",
    "inches": "inch",
}
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_CENTIMETRE = 3
_MICROMETRES_PER_CENTIMETRE = 10_000.0


def read_calibration(tiff: tifffile.TiffFile, page: Any) -> Calibration:
    """Return the size of a pixel; ``pixel`` where the file tells none.

    A resolution per inch is a setting of printers and screens: in a plain TIFF it is ignored; where
    ImageJ kept it as a unit, results are in inches, as in ImageJ, but nothing is rescaled by it.
    """
    if tiff.is_ome:
        return _read_ome(tiff.ome_metadata or "")
    width, height = _read_resolution(page, "XResolution"), _read_resolution(page, "YResolution")
    if not (width and height):
        return Calibration()
    if tiff.is_imagej:
        unit = normalise_unit(str((tiff.imagej_metadata or {}).get("unit", "")))
        return make_calibration(1 / width, 1 / height, unit)
    tag = page.tags.get("ResolutionUnit")
    if tag is not None and int(tag.value) == _CENTIMETRE:
        size = _MICROMETRES_PER_CENTIMETRE / width
        if size <= COARSEST_PIXEL:
            return make_calibration(size, _MICROMETRES_PER_CENTIMETRE / height, _MICROMETRE)
    return Calibration()


def read_steps(tiff: tifffile.TiffFile) -> tuple[float, float]:
    """Return the slice distance and the seconds between frames of an ImageJ file, 0 = unknown."""
    metadata = tiff.imagej_metadata or {}
    return _read_number(metadata.get("spacing")), _read_number(metadata.get("finterval"))


def normalise_unit(text: str) -> str:
    r"""Return one spelling per unit.

    ImageJ writes a micro sign as the six characters ``\u00B5``; other programs write
    ``um``, ``micron`` or a Greek mu.
    """
    text = _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text).strip().strip("\0")
    return _SPELLINGS.get(text.lower(), text)


def spell_for_imagej(unit: str) -> str:
    """Return the unit in ASCII, escaped as ImageJ writes it."""
    return "".join(char if char.isascii() else f"\\u{ord(char):04X}" for char in unit)


def make_calibration(width: float, height: float, unit: str) -> Calibration:
    """Return a calibration, or none where a size or the unit says nothing."""
    if unit == "pixel" or not (math.isfinite(width) and math.isfinite(height)):
        return Calibration()
    return Calibration(pixel_width=width, pixel_height=height, unit=unit)


def _read_resolution(page: Any, name: str) -> float:
    tag = page.tags.get(name)
    if tag is None:
        return 0.0
    numerator, denominator = tag.value
    return numerator / denominator if denominator else 0.0


def _read_number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _read_ome(text: str) -> Calibration:
    width, height = _find(text, "PhysicalSizeX"), _find(text, "PhysicalSizeY")
    try:
        sizes = float(width), float(height or width)
    except ValueError:
        return Calibration()
    return make_calibration(*sizes, normalise_unit(_find(text, "PhysicalSizeXUnit") or _MICROMETRE))


def _find(text: str, attribute: str) -> str:
    match = re.search(rf'\b{attribute}="([^"]*)"', text)
    return match.group(1) if match else ""
