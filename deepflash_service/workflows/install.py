"""Copy the plugin and the macros into a Fiji installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepflash_service.errors import InputError
from deepflash_service.store.atomic import write_bytes
from deepflash_service.workflows.plugin_files import JAR_PREFIX, list_plugin_files

if TYPE_CHECKING:
    from pathlib import Path


def install_into_fiji(fiji: Path) -> dict[str, Any]:
    """Copy jar, macros and tool sets; an older jar of ours is removed.

    Parameters
    ----------
    fiji : Path
        Folder ``Fiji.app`` (or of plain ImageJ), which holds ``plugins``.

    Returns
    -------
    dict
        ``{"fiji", "files": [...], "removed": [...]}``.

    Raises
    ------
    InputError
        Code ``no_fiji`` when the folder is no Fiji.
    SetupError
        Codes ``no_jar`` and ``disk_fault``.
    """
    root = fiji if (fiji / "plugins").is_dir() else fiji / "Fiji.app"
    if not (root / "plugins").is_dir():
        raise InputError(
            f"{fiji} is no Fiji: it has no folder 'plugins'. Name the folder Fiji.app (on macOS "
            "the application itself).",
            code="no_fiji",
        )
    copied = {root / name: source for name, source in list_plugin_files().items()}
    for target, source in copied.items():
        write_bytes(target, source.read_bytes())
    jars = (root / "plugins").glob(f"{JAR_PREFIX}*.jar")
    removed = [old for old in jars if old not in copied]
    for old in removed:
        old.unlink()
    return {
        "fiji": str(root),
        "files": [str(target) for target in copied],
        "removed": [str(old) for old in removed],
    }
