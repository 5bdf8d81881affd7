"""Checkpoints whose writer is killed or whose disk is full: the one before stays."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.errors import SetupError
from deepflash_service.store import checkpoints, disk, runs
from deepflash_service.store.checkpoints import read_progress
from deepflash_service.store.runs import Run
from tests.unit.store.test_checkpoints import find_step, write


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return an empty training."""
    return runs.create_run(tmp_path, "training", options={})


_KILLER = """
import json, os, signal, sys
from pathlib import Path
import numpy as np
from deepflash_service.store import runs
from tests.unit.store.test_checkpoints import make_checkpoint, write_checkpoint

home, start = Path(sys.argv[1]), sys.argv[2]
FILE_EVENTS = ("open", "os.", "shutil.")


def work(run, last):
    calls = [0]

    def count(*_):
        calls[0] += 1
        if calls[0] == last:
            os.kill(os.getpid(), signal.SIGKILL)

    sync = os.fsync
    os.fsync = lambda descriptor: (count(), sync(descriptor))
    sys.addaudithook(lambda event, _: count() if event.startswith(FILE_EVENTS) else None)
    write_checkpoint(run, 1, checkpoint=make_checkpoint(9, best="member-1-best-9"))
    os._exit(0)


point, ends = 1, []
while True:
    run = runs.create_run(home, "training", options={})
    if start == "one":
        write_checkpoint(run, 1, checkpoint=make_checkpoint(5, best="member-1-best-5"))
    if start == "two":
        write_checkpoint(run, 1, checkpoint=make_checkpoint(4, best="member-1-best-4"))
        write_checkpoint(run, 1, checkpoint=make_checkpoint(5, best="member-1-best-5"))
    child = os.fork()
    if child == 0:
        work(run, point)
    status = os.waitpid(child, 0)[1]
    ends.append(run.id)
    if not os.WIFSIGNALED(status):
        assert os.waitstatus_to_exitcode(status) == 0
        break
    point += 1
print(json.dumps(ends))
"""


@pytest.mark.parametrize("start", ["one", "two"])
def test_a_writer_killed_at_any_call_loses_nothing(tmp_path: Path, start: str) -> None:
    """Killed before each file operation in turn: the checkpoint before is there, or the new one."""
    done = subprocess.run(
        [sys.executable, "-c", _KILLER, str(tmp_path), start],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[3],
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ends = [runs.open_run(tmp_path, one) for one in json.loads(done.stdout)]
    steps = [find_step(run) for run in ends]
    # every point of the write was met, before and after the rename that counts
    assert len(steps) > 30
    assert steps == sorted(steps)
    assert set(steps) == {5, 9}
    assert [read_progress(run) for run in ends] == steps
    for run in ends:
        write(run, 11)
        assert find_step(run) == 11
        assert list(run.checkpoints.glob(".*")) == []
        assert len(list(run.checkpoints.glob("member-1-step-*"))) == 2


def test_a_writer_stopped_in_the_middle_of_a_file_loses_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arrays of which only a part was written are never taken for a checkpoint."""
    write(run, 5)

    def write_part(path: Path, **_arrays: Any) -> None:
        path.write_bytes(b"PK half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", write_part)
        with pytest.raises(KeyboardInterrupt):
            write(run, 9)
    assert find_step(run) == 5
    write(run, 9)
    assert list(run.checkpoints.glob(".*")) == []


def test_too_little_space_is_told_before_anything_is_written(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the disk, what is needed, what is free, and the job to resume."""
    write(run, 5)
    monkeypatch.setattr(disk, "free_bytes", lambda _folder: 3_000_000)
    monkeypatch.setattr(checkpoints, "write_folder", lambda *_, **__: pytest.fail("written"))
    with pytest.raises(SetupError) as caught:
        write(run, 9)
    needed = 40 * 30 * 4 + 8 + disk.RESERVE
    assert caught.value.code == "disk_full"
    assert caught.value.details == {
        "needed_bytes": needed,
        "free_bytes": 3_000_000,
        "folder": str(run.checkpoints),
    }
    assert caught.value.message == (
        f"The disk with {run.checkpoints} is full: 17 MB are needed, 3 MB are free. "
        f"Free some space, then resume job {run.id}."
    )
    assert find_step(run) == 5


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk_full"), (errno.EDQUOT, "disk_full"), (errno.EROFS, "disk_fault")],
)
def test_a_disk_that_fails_in_the_write_leaves_the_one_before(
    run: Run, monkeypatch: pytest.MonkeyPatch, *, number: int, code: str
) -> None:
    """The half-written folder is removed, the checkpoint before stays."""
    write(run, 5)

    def fail(path: Path, **_arrays: Any) -> None:
        path.write_bytes(b"PK half")
        raise OSError(number, "no")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(SetupError) as caught:
        write(run, 9)
    assert caught.value.code == code
    assert [path.name for path in run.checkpoints.iterdir()] == ["member-1-step-000005"]
    assert find_step(run) == 5
