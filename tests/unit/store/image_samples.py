"""Small image files that tests write."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
import tifffile
from PIL import Image


def make_tiff(pixels: Any, **options: Any) -> bytes:
    """Return an array as TIFF bytes."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def make_png(pixels: Any, mode: str | None = None) -> bytes:
    """Return an array as PNG bytes."""
    stream = io.BytesIO()
    picture = Image.fromarray(np.asarray(pixels))
    (picture.convert(mode) if mode else picture).save(stream, "PNG")
    return stream.getvalue()


def make_palette(indices: Any, table: Any, kind: str = "GIF") -> bytes:
    """Return indices with a colour table of shape (K, 3) as GIF or PNG bytes."""
    picture = Image.fromarray(np.asarray(indices, dtype=np.uint8), "P")
    picture.putpalette(np.asarray(table, dtype=np.uint8).tobytes())
    stream = io.BytesIO()
    picture.save(stream, kind, optimize=False)
    return stream.getvalue()


def make_huge_header(side: int = 100_000) -> bytes:
    """Return a TIFF whose header promises `side` x `side` pixels and that holds none."""
    data = bytearray(make_tiff(np.zeros((2, 3), np.uint8)))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        for code in (256, 257, 278):
            tag = tiff.pages[0].tags[code]  # type: ignore[union-attr]
            data[tag.offset + 2 : tag.offset + 4] = (4).to_bytes(2, "little")
            data[tag.offset + 8 : tag.offset + 12] = side.to_bytes(4, "little")
    return bytes(data)


def make_png_header(side: int) -> bytes:
    """Return a PNG whose header promises `side` x `side` pixels and that holds none."""
    body = b"IHDR" + side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    check = zlib.crc32(body).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + body + check + b"\0\1\0\0IDAT"
