"""What lies in the built plugin jar, and beside it."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.jvm

JAVA_8 = 52


def test_exactly_one_jar_is_built(plugin_jar: Path, require_jvm: Path) -> None:
    """No other jar of ours lies anywhere beside or below it, and ImageJ accepts its name."""
    others = {require_jvm, plugin_jar.parent / "languages"}
    jars = [path for path in plugin_jar.parent.rglob("*.jar") if path.parent not in others]
    assert jars == [plugin_jar]
    assert "_" in plugin_jar.stem


def test_imagej_lies_beside_it(require_jvm: Path) -> None:
    """The jars for headless work are copied with the closure that they need."""
    names = {re.sub(r"-\d.*", "", path.name) for path in require_jvm.glob("*.jar")}
    assert names == {
        "ij", "ij1-patcher", "scijava-common", "parsington", "javassist", "classgraph",
    }  # fmt: skip


def test_every_class_is_java_8_and_our_own(plugin_jar: Path) -> None:
    """Fiji-Stable runs Java 8; a class outside our package could clash with one of Fiji's."""
    with zipfile.ZipFile(plugin_jar) as jar:
        classes = [name for name in jar.namelist() if name.endswith(".class")]
        versions = {int.from_bytes(jar.read(name)[6:8], "big") for name in classes}
    assert versions
    assert max(versions) <= JAVA_8
    assert {name for name in classes if not name.startswith("org/deepflash/")} == set()
    assert any(name.startswith("org/deepflash/shaded/gson/") for name in classes)
    assert not any("/driver/" in name or name.endswith("Test.class") for name in classes)


def test_the_jar_holds_the_licences_of_what_is_in_it(plugin_jar: Path) -> None:
    """Gson travels inside under the Apache License, which asks for its text and a notice."""
    with zipfile.ZipFile(plugin_jar) as jar:
        notice = jar.read("META-INF/NOTICE").decode()
        gson = jar.read("META-INF/licenses/gson-LICENSE.txt").decode()
        own = jar.read("META-INF/LICENSE").decode()
    assert re.search(r"Gson \d+\.\d+", notice)
    assert "Apache License" in notice
    assert "Version 2.0, January 2004" in gson
    assert own.startswith("MIT License")


def test_commands_are_in_the_menu(plugin_jar: Path) -> None:
    """Each line of plugins.config names a class of the jar; leaf names are unique and prefixed."""
    with zipfile.ZipFile(plugin_jar) as jar:
        text = jar.read("plugins.config").decode()
        names = set(jar.namelist())
    lines = re.findall(r'^Plugins>DeepFLaSH, "(.+)", (\S+)$', text, re.M)
    leaves = [leaf for leaf, _ in lines]
    assert {"DFL Set Up...", "DFL Check Service", "DFL Segment...", "DFL Macro Extensions"} <= set(
        leaves
    )
    assert len(set(leaves)) == len(leaves)
    assert all(leaf.startswith("DFL ") for leaf in leaves)
    assert all(name.replace(".", "/") + ".class" in names for _, name in lines)


def test_every_macro_key_is_documented(project_root: Path) -> None:
    """The page for macro writers names every key of the commands."""
    records = (
        project_root / "fiji_plugin" / "src" / "main" / "java" / "org" / "deepflash" / "records"
    )
    page = (project_root / "macros" / "README.md").read_text(encoding="utf-8")
    for name in ("SegmentSettings.java", "ConnectionSettings.java"):
        source = (records / name).read_text(encoding="utf-8")
        keys = source[source.index("Set<String> KEYS") :]
        for key in re.findall(r'"(\w+)"', keys[: keys.index(";")]):
            assert f"`{key}`" in page, key
