"""Where image bytes come from, and the refusals that all readers share."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from deepflash_service.errors import ComputeError, DeepFlashError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

Format = Literal["tiff", "raster", "roi", "zip", "geojson"]

PIXEL_LIMIT = 400_000_000
"""Rows x columns x planes x channels of one file; checked before anything is decoded."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SMALL_BYTES = 16 * 1024 * 1024
_HEAD_BYTES = 64
_HIGHEST_RATIO = 50_000
"""No compression of a real image saves more than this."""

_MAGICS: tuple[tuple[bytes, Format], ...] = (
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\x89PNG\r\n\x1a\n", "raster"),
    (b"GIF8", "raster"),
    (b"BM", "raster"),
    (b"\xff\xd8\xff", "raster"),
    (b"Iout", "roi"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)


class _AloneReader(io.BufferedReader):
    """A stream that hides that it is a file, so that no decoder opens its neighbours.

    An OME-TIFF may name further files by any path; tifffile would read them.
    """

    def fileno(self) -> int:
        """Refuse, as a stream without a file does."""
        raise io.UnsupportedOperation("this stream stands for its bytes only")


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes in memory or a file, with the name that messages use."""

    content: Path | bytes
    name: str

    @classmethod
    def of(cls, content: Path | bytes, name: str | None) -> Source:
        """Build a source; a path gives its own name."""
        if name is None:
            name = content.name if isinstance(content, Path) else "the uploaded file"
        return cls(content, name)

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Yield a binary stream.

        Raises
        ------
        InputError
            Code ``unreadable_file`` when there is no such file or it may not be read.
        """
        if isinstance(self.content, bytes):
            yield io.BytesIO(self.content)
            return
        try:
            stream = _AloneReader(io.FileIO(self.content))
        except OSError as error:
            raise InputError(
                f"{self.content} cannot be opened: {error.strerror}. Check the path.",
                code="unreadable_file",
                details={"path": str(self.content)},
            ) from error
        with stream:
            yield stream

    def read(self) -> bytes:
        """Return all bytes."""
        with self.open() as stream:
            return stream.read()


def detect_format(source: Source, *, code: str = "invalid_image") -> Format:
    """Return the format found in the first bytes; the file name does not matter.

    Raises
    ------
    InputError
        With `code` when the file is empty or of no known format.
    """
    with source.open() as stream:
        head = stream.read(_HEAD_BYTES)
    if not head:
        raise InputError(
            f"{source.name} is empty (0 bytes). Save or copy the file again and retry.",
            code=code,
            details={"name": source.name},
        )
    for magic, found in _MAGICS:
        if head.startswith(magic):
            return found
    if head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith((b"{", b"[")):
        return "geojson"
    raise InputError(
        f"{source.name} is not an image that can be read here. Save it in Fiji as TIFF or PNG and "
        "retry.",
        code=code,
        details={"name": source.name},
    )


def check_pixels(source: Source, count: int, *, limit: int, item_bytes: int = 1) -> None:
    """Refuse a file whose header promises nothing, too much, or more than its bytes can hold.

    Parameters
    ----------
    source : Source
        The file.
    count : int
        Values that the header promises.
    limit : int
        Most values that are accepted.
    item_bytes : int, optional
        Bytes per value.

    Raises
    ------
    InputError
        Codes ``image_too_large`` and ``invalid_image``.
    """
    if count < 1:
        raise refuse_damaged(source, ValueError("no pixels"))
    if count > limit:
        raise InputError(
            f"{source.name} says it holds {count:,} pixel values, more than the {limit:,} that "
            "are accepted. Split the image or crop it in Fiji.",
            code="image_too_large",
            details={"name": source.name, "pixels": count, "limit": limit},
        )
    if count * item_bytes > max(_SMALL_BYTES, _HIGHEST_RATIO * source.size):
        raise refuse_damaged(source, ValueError(f"{source.size} bytes for {count} values"))


@contextmanager
def explain_decoding(source: Source) -> Iterator[None]:
    """Turn what decoders raise while the block runs into the refusal of the file.

    Raises
    ------
    InputError
        Code ``invalid_image``: the file is damaged.
    ComputeError
        Code ``out_of_memory``.
    """
    try:
        yield
    except DeepFlashError:
        raise
    except MemoryError as error:
        raise refuse_memory(source.name) from error
    except Exception as error:
        raise refuse_damaged(source, error) from error


def refuse_damaged(source: Source, error: Exception, *, code: str = "invalid_image") -> InputError:
    """Return the error for a file that looks right at first but cannot be decoded."""
    return InputError(
        f"{source.name} is damaged or incomplete and cannot be decoded. Copy or save the file "
        "again and retry.",
        code=code,
        details={"name": source.name, "reason": f"{type(error).__name__}: {error}"[:300]},
    )


def refuse_memory(name: str) -> ComputeError:
    """Return the error for a file that does not fit into the memory."""
    return ComputeError(
        f"The memory did not suffice for {name}; try again after closing other programs, on a "
        "computer with more memory, or with a part of the image.",
        code="out_of_memory",
        details={"name": name},
    )
