"""``deepflash install-fiji``: what it says, and where the help says things lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepflash_service.settings import find_usual_home
from deepflash_service.workflows import plugin_files
from tests.unit.commands.conftest import Run


@pytest.fixture
def fiji(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty Fiji folder, and let there be a plugin to copy."""
    jar = tmp_path / "DeepFLaSH_Fiji-9.9.9.jar"
    jar.touch()
    monkeypatch.setattr(plugin_files, "find_jar", lambda: jar)
    (tmp_path / "Fiji.app" / "plugins").mkdir(parents=True)
    return tmp_path / "Fiji.app"


def test_the_home_folder_of_this_fiji_is_told(
    run: Run, fiji: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable of one terminal binds Fiji for good, so the way back is told too."""
    new = "There is no such folder yet"
    assert new in run("install-fiji", fiji).out
    home.mkdir()
    told = run("install-fiji", fiji).out
    assert new not in told
    assert f"uses the home folder {home} from now on" in told
    assert str(find_usual_home()) in told
    assert "without --home, in a terminal where DEEPFLASH_HOME is not set" in told
    assert run("install-fiji", fiji, "--json").json["home"] == str(home)
    monkeypatch.delenv("DEEPFLASH_HOME")
    told = run("install-fiji", fiji).out
    assert f"This Fiji uses your own home folder: {find_usual_home()}\n" in told
    assert str(home) not in told


def test_the_tutorial_binds_fiji_to_the_own_home(project_root: Path) -> None:
    """Also in the terminal in which the README's example has named that of the demonstration."""
    lines = (project_root / "docs" / "tutorial.md").read_text(encoding="utf-8").splitlines()
    commands = [line.split()[:2] for line in lines if line.startswith("    ")]
    install = commands.index(["deepflash", "install-fiji"])
    assert ["unset", "DEEPFLASH_HOME"] in commands[:install]


@pytest.mark.parametrize("command", [(), ("segment",), ("models", "list")])
def test_the_help_says_where_the_usual_home_folder_is(run: Run, command: tuple[str, ...]) -> None:
    """Of every command, without starting any."""
    told = "".join(run(*command, "--help").out.split())
    assert f"(default:DEEPFLASH_HOME,else{find_usual_home()})" in told
