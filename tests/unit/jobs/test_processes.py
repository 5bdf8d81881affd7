"""Processes: identity, exit codes, adoption."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from deepflash_service.jobs.processes import (
    WorkerProcess,
    adopt_worker,
    identify_process,
    is_process_alive,
)
from deepflash_service.store import mailbox as boxes


def test_a_process_is_named_by_pid_and_creation_time() -> None:
    """The same pid with another birth is another process; nonsense is no process."""
    facts = identify_process()
    assert facts["pid"] == os.getpid()
    assert is_process_alive(facts)
    assert not is_process_alive({**facts, "created": facts["created"] - 60})
    for wrong in ({}, {"pid": "x", "created": 1}, {"pid": 2**22 + 1, "created": 1.0}):
        assert not is_process_alive(wrong)


def test_a_worker_is_adopted_watched_and_killed(tmp_path: Path) -> None:
    """A live process is adopted by what it wrote; after its end it is gone for good."""
    box = boxes.create_mailbox(tmp_path, "warm-1")
    assert adopt_worker(box) is None
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        boxes.write_worker(box, facts={**identify_process(child.pid), "role": "warm"})
        worker = adopt_worker(box)
        assert worker is not None
        assert worker.is_alive()
        assert worker.read_exit_code() is None
        own = WorkerProcess(box, identify_process(child.pid), child)
        own.kill()
        assert not own.is_alive()
        assert own.read_exit_code() not in {None, 0}
        own.kill()
    assert not worker.is_alive()
    assert adopt_worker(box) is None
