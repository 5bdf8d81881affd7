"""The ImageJ ROI format: writing the bytes of traced ROIs.

Facts of the format: all numbers are big-endian; a header of 64 bytes is followed by the
coordinates, a second header of 64 bytes, the name and the properties (both UTF-16). A traced ROI
holds 16-bit corners relative to its bounds, first all x, then all y; a composite ROI holds
floats, (0, x, y) starts a loop, (1, x, y) goes on and (4) closes it.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deepflash_service.core.outlines import Outlines

MAGIC = b"Iout"
VERSION = 228
HEADER = struct.Struct(">4sHBxHHHHH16xHiIIHHBBHiI")
"""Magic, version, type, top, left, bottom, right, corners, stroke width, floats of a composite,
stroke and fill colour, subtype, options, arrow style, arrow head, arc size, position, offset of
the second header."""
HEADER2 = struct.Struct(">4xiiiIIIhBBifIIi8x4x")
"""Channel, slice, frame, name offset and length, label colour, font size, group, opacity, image
size, stroke width, properties offset and length, counters offset."""
TYPE_RECTANGLE, TYPE_TRACED = 1, 8
MOVE, LINE, CLOSE = 0, 1, 4

_PROPERTY_KEY = re.compile(r"[^\s:=#!\\]+")
_PROPERTY_LINE = re.compile(r"\s*(?P<key>[^\s:=]+)\s*[:=]\s*(?P<value>.*?)\r?")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_BACKSLASH = 92
_PLAIN_VALUE = re.compile(r"[!-\[\]-~][ -\[\]-~]*|")
LARGEST_SHORT = 60_535
"""ImageJ reads 16-bit numbers above this one as negative."""
_MOST_CORNERS = 65_535


@dataclass(frozen=True, slots=True)
class RoiText:
    """What an ROI carries beside its outline.

    ``position`` is (channel, slice, frame), 1-based, 0 = all; or the number of a plane of a stack
    with one axis; 0 = none.
    """

    name: str
    properties: Mapping[str, object]
    position: int | tuple[int, ...] = 0


def encode_outlines(outlines: Outlines, texts: list[RoiText]) -> list[bytes]:
    """Write each ROI of the outlines as the bytes of an ImageJ ``.roi`` file.

    Parameters
    ----------
    outlines : Outlines
        At least one loop for each ROI. Corners that are floats make composite ROIs.
    texts : list of RoiText
        One for each ROI, in the order of the labels.

    Returns
    -------
    list of bytes
        Traced ROI where one loop and 16-bit numbers suffice, composite ROI otherwise.
    """
    encoded = []
    for (kind, bounds, corners, floats, body), text in zip(
        _encode_bodies(outlines), texts, strict=True
    ):
        name = text.name.encode("utf-16-be", "surrogatepass")
        facts = format_properties(text.properties).encode("utf-16-be")
        position, (c, z, t) = _split_position(text.position)
        second = HEADER.size + len(body)
        name_at = second + HEADER2.size
        header = HEADER.pack(
            *(MAGIC, VERSION, kind, *bounds, corners, 0, floats),
            *(0, 0, 0, 0, 0, 0, 0, position, second),
        )
        header2 = HEADER2.pack(
            *(c, z, t, name_at if name else 0, len(name) // 2, 0, 0, 0, 0, 0, 0.0),
            *(name_at + len(name) if facts else 0, len(facts) // 2, 0),
        )
        encoded.append(b"".join((header, body, header2, name, facts)))
    return encoded


def format_properties(properties: Mapping[str, object]) -> str:
    r"""Return properties as the lines ``key: value`` that ImageJ reads and writes.

    Parameters
    ----------
    properties : mapping from str
        Values are written as text.

    Returns
    -------
    str
        ASCII only.

    Raises
    ------
    InputError
        A key that is empty or holds white space, ``:``, ``=``, ``#``, ``!`` or a backslash.
    """
    lines = []
    for key, value in properties.items():
        if not _PROPERTY_KEY.fullmatch(key):
            raise InputError(
                f"{key!r} cannot name an ROI property. Use letters, digits and full stops."
            )
        lines.append(f"{key}: {_escape(str(value))}\n")
    return "".join(lines)


def parse_properties(text: str) -> dict[str, str]:
    """Read the lines ``key: value`` (or ``key=value``) of the properties of an ROI.

    Parameters
    ----------
    text : str

    Returns
    -------
    dict from str to str
    """
    found = (_PROPERTY_LINE.fullmatch(line) for line in text.split("\n"))
    return {one["key"]: _unescape(one["value"]) for one in found if one}


def _escape(value: str) -> str:
    """Write a value as Java properties do: ImageJ reads Latin-1 and drops leading white space."""
    if _PLAIN_VALUE.fullmatch(value):
        return value
    units = value.encode("utf-16-be", "surrogatepass")
    codes = struct.unpack(f">{len(units) // 2}H", units)
    head = len(value) - len(value.lstrip())
    return "".join(
        chr(code) if index >= head and 31 < code < 127 and code != _BACKSLASH else f"\\u{code:04x}"
        for index, code in enumerate(codes)
    )


def _unescape(value: str) -> str:
    if "\\" not in value:
        return value
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], value)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _split_position(position: int | tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    plane, place = (0, position) if isinstance(position, tuple) else (position, (0, 0, 0))
    if len(place) != 3 or min(plane, *place) < 0:
        raise InputError(
            f"{position} is no position of an ROI. Give (channel, slice, frame) or the number of a "
            "plane, counted from 1, 0 for all."
        )
    return plane, place


def _encode_bodies(
    outlines: Outlines,
) -> Iterator[tuple[int, tuple[int, int, int, int], int, int, bytes]]:
    """Yield type, bounds (top, left, bottom, right), corners, floats and body of each ROI."""
    starts = outlines.starts
    top, left, bottom, right = _find_loop_bounds(outlines)
    lengths = np.diff(starts)
    columns, rows = (
        (corners - np.repeat(first, lengths)).astype(np.int64).astype(">u2").tobytes()
        for corners, first in ((outlines.columns, left), (outlines.rows, top))
    )
    floats = _encode_floats(outlines)
    firsts = np.flatnonzero(np.diff(outlines.labels, prepend=0))
    lasts = np.append(firsts[1:], outlines.labels.size)
    is_traced = (
        (lasts - firsts == 1)
        & (np.maximum(bottom, right)[firsts] <= LARGEST_SHORT)
        & (lengths[firsts] <= _MOST_CORNERS)
        & (outlines.columns.dtype.kind == "i")
    )
    for first, last, traced in zip(
        firsts.tolist(), lasts.tolist(), is_traced.tolist(), strict=True
    ):
        begin, end = int(starts[first]), int(starts[last])
        if traced:
            bounds = (int(top[first]), int(left[first]), int(bottom[first]), int(right[first]))
            body = columns[2 * begin : 2 * end] + rows[2 * begin : 2 * end]
            yield TYPE_TRACED, bounds, end - begin, 0, body
        else:
            bounds = (
                int(top[first:last].min()) & 0xFFFF,
                int(left[first:last].min()) & 0xFFFF,
                int(bottom[first:last].max()) & 0xFFFF,
                int(right[first:last].max()) & 0xFFFF,
            )
            low, high = 3 * begin + first, 3 * end + last
            yield TYPE_RECTANGLE, bounds, 0, high - low, floats[4 * low : 4 * high]


def _find_loop_bounds(outlines: Outlines) -> tuple[np.ndarray, ...]:
    begins = outlines.starts[:-1]
    return (
        np.minimum.reduceat(outlines.rows, begins),
        np.minimum.reduceat(outlines.columns, begins),
        np.maximum.reduceat(outlines.rows, begins),
        np.maximum.reduceat(outlines.columns, begins),
    )


def _encode_floats(outlines: Outlines) -> bytes:
    """Write every loop as move, lines, close; three floats a corner and one more a loop."""
    loops = outlines.labels.size
    corners = outlines.rows.size
    places = 3 * np.arange(corners) + np.repeat(np.arange(loops), np.diff(outlines.starts))
    values = np.full(3 * corners + loops, CLOSE, dtype=">f4")
    values[places] = LINE
    values[places[outlines.starts[:-1]]] = MOVE
    values[places + 1] = outlines.columns
    values[places + 2] = outlines.rows
    return values.tobytes()
