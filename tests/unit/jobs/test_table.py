"""The job table: an index that can be made again."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from deepflash_service.jobs.table import FILE_NAME, JobTable, rebuild
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
    table.update({**jobs[0], "state": "done"})
    row = table.find_next(["segmentation", "training"])
    assert row is not None
    assert row.id == jobs[1]["id"]
    row = table.find_next(["segmentation"], without=[jobs[1]["id"]])
    assert row is not None
    assert row.id == jobs[2]["id"]
    assert table.find_next(["training"]) is None
    row = table.find(jobs[0]["id"])
    assert row is not None
    assert row.state == "done"
    assert table.find("none") is None
    assert table.count_states() == {"queued": 2, "done": 1}
    table.remove(jobs[1]["id"])
    states = {jobs[0]["id"]: "done", jobs[2]["id"]: "queued"}
    assert table.list_all_states() == states
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


def _damage_header(path: Path) -> None:
    path.write_bytes(b"this is no database" + path.read_bytes()[19:])


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _scramble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(bytes(data))


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [_damage_header, _cut, _scramble, _make_folder])
def test_a_damaged_table_is_set_aside(home: Path, damage: Callable[[Path], None]) -> None:
    """The file is kept under another name, the user is told, and no job is missing."""
    made = [runs.create_run(home, "segmentation", options={}) for _ in range(12)]
    assert rebuild(home) == 12
    damage(home / FILE_NAME)
    with pytest.warns(UserWarning, match="damaged"):
        assert rebuild(home) == 12
    table = JobTable(home)
    assert set(table.list_all_states()) == {run.id for run in made}
    table.close()
    kept = [path.name for path in home.glob(f"{FILE_NAME}.damaged-*")]
    assert len([name for name in kept if not name.endswith(("-wal", "-shm"))]) == 1


def test_the_companions_of_a_damaged_table_are_set_aside_too(home: Path) -> None:
    """A write-ahead log must not be replayed into the new table."""
    table = JobTable(home)
    table.close()
    for ending in ("-wal", "-shm"):
        (home / f"{FILE_NAME}{ending}").write_bytes(ending.encode())
    with pytest.warns(UserWarning, match="damaged"):
        table._database._set_aside("a fault")
    assert not (home / FILE_NAME).exists()
    for ending in ("-wal", "-shm"):
        (kept,) = home.glob(f"{FILE_NAME}.damaged-*{ending}")
        assert kept.read_bytes() == ending.encode()
        assert not (home / f"{FILE_NAME}{ending}").exists()


def test_a_table_that_is_damaged_in_use_is_made_again(home: Path) -> None:
    """The very call that meets the damage is answered from the folders."""
    for _ in range(12):
        runs.create_run(home, "segmentation", options={})
    rebuild(home)
    table = JobTable(home)
    table.close()
    _scramble(home / FILE_NAME)
    with pytest.warns(UserWarning, match="damaged"):
        assert table.count_states() == {"queued": 12}
    table.close()


def test_a_table_of_another_version_is_replaced(home: Path) -> None:
    """It is an index only; the next start fills it again."""
    runs.create_run(home, "segmentation", options={})
    with sqlite3.connect(home / FILE_NAME) as connection:
        connection.execute("CREATE TABLE jobs (id TEXT, attempts INTEGER NOT NULL)")
    connection.close()
    table = JobTable(home)
    assert table.refill() == 1
    assert table.count_states() == {"queued": 1}
    table.close()


def test_the_table_is_rebuilt_while_it_is_used(home: Path) -> None:
    """Readers see all jobs at any moment, and a state that was stored meanwhile stays."""
    made = [runs.create_run(home, "segmentation", options={}) for _ in range(30)]
    table = JobTable(home)
    table.refill()
    threads = [threading.Thread(target=rebuild, args=(home,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen = set()
    for run in made:
        runs.append_event(run, Event("done", "Done."))
        table.update(runs.read_job(run))
        seen.add(len(table.list_all_states()))
    for thread in threads:
        thread.join()
    assert seen == {30}
    assert table.count_states() == {"done": 30}
    table.close()


def test_a_home_folder_with_odd_characters_works(tmp_path: Path) -> None:
    """The path of the table is a path, not a part of an address."""
    home = tmp_path / "50% done? #1"
    prepare_home(home)
    runs.create_run(home, "training", options={})
    assert rebuild(home) == 1
    assert (home / FILE_NAME).is_file()
