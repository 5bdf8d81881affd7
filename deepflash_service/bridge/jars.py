"""Which jars there are, and which Java they need."""

from __future__ import annotations

import re
import sys
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Final

from deepflash_service.errors import InputError, SetupError

IMAGEJ2_VERSION: Final = "2.17.0"
SMALL_SET: Final = (
    "org.scijava:scijava-common:2.99.3",
    "net.imagej:ij1-patcher:2.0.0",
    "net.imagej:ij:1.54p!",
)
"""ImageJ 1 from Maven Central, in the order in which the versions are decided."""
_PACKAGE: Final = Path(__file__).resolve().parents[1]
_BUILD: Final = _PACKAGE.parent / "fiji_plugin" / "target"
_WHEEL: Final = _PACKAGE / "fiji"
MINIMUM_JAVA: Final = 11
_CLASS_OFFSET: Final = 44
_AGENT: Final = b"Premain-Class: org.deepflash.ExitGuard"
_BUNDLED_JAVA: Final = "java/*/release"
_BUNDLED_JAVA_BELOW: Final = "java/*/*/release"
_RELEASE: Final = re.compile(r'^JAVA_VERSION="(\d+)', re.M)
_LIBJVM: Final = defaultdict(
    lambda: ("lib/server/libjvm.so",),
    darwin=("lib/server/libjvm.dylib",),
    win32=("bin/server/jvm.dll",),
)
_KEY_JARS: Final = ("fiji-[0-9]*.jar", "imagej-[0-9]*.jar", "imagej-legacy-*.jar", "ij-[0-9]*.jar")


def find_imagej_jars(folder: Path | None = None) -> list[Path]:
    """Return the ImageJ jars that the build laid out; empty when there are none.

    Raises
    ------
    SetupError
        Code ``broken_jar``: a jar was only half downloaded.
    """
    folder = folder or _BUILD / "imagej"
    jars = sorted(folder.glob("*.jar"))
    if not any(jar.name.startswith("ij-") for jar in jars):
        return []
    check_jars(jars)
    return jars


def list_plugin_jars(fiji: Path) -> list[Path]:
    """Return the DeepFLaSH plugins of a Fiji folder, newest name last."""
    return sorted(fiji.glob("plugins/**/DeepFLaSH_Fiji-*.jar"))


def find_plugin_jar(fiji: Path | None = None) -> Path | None:
    """Return the plugin of the build, else of the wheel; none when the Fiji folder has it."""
    if fiji is not None and list_plugin_jars(fiji):
        return None
    for folder in (_BUILD, _WHEEL):
        found = sorted(folder.glob("DeepFLaSH_Fiji-*.jar"))
        if found:
            return found[-1]
    return None


def find_exit_guard(*jars: Path | None) -> Path | None:
    """Return the first jar that Java can load as our agent (``ExitGuard`` of the plugin).

    Others are passed over, since Java does not start at all with an agent that it cannot load:
    jars of older plugins, and those whose path holds the ``=`` that ends the path in the option.
    """
    for jar in jars:
        try:
            if jar is not None and "=" not in str(jar):
                with zipfile.ZipFile(jar) as archive:
                    if _AGENT in archive.read("META-INF/MANIFEST.MF"):
                        return jar
        except (OSError, KeyError, zipfile.BadZipFile):
            continue
    return None


def list_fiji_jars(fiji: Path) -> list[Path]:
    """Return every jar below ``jars/`` and ``plugins/`` of a Fiji folder.

    Raises
    ------
    InputError
        Code ``invalid_fiji`` when there is no ImageJ in it.
    """
    jars = sorted([*fiji.glob("jars/**/*.jar"), *fiji.glob("plugins/**/*.jar")])
    if not any(jar.name.startswith("ij-") for jar in jars):
        raise InputError(
            f"{fiji} is no Fiji folder: it has no jars/ij-*.jar. Name the folder that holds "
            "jars/ and plugins/ (often called Fiji.app or Fiji).",
            code="invalid_fiji",
        )
    return jars


def has_imglyb(fiji: Path) -> bool:
    """Whether a Fiji folder holds the jars without which pyimagej asks the network."""
    names = [jar.name for jar in fiji.glob("jars/**/*.jar")]
    needed = ("imglib2-imglyb-", "imglib2-unsafe-", "imagej-legacy-")
    return all(any(name.startswith(prefix) for name in names) for prefix in needed)


def read_java_version(fiji: Path) -> str:
    """Return the oldest Java that can run a Fiji folder, from its class files."""
    versions = [MINIMUM_JAVA]
    for pattern in _KEY_JARS:
        versions += [_class_version(jar) for jar in fiji.glob(f"jars/**/{pattern}")]
    return str(max(versions))


def find_bundled_java(fiji: Path, *, at_least: int) -> Path | None:
    """Return the Java that came with a Fiji folder, if it can run it and is for this system."""
    for release in sorted(fiji.glob(_BUNDLED_JAVA)) + sorted(fiji.glob(_BUNDLED_JAVA_BELOW)):
        home = release.parent
        version = _RELEASE.search(release.read_text(encoding="utf-8", errors="replace"))
        has_library = any((home / path).is_file() for path in _LIBJVM[sys.platform])
        if version is not None and int(version[1]) >= at_least and has_library:
            return home
    return None


def _class_version(jar: Path) -> int:
    try:
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                if name.endswith(".class") and not name.startswith("META-INF/"):
                    with archive.open(name) as stream:
                        header = stream.read(8)
                    return int.from_bytes(header[6:8], "big") - _CLASS_OFFSET
    except (OSError, zipfile.BadZipFile):
        return 0
    return 0


def check_jars(jars: list[Path]) -> None:
    """Open every jar once.

    Raises
    ------
    SetupError
        Code ``broken_jar``; names the first that cannot be opened.
    """
    for jar in jars:
        try:
            zipfile.ZipFile(jar).close()
        except (OSError, zipfile.BadZipFile) as error:
            raise SetupError(
                f"{jar} is broken ({error}), perhaps a download was cut off. Delete it and "
                "run `make setup` again.",
                code="broken_jar",
            ) from error
