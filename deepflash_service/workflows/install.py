"""Copy the plugin and the macros into a Fiji installation."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from deepflash_service.errors import InputError
from deepflash_service.store.atomic import write_bytes, write_json
from deepflash_service.workflows.plugin_files import JAR_PREFIX, list_plugin_files

if TYPE_CHECKING:
    from pathlib import Path

INSTALLATION: Final = "plugins/DeepFLaSH/installation.json"
"""In the Fiji folder: which Python starts the service, and its home folder if one was named."""


def install_into_fiji(fiji: Path, *, home: Path | None = None) -> dict[str, Any]:
    """Copy jar, macros and tool sets; an older jar of ours is removed.

    A Fiji that is started from the desktop knows neither the path of programs nor the variables
    of a shell. So the Python that runs here is noted for it, to start the service with.

    Parameters
    ----------
    fiji : Path
        Folder ``Fiji.app`` (or of plain ImageJ), which holds ``plugins``.
    home : Path, optional
        Absolute home folder that Fiji shall use in place of the user's usual one.

    Returns
    -------
    dict
        ``{"fiji", "files": [...], "installation", "home", "removed": [...]}``; ``home`` is empty
        where Fiji shall use the usual one.

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
    facts = {"python": sys.executable, "home": str(home) if home else ""}
    (root / INSTALLATION).parent.mkdir(exist_ok=True)
    write_json(root / INSTALLATION, facts)
    return {
        "fiji": str(root),
        "files": [str(target) for target in copied],
        "installation": str(root / INSTALLATION),
        "home": facts["home"],
        "removed": [str(old) for old in removed],
    }
