"""The home folder and the runtime file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from deepflash_service.errors import SetupError
from deepflash_service.store import disk
from deepflash_service.store.disk import free_bytes, prepare_home
from deepflash_service.store.runtime import (
    read_service_file,
    remove_service_file,
    write_service_file,
)


def test_home_is_made_for_its_owner(tmp_path: Path) -> None:
    """The folder is private, and making it twice does no harm."""
    home = tmp_path / "new" / "home"
    assert free_bytes(home) > 0
    prepare_home(home)
    prepare_home(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (home / "models").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="DEEPFLASH_HOME"):
        prepare_home(tmp_path / "file" / "home")


def test_service_file_is_private_and_ours(tmp_path: Path) -> None:
    """Only its owner reads the token, and only its writer removes the file."""
    path = write_service_file(tmp_path, facts={"url": "u", "token": "t", "pid": 7})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_service_file(tmp_path) == {"url": "u", "token": "t", "pid": 7}
    remove_service_file(tmp_path, pid=8)
    assert path.exists()
    remove_service_file(tmp_path, pid=7)
    assert read_service_file(tmp_path) is None
    path.write_text("[1")
    assert read_service_file(tmp_path) is None


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EROFS, "disk_fault"), (errno.ENOSPC, "disk_full")]
)
def test_a_home_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, number: int, code: str
) -> None:
    """That its folders are there proves nothing; a file is written and removed."""
    disk.prepare_home(tmp_path)
    before = set(tmp_path.iterdir())
    disk.try_writing(tmp_path)
    assert set(tmp_path.iterdir()) == before

    def fail(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SetupError) as caught:
        disk.try_writing(tmp_path)
    assert caught.value.code == code
    assert str(tmp_path) in caught.value.message
    assert "--home" in caught.value.message
