"""The trash of the model library: what is removed is moved there, never deleted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from deepflash_service.store.models import LABELS, TRASH, find_model, list_versions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def remove_model(home: Path, reference: str) -> list[str]:
    """Move one version, or without ``@`` all of them, to the trash; return what was moved.

    Raises
    ------
    NotFoundError
        Code ``unknown_model``.
    """
    name, _, wanted = reference.partition("@")
    found = find_model(home, reference).card.version
    versions = [found] if wanted else list_versions(home / "models" / name)
    move_to_trash(home, name, versions)
    return [f"{name}@{version}" for version in versions]


def move_to_trash(home: Path, name: str, versions: Iterable[int]) -> None:
    """Move versions to the trash; others stay, also those that are published meanwhile."""
    root, trash = home / "models" / name, home / "models" / TRASH
    trash.mkdir(exist_ok=True)
    for version in versions:
        (root / str(version)).rename(trash / f"{name}@{version}.{uuid4().hex[:6]}")
    if not list_versions(root):
        with suppress(OSError):
            (root / LABELS).unlink(missing_ok=True)
            root.rmdir()
