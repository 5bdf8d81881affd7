"""The home folder and its free space."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from deepflash_service.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = ("datasets", "models", "runs")


def prepare_home(home: Path) -> None:
    """Make the home folder, readable by its owner only, and its sub-folders.

    Raises
    ------
    SetupError
        Code ``disk_fault`` when it cannot be made.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in FOLDERS:
            (home / name).mkdir(exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"The home folder {home} cannot be made: {error.strerror or error}. "
            "Choose another one with --home or DEEPFLASH_HOME.",
            code="disk_fault",
        ) from error


def free_bytes(home: Path) -> int:
    """Return the free space, in bytes, of the disk that holds `home` or its nearest parent."""
    folder = home
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
