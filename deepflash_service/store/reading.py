"""Reading the JSON files of the home folder, and fingerprints of files."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    InputError
        Code ``damaged_file`` when it holds no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, NotADirectoryError) as error:
        raise _refuse(path) from error
    if not isinstance(value, dict):
        raise _refuse(path)
    return value


def _refuse(path: Path) -> InputError:
    return InputError(
        f"{path} is damaged; restore it from a copy or remove its folder.",
        code="damaged_file",
        details={"path": str(path)},
    )


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
