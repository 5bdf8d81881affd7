"""The checksum by which ImageJ's updater knows a file (docs/update-site.md)."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINES: Final = re.compile(rb"[^\n]*\n|[^\n]+")
_MANIFEST: Final = "META-INF/MANIFEST.MF"


def digest_file(name: str, data: bytes) -> str:
    """Return the SHA-1 that the updater compares, in lower-case hexadecimal digits.

    A jar counts by what its entries hold, in the order of their names and without what differs
    from build to build (manifest, comments of property files); any other file by its path and
    its bytes.

    Parameters
    ----------
    name : str
        Path inside the Fiji folder, with ``/``.
    data : bytes
        The file.
    """
    digest = hashlib.sha1(usedforsecurity=False)
    if name.endswith(".jar"):
        with zipfile.ZipFile(io.BytesIO(data)) as jar:
            for entry in sorted(jar.namelist()):
                digest.update(entry.encode("ascii", "replace"))
                digest.update(_reduce_entry(entry, jar.read(entry)))
    else:
        digest.update(name.encode("ascii", "replace"))
        digest.update(data)
    return digest.hexdigest()


def _reduce_entry(name: str, data: bytes) -> bytes:
    if name == _MANIFEST:
        return b""
    return b"".join(_skip_comments(data)) if name.endswith(".properties") else data


def _skip_comments(data: bytes) -> Iterator[bytes]:
    """Yield the lines, comments as empty ones.

    After an empty line, and after a comment without text, the updater does not look for a comment.
    """
    looks = True
    for line in _LINES.findall(data):
        is_comment = looks and line.startswith(b"#")
        if not is_comment:
            yield line
        elif line.endswith(b"\n"):
            yield b"\n"
        looks = not looks or line.lstrip(b"#" if is_comment else b"") != b"\n"
