"""Settings: where the home folder lies."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from deepflash_service.errors import InputError
from deepflash_service.settings import (
    CHECKPOINT_VARIABLE,
    HOME_VARIABLE,
    find_home,
    find_named_home,
    load_settings,
    type_home,
)


def test_the_argument_wins_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--home`` first, then DEEPFLASH_HOME, then the user's data folder."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "variable"))
    assert find_home(tmp_path / "argument") == tmp_path / "argument"
    assert find_home() == find_named_home(None) == tmp_path / "variable"
    monkeypatch.delenv(HOME_VARIABLE)
    assert find_named_home(str(tmp_path)) == tmp_path
    assert find_named_home(None) is None
    monkeypatch.setattr("platformdirs.user_data_dir", lambda name: f"{tmp_path}/data/{name}")
    assert find_home() == tmp_path / "data" / "deepflash"
    assert not (tmp_path / "data").exists()


def test_a_home_can_be_typed_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """In quotes only where the path needs them, in those of the system."""
    assert type_home(Path("/data/home")) == "--home /data/home"
    told = type_home("/my data/it's mine")
    assert shlex.split(told) == ["--home", "/my data/it's mine"]
    monkeypatch.setattr("os.name", "nt")
    assert type_home(r"C:\my data") == r'--home "C:\my data"'


def test_a_relative_home_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers start in another folder, so the path must not depend on it."""
    monkeypatch.chdir(tmp_path)
    settings = load_settings("here", port=80)
    assert settings.home == tmp_path / "here"


def test_impossible_settings_are_refused(tmp_path: Path) -> None:
    """A file is no home folder; a port has a range."""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="is a file"):
        load_settings(file)
    with pytest.raises(InputError, match="no port"):
        load_settings(tmp_path, port=70_000)


def test_the_time_between_checkpoints_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """30 s unless DEEPFLASH_CHECKPOINT_SECONDS says otherwise; nonsense is refused."""
    monkeypatch.delenv(CHECKPOINT_VARIABLE, raising=False)
    assert load_settings(tmp_path).checkpoint_seconds == 30.0
    monkeypatch.setenv(CHECKPOINT_VARIABLE, "0.5")
    assert load_settings(tmp_path).checkpoint_seconds == 0.5
    for text in ("often", "-1", "nan"):
        monkeypatch.setenv(CHECKPOINT_VARIABLE, text)
        with pytest.raises(InputError, match="no number of seconds"):
            load_settings(tmp_path)
