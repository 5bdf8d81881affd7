"""Copy the plugin and the macros into a Fiji installation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepflash_service.errors import InputError, SetupError
from deepflash_service.store.atomic import write_bytes
from deepflash_service.workflows.doctor import find_jar

_PREFIX = "DeepFLaSH_Fiji-"


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
    jar = find_jar()
    if jar is None:
        raise SetupError(
            "The plugin jar is not built. Run `make setup` in the project folder first.",
            code="no_jar",
        )
    pairs = [(jar, root / "plugins" / jar.name), *_find_macros(root)]
    for source, target in pairs:
        write_bytes(target, source.read_bytes())
    removed = [old for old in (root / "plugins").glob(f"{_PREFIX}*.jar") if old.name != jar.name]
    for old in removed:
        old.unlink()
    return {
        "fiji": str(root),
        "files": [str(target) for _, target in pairs],
        "removed": [str(old) for old in removed],
    }


def _find_macros(root: Path) -> list[tuple[Path, Path]]:
    source = Path(__file__).resolve().parents[2] / "macros"
    found = sorted(source.rglob("*.ijm"))
    return [(path, root / "macros" / path.relative_to(source)) for path in found]
