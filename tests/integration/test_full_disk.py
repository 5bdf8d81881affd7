"""A training on a disk that is full: the promised sentence, and nothing damaged."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deepflash_service.store.checkpoints import read_checkpoint, read_progress
from tests.integration.training_runs import make_home, make_run, train

SIZE = 48 * 1024**2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 48 MiB, where that is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        fault = done.stderr.strip() if done.returncode else ""
    except OSError as error:
        fault = str(error)
    if fault:
        pytest.skip(f"a small file system cannot be mounted here (it needs root): {fault}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Write until the disk is full."""
    with suppress(OSError), ballast.open("ab", buffering=0) as stream:
        while True:
            stream.write(bytes(64 * 1024))


@pytest.mark.keras
@pytest.mark.slow
def test_a_training_waits_for_space_and_goes_on(small_disk: Path) -> None:
    """It ends with what is needed and free; with space again it goes on where it was."""
    home = make_home(small_disk)
    run = make_run(home, name="m")
    train(home, run, kill_before=6)
    assert read_progress(run) == 5

    ballast = small_disk / "ballast"
    fill(ballast)
    full = train(home, run)
    assert full["code"] == "disk_full"
    assert full["details"]["needed_bytes"] > full["details"]["free_bytes"]
    assert full["message"].startswith(f"The disk with {run.checkpoints} is full: ")
    assert full["message"].endswith(f"Free some space, then resume job {run.id}.")
    # one step was taken, and could not be kept
    assert full["calls"] == 1
    assert read_progress(run) == 5
    found, damaged = read_checkpoint(run, 1)
    assert found is not None
    assert (found.facts["step"], damaged) == (5, [])
    assert list(run.checkpoints.glob(".*")) == []

    ballast.unlink()
    done = train(home, run)
    assert "after step 5" in done["told"][0][0]
    assert (done["version"], read_progress(run)) == (1, 45)
