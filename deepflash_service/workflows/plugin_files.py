"""Where the plugin jar and the macros lie: in the source folder, else in the installed wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deepflash_service.errors import SetupError

JAR_PREFIX: Final = "DeepFLaSH_Fiji-"
KEYS: Final = "macros/DeepFLaSH_README.txt"
"""In the Fiji folder: all keys and functions. Of a text, Fiji's updater takes this ending only."""
_PACKAGE: Final = Path(__file__).resolve().parents[1]
_SOURCE: Final = _PACKAGE.parent
_WHEEL_FOLDER: Final = "fiji"


def find_jar() -> Path | None:
    """Return the newest plugin jar: the one that was built here, else the one of the wheel."""
    built = _SOURCE / "fiji_plugin" / "target"
    for folder in (built, _PACKAGE / _WHEEL_FOLDER):
        jars = sorted(folder.glob(f"{JAR_PREFIX}*.jar"))
        if jars:
            return jars[-1]
    return None


def find_macros() -> Path:
    """Return the folder of the macros, of which ``toolsets`` is a part."""
    is_source = (_SOURCE / "fiji_plugin" / "pom.xml").is_file()
    return _SOURCE / "macros" if is_source else _PACKAGE / _WHEEL_FOLDER / "macros"


def list_plugin_files() -> dict[str, Path]:
    """Return what belongs into a Fiji folder: path inside it, with ``/``, to the file here.

    Raises
    ------
    SetupError
        Code ``no_jar`` when the plugin is not built.
    """
    jar = find_jar()
    if jar is None:
        raise SetupError(
            "The plugin jar is not built. Run `make setup` in the project folder, or install a "
            "wheel that was made by `make wheel`.",
            code="no_jar",
        )
    folder = find_macros()
    macros = {
        f"macros/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*.ijm"))
    }
    return {f"plugins/{jar.name}": jar, **macros, KEYS: folder / "README.md"}
