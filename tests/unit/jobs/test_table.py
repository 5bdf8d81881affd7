"""The job table: an index that can be made again."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from deepflash_service.jobs.table import FILE_NAME, JobTable, add_missing, rebuild
from deepflash_service.store import runs
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.events import Event


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a prepared home folder."""
    prepare_home(tmp_path)
    return tmp_path


def test_rows_keep_their_order_and_change(home: Path) -> None:
    """Rows are listed newest first, queued ones oldest first; updates are found again."""
    table = JobTable(home)
    jobs = [runs.read_job(runs.create_run(home, "segmentation", options={})) for _ in range(3)]
    for job in jobs:
        table.add(job)
        table.add(job)
    assert [row.id for row in table.list_jobs()] == [job["id"] for job in jobs][::-1]
    table.update({**jobs[0], "state": "done"}, worker="w", attempts=2)
    assert [row.id for row in table.list_states(["queued"])] == [job["id"] for job in jobs[1:]]
    row = table.find(jobs[0]["id"])
    assert row is not None
    assert (row.state, row.worker, row.attempts) == ("done", "w", 2)
    assert table.find("none") is None
    assert table.count_states() == {"queued": 2, "done": 1}
    table.close()


def test_the_table_is_rebuilt_from_the_folders(home: Path) -> None:
    """Without its file the table comes back with every job and its state."""
    run = runs.create_run(home, "training", options={"model": "m"})
    runs.append_event(run, Event("done", "Saved.", model="m@1"))
    runs.create_run(home, "segmentation", options={})
    assert rebuild(home) == 2
    (home / FILE_NAME).unlink()
    assert rebuild(home) == 2
    table = JobTable(home)
    assert add_missing(table, home) == 0
    assert table.count_states() == {"done": 1, "queued": 1}
    table.close()


def test_several_threads_write_at_once(home: Path) -> None:
    """Writers wait for each other instead of failing."""
    table = JobTable(home)
    jobs = [runs.read_job(runs.create_run(home, "evaluation", options={})) for _ in range(24)]
    threads = [threading.Thread(target=table.add, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(table.list_jobs()) == 24
    table.close()


def test_a_local_disk_has_a_write_ahead_log(home: Path) -> None:
    """Readers do not wait for writers."""
    JobTable(home).close()
    with sqlite3.connect(home / FILE_NAME) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    assert mode == "wal"


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_folder_gets_a_warning_and_no_write_ahead_log(
    home: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Shared memory does not work over a network, so the safe journal is used."""
    disks = [
        SimpleNamespace(mountpoint="/", fstype="ext4", opts="rw"),
        SimpleNamespace(mountpoint=str(home.parent.resolve()), fstype=kind, opts="rw"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: disks)
    with pytest.warns(UserWarning, match="network folder"):
        JobTable(home).close()
    with sqlite3.connect(home / FILE_NAME) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    assert mode == "delete"
