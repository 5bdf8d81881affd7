"""How ImageJ would be started here, for ``deepflash doctor``; starts nothing."""

from __future__ import annotations

import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

from deepflash_service.bridge.jars import (
    IMAGEJ2_VERSION,
    MINIMUM_JAVA,
    check_jars,
    find_imagej_jars,
    find_plugin_jar,
)
from deepflash_service.bridge.jvm import list_ways
from deepflash_service.bridge.options import JvmOptions
from deepflash_service.errors import SetupError

State = Literal["ok", "warning", "fault"]
_CACHE: Final = Path("~/.m2/repository")
_CACHED: Final = ("net/imagej", "org/scijava", "net/imglib2", "io/scif", "sc/fiji")


def survey_imagej() -> tuple[State, str]:
    """Return whether ``init()`` of the bridge would work, and how, in a sentence.

    Returns
    -------
    tuple of str
        ``ok``, ``warning`` or ``fault``, and what would start, with which Java; or what is
        missing or damaged, and the remedy.
    """
    try:
        jars = find_imagej_jars()
        plugin = find_plugin_jar()
        check_jars([] if plugin is None else [plugin])
        way = list_ways(JvmOptions())[0]
    except SetupError as error:
        return "fault", error.message
    broken = find_broken_jars(_CACHE.expanduser())
    if broken:
        names = ", ".join(str(jar) for jar in broken[:3])
        return "warning", (
            f"{len(broken)} downloaded jars are broken ({names}), perhaps a download was cut off. "
            "Delete them; they are fetched again when they are needed."
        )
    java = read_java_version()
    if java is not None and java < MINIMUM_JAVA:
        return "warning", (
            f"Scripts need Java {MINIMUM_JAVA} or newer and this is Java {java}. Install a newer "
            "JDK and set JAVA_HOME; otherwise one is downloaded at the first init()."
        )
    what = f"ImageJ 1 from the {len(jars)} jars of the build (backend ij1)"
    if way == "pyimagej":
        what = (
            f"ImageJ2 {IMAGEJ2_VERSION} through pyimagej {_name_version('pyimagej')}, downloaded "
            "once, and ImageJ 1 from Maven Central where that fails"
        )
    machine = f"Java {java}" if java is not None else "a Java that is downloaded once"
    return "ok", f"init() starts {what}, with {machine}; init('Fiji.app') starts that Fiji."


def find_broken_jars(cache: Path) -> list[Path]:
    """Return the jars in a Maven store that cannot be opened, of those that ImageJ needs."""
    broken = []
    for group in _CACHED:
        for jar in sorted((cache / group).glob("**/*.jar")):
            try:
                zipfile.ZipFile(jar).close()
            except (OSError, zipfile.BadZipFile):
                broken.append(jar)
    return broken


def read_java_version() -> int | None:
    """Return the main version of the Java that would be taken; None where there is none."""
    import scyjava

    try:
        return int(scyjava.jvm_version()[0])
    except Exception:  # noqa: BLE001 - scyjava and JPype name no common error
        return None


def _name_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(missing)"
