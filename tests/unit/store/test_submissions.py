"""Job folders appear whole or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from deepflash_service.errors import InputError
from deepflash_service.store import runs
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.locks import hold_lock
from deepflash_service.store.submissions import stage_run, sweep_staging


def _list_tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_a_run_appears_with_its_inputs(tmp_path: Path) -> None:
    """While inputs arrive nobody sees the run; afterwards it is complete."""
    prepare_home(tmp_path)
    with stage_run(tmp_path, "segmentation", options={"model": "m"}) as staged:
        runs.add_input(staged, "image", name="a.tif", data=b"1")
        assert runs.list_runs(tmp_path) == []
    (run,) = runs.list_runs(tmp_path)
    assert run.id == staged.id
    assert [path.name for path in runs.list_inputs(run, "image")] == ["a.tif"]


def test_a_fault_leaves_nothing(tmp_path: Path) -> None:
    """If an input is refused, the folder is as before."""
    prepare_home(tmp_path)
    before = _list_tree(tmp_path)

    def receive() -> None:
        with stage_run(tmp_path, "segmentation", options={}) as staged:
            runs.add_input(staged, "image", name="a.tif", data=b"1")
            runs.add_input(staged, "image", name="..", data=b"2")

    with pytest.raises(InputError):
        receive()
    assert _list_tree(tmp_path) == before


def test_leftovers_of_a_killed_service_are_swept(tmp_path: Path) -> None:
    """What was half received long ago is removed; what a command writes just now is not."""
    prepare_home(tmp_path)
    for number in (1, 2):
        runs.create_run(tmp_path / "runs" / f".partial-{number}", "training", options={})
    yesterday = time.time() - 86_400
    os.utime(tmp_path / "runs" / ".partial-1", (yesterday, yesterday))
    kept = runs.create_run(tmp_path, "training", options={})
    assert sweep_staging(tmp_path) == 1
    assert sweep_staging(tmp_path) == 0
    assert [run.id for run in runs.list_runs(tmp_path)] == [kept.id]
    assert (tmp_path / "runs" / ".partial-2").exists()


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    """While one holder lives, a second attempt gets nothing; afterwards it does."""
    path = tmp_path / "service.lock"
    with hold_lock(path) as first:
        assert first
        with hold_lock(path) as second:
            assert not second
    with hold_lock(path) as third:
        assert third
