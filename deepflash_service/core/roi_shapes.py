"""Reading the outlines of ImageJ ROIs of every kind that encloses an area."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.roi_format import (
    HEADER,
    HEADER2,
    LARGEST_SHORT,
    MAGIC,
    MOVE,
    parse_properties,
)
from deepflash_service.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    Points = npt.NDArray[np.float64]
    Bounds = tuple[int, int, int, int]

_KINDS = {
    0: "polygon", 1: "rectangle", 2: "oval", 3: "line", 4: "freehand line", 5: "polyline",
    6: "empty ROI", 7: "freehand", 8: "traced", 9: "angle", 10: "point",
}  # fmt: skip
_SUBTYPES = {1: "text", 2: "arrow", 4: "image"}
_OUTLINED = ("polygon", "freehand", "traced")
_SPLINE, _SUB_PIXEL = 1, 128
_SUB_PIXEL_VERSION = 222
_CURVE_STEPS = np.arange(1, 65)[:, np.newaxis] / 64
_HIGHEST_LABEL = np.iinfo(np.int32).max
_MOST_DIGITS = 10
_POINTS_OF = {0: 1, 1: 1, 2: 2, 3: 3, 4: 0}


@dataclass(frozen=True, slots=True)
class RoiShape:
    """One ImageJ ROI with an area.

    ``rings`` are closed loops of (x, y) corners in image coordinates; the area is what an odd
    number of loops encloses.
    """

    name: str
    kind: str
    rings: tuple[Points, ...]
    position: tuple[int, int, int] = (0, 0, 0)
    plane: int = 0
    group: int = 0
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> int | None:
        """The label that DeepFLaSH gave to this ROI, if it did."""
        text = self.properties.get("dfl.label", "")
        is_number = text.isdecimal() and len(text) <= _MOST_DIGITS
        return int(text) if is_number and 0 < int(text) <= _HIGHEST_LABEL else None


def read_roi(data: bytes) -> RoiShape:
    """Read an ImageJ ROI that encloses an area.

    Parameters
    ----------
    data : bytes
        Content of a ``.roi`` file.

    Returns
    -------
    RoiShape

    Raises
    ------
    InputError
        Code ``invalid_roi``: damaged bytes, or a line, point, text or image.
    """
    if len(data) < HEADER.size or data[:4] != MAGIC:
        raise InputError(
            "These bytes are not an ImageJ ROI. Save the ROI again in ImageJ.", code="invalid_roi"
        )
    try:
        return _read_shape(data)
    except (struct.error, TypeError, ValueError, IndexError, KeyError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            "An ImageJ ROI is damaged or cut off. Save the ROI again in ImageJ.",
            code="invalid_roi",
        ) from error


def _read_shape(data: bytes) -> RoiShape:
    header = HEADER.unpack_from(data)
    kind_code, corners, floats = header[2], header[7], header[9]
    subtype, options, second = header[12], header[13], header[18]
    version = header[1]
    bounds = _read_bounds(header[3:7])
    facts = _read_second_header(data, second)
    kind = _SUBTYPES.get(subtype, _KINDS.get(kind_code, "unknown ROI"))
    if floats > 0:
        kind, rings = "composite", _read_composite(data, floats)
    elif kind == "rectangle":
        rings = _make_rectangle(bounds)
    elif kind == "oval":
        rings = _make_oval(bounds)
    elif kind in _OUTLINED:
        corners = corners or struct.unpack_from(">i", data, 18)[0]
        rings = _read_polygon(data, corners, bounds=bounds, options=options, version=version)
    else:
        raise InputError(
            f"ROI {facts['name'] or 'without name'!r} is a {kind} and encloses no area. Outline "
            "it with the freehand, polygon, oval or wand tool.",
            code="invalid_roi",
        )
    return RoiShape(kind=kind, rings=rings, plane=header[17], **facts)


def _read_bounds(numbers: tuple[int, int, int, int]) -> Bounds:
    top, left, bottom, right = (
        number - 65536 if number > LARGEST_SHORT else number for number in numbers
    )
    return top, left, bottom, right


def _read_second_header(data: bytes, second: int) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": "", "position": (0, 0, 0), "group": 0, "properties": {}}
    if not 0 < second <= len(data) - HEADER2.size:
        return facts
    numbers = HEADER2.unpack_from(data, second)
    facts["position"] = numbers[:3]
    facts["name"] = _read_text(data, numbers[3], numbers[4])
    facts["group"] = numbers[7]
    facts["properties"] = parse_properties(_read_text(data, numbers[11], numbers[12]))
    return facts


def _read_text(data: bytes, offset: int, units: int) -> str:
    return data[offset : offset + 2 * units].decode("utf-16-be", "replace") if offset else ""


def _read_polygon(
    data: bytes, corners: int, *, bounds: Bounds, options: int, version: int
) -> tuple[Points, ...]:
    top, left, _, _ = bounds
    points = np.ndarray((2, corners), ">u2", data, HEADER.size).astype(np.float64)
    points[points > LARGEST_SHORT] = 0  # negative for ImageJ, which reads them as 0
    points += np.array([[left], [top]])
    if options & _SUB_PIXEL and version >= _SUB_PIXEL_VERSION:
        points = np.ndarray((2, corners), ">f4", data, HEADER.size + 4 * corners).astype(float)
    if not np.isfinite(points).all() or corners == 0:
        raise ValueError("no usable corners")
    ring = np.ascontiguousarray(points.T)
    return (_fit_spline(ring) if options & _SPLINE else ring,)


def _fit_spline(ring: Points) -> Points:
    """Smooth a closed polygon with a periodic cubic spline through its corners."""
    from scipy.interpolate import CubicSpline

    corners = ring.shape[0]
    spline = CubicSpline(
        np.arange(corners + 1), np.concatenate([ring, ring[:1]]), bc_type="periodic"
    )
    return np.asarray(spline(np.linspace(0, corners, 16 * corners, endpoint=False)))


def _read_composite(data: bytes, floats: int) -> tuple[Points, ...]:
    values = np.ndarray(floats, ">f4", data, HEADER.size).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("no usable corners")
    rings: list[list[Points]] = []
    index = 0
    while index < floats:
        command = int(values[index])
        count = _POINTS_OF[command]
        points = values[index + 1 : index + 1 + 2 * count].reshape(count, 2)
        index += 1 + 2 * count
        if command == MOVE:
            rings.append([points])
        elif count:
            rings[-1].append(_flatten_curve(rings[-1][-1][-1], points))
    return tuple(np.concatenate(ring) for ring in rings)


def _flatten_curve(start: Points, points: Points) -> Points:
    """Return the points after ``start`` on a line, quadratic or cubic Bezier curve."""
    if points.shape[0] == 1:
        return points
    controls = np.concatenate([start[np.newaxis], points])
    controls = np.repeat(controls[np.newaxis], _CURVE_STEPS.shape[0], axis=0)
    steps = _CURVE_STEPS[:, np.newaxis]
    while controls.shape[1] > 1:
        controls = controls[:, :-1] * (1 - steps) + controls[:, 1:] * steps
    return controls[:, 0]


def _make_rectangle(bounds: Bounds) -> tuple[Points, ...]:
    top, left, bottom, right = bounds
    ring = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=float)
    return (ring,)


def _make_oval(bounds: Bounds) -> tuple[Points, ...]:
    top, left, bottom, right = bounds
    width, height = right - left, bottom - top
    if width < 1 or height < 1:
        raise ValueError("empty oval")
    dy = (np.arange(height) + 0.5 - height / 2) / (height / 2)
    half = np.sqrt(np.maximum(1 - dy**2, 0)) * width / 2
    begin = np.ceil(width / 2 - half - 0.5)
    rows = top + np.arange(height)
    starts, ends = left + begin, right - begin
    y = np.stack([rows, rows + 1], axis=1).ravel()
    right_side = np.stack([np.repeat(ends, 2), y], axis=1)
    left_side = np.stack([np.repeat(starts, 2), y], axis=1)[::-1]
    return (np.concatenate([right_side, left_side]).astype(np.float64),)
