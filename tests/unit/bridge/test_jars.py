"""Which jars are found, and which are refused, without Java."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deepflash_service.bridge import jars, jvm
from deepflash_service.bridge.options import JvmOptions
from deepflash_service.errors import InputError, SetupError


def test_the_jars_of_the_build_are_found_or_not(
    tmp_path: Path, make_jar: Callable[..., Path]
) -> None:
    """Without ij there is nothing to start."""
    assert jars.find_imagej_jars(tmp_path) == []
    make_jar(tmp_path / "ij1-patcher-2.0.0.jar")
    assert jars.find_imagej_jars(tmp_path) == []
    make_jar(tmp_path / "ij-1.54p.jar")
    assert len(jars.find_imagej_jars(tmp_path)) == 2


def test_a_jar_that_was_cut_off_is_named(tmp_path: Path, make_jar: Callable[..., Path]) -> None:
    """Half a download would fail much later, with a riddle."""
    jar = make_jar(tmp_path / "ij-1.54p.jar")
    jar.write_bytes(jar.read_bytes()[:40])
    with pytest.raises(SetupError, match=r"ij-1\.54p\.jar is broken") as caught:
        jars.find_imagej_jars(tmp_path)
    assert caught.value.code == "broken_jar"


def test_a_fiji_folder_tells_its_java(tmp_path: Path, make_jar: Callable[..., Path]) -> None:
    """The oldest Java that can run it is read from its class files, never below 11."""
    make_jar(tmp_path / "jars" / "ij-1.54p.jar")
    assert jars.read_java_version(tmp_path) == "11"
    make_jar(tmp_path / "jars" / "fiji-2.18.0.jar", java=21)
    make_jar(tmp_path / "jars" / "fiji-lib-9.jar", java=25)
    assert jars.read_java_version(tmp_path) == "21"
    (tmp_path / "jars" / "imagej-2.17.0.jar").write_text("broken")
    assert jars.read_java_version(tmp_path) == "21"


def test_a_folder_without_imagej_is_no_fiji(tmp_path: Path) -> None:
    """The sentence says which folder is meant."""
    with pytest.raises(InputError, match=r"jars/ and plugins/") as caught:
        jars.list_fiji_jars(tmp_path)
    assert caught.value.code == "invalid_fiji"


def test_the_way_to_start_follows_what_is_there(
    monkeypatch: pytest.MonkeyPatch, make_fiji: Callable[..., Path]
) -> None:
    """pyimagej where it needs no network, the small set where it would."""
    fiji = make_fiji()
    assert jvm.list_ways(JvmOptions(fiji=fiji)) == ["ij1"]
    complete = make_fiji(with_pyimagej=True)
    assert jvm.list_ways(JvmOptions(fiji=complete)) == ["pyimagej", "ij1"]
    assert jvm.list_ways(JvmOptions(fiji=fiji, backend="ij1")) == ["ij1"]
    monkeypatch.setattr(jvm, "find_imagej_jars", list)
    assert jvm.list_ways(JvmOptions()) == ["pyimagej", "ij1"]
    monkeypatch.setattr(jvm, "find_imagej_jars", lambda: [fiji / "jars" / "ij-1.54p.jar"])
    assert jvm.list_ways(JvmOptions()) == ["ij1"]


def test_the_plugin_of_a_fiji_folder_is_not_doubled(
    tmp_path: Path, make_jar: Callable[..., Path]
) -> None:
    """Two copies of a plugin in one ImageJ fight."""
    make_jar(tmp_path / "plugins" / "DeepFLaSH_Fiji-9.jar")
    assert jars.find_plugin_jar(tmp_path) is None


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (RuntimeError("No JVM shared library file (libjvm.so) found."), "no_java"),
        (ConnectionError("no network\nmore"), "no_imagej"),
    ],
)
def test_why_imagej_did_not_start_is_one_sentence(cause: Exception, code: str) -> None:
    """Each way that was tried is named with its first line, then the remedy."""
    error = jvm._explain([("pyimagej", cause)])
    assert error.code == code
    assert "pyimagej: " in error.message
    assert "more" not in error.message.split("). ", maxsplit=1)[0]
