"""What ``deepflash doctor`` says about ImageJ, without starting it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from deepflash_service.bridge import jvm, survey
from deepflash_service.errors import SetupError


@pytest.fixture(autouse=True)
def scyjava(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MagicMock:
    """Return a stand-in for scyjava that finds Java 17, beside an empty store of jars."""
    stand_in = MagicMock()
    stand_in.jvm_version.return_value = (17, 0, 2)
    monkeypatch.setitem(sys.modules, "scyjava", stand_in)
    monkeypatch.setattr(survey, "_CACHE", tmp_path / "store")
    monkeypatch.setattr(survey, "find_plugin_jar", lambda: None)
    return stand_in


def lay_out(monkeypatch: pytest.MonkeyPatch, *jars: Path) -> None:
    """Let the build hold these jars."""
    for module in (jvm, survey):
        monkeypatch.setattr(module, "find_imagej_jars", lambda: list(jars))


def test_the_backend_is_said(monkeypatch: pytest.MonkeyPatch, scyjava: MagicMock) -> None:
    """The small set where the build has it, else pyimagej; and which Java."""
    lay_out(monkeypatch, Path("ij-1.jar"), Path("b.jar"))
    state, text = survey.survey_imagej()
    assert state == "ok"
    assert "2 jars of the build (backend ij1), with Java 17;" in text
    lay_out(monkeypatch)
    scyjava.jvm_version.side_effect = RuntimeError("no java")
    state, text = survey.survey_imagej()
    assert state == "ok"
    assert "ImageJ2 2.17.0 through pyimagej 1." in text
    assert "a Java that is downloaded once" in text


def test_an_old_java_is_named(monkeypatch: pytest.MonkeyPatch, scyjava: MagicMock) -> None:
    """Java 8 runs Fiji but no script."""
    lay_out(monkeypatch)
    scyjava.jvm_version.return_value = (8, 0, 302)
    state, text = survey.survey_imagej()
    assert state == "warning"
    assert "need Java 11 or newer and this is Java 8" in text


def test_broken_jars_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_jar: Callable[..., Path]
) -> None:
    """A download that was cut off is trusted by everything else."""
    lay_out(monkeypatch)
    make_jar(tmp_path / "store" / "net" / "imagej" / "good.jar")
    assert survey.survey_imagej()[0] == "ok"
    jar = make_jar(tmp_path / "store" / "org" / "scijava" / "x" / "1" / "bad.jar")
    jar.write_bytes(jar.read_bytes()[:50])
    state, text = survey.survey_imagej()
    assert state == "warning"
    assert "1 downloaded jars are broken" in text
    assert "bad.jar" in text

    def refuse() -> list[Path]:
        raise SetupError("ij-1.jar is broken", code="broken_jar")

    monkeypatch.setattr(survey, "find_imagej_jars", refuse)
    assert survey.survey_imagej() == ("fault", "ij-1.jar is broken")
