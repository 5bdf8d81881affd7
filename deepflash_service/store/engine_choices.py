"""Which engine computes a model on this computer, once it was measured.

A worker that takes the place of a killed one must give the same maps; a measurement under
another load could choose another engine.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from deepflash_service.errors import DeepFlashError
from deepflash_service.store.atomic import write_json
from deepflash_service.store.reading import read_json

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER = "devices"
_NAME = "engines.json"


def read_choice(home: Path, key: str) -> tuple[str, str] | None:
    """Return engine and precision that were noted under a key, or None.

    Parameters
    ----------
    home : Path
        Home folder.
    key : str
        Model, computer and versions.
    """
    facts = _read(home).get(key)
    if isinstance(facts, list) and len(facts) == 2:
        return str(facts[0]), str(facts[1])
    return None


def note_choice(home: Path, key: str, *, choice: tuple[str, str]) -> None:
    """Note engine and precision under a key, if the disk has room."""
    with suppress(DeepFlashError):
        write_json(home / _FOLDER / _NAME, {**_read(home), key: list(choice)})


def _read(home: Path) -> dict[str, object]:
    try:
        return read_json(home / _FOLDER / _NAME)
    except (DeepFlashError, OSError):
        return {}
