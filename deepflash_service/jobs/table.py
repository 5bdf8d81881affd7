"""Table of jobs in SQLite: an index over the run folders, which hold the truth.

Only the service writes rows. The table gives order, lists and the owner of each job; every
row can be made again from its run folder (:func:`rebuild`).
"""

from __future__ import annotations

import json
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
import sqlalchemy as sa

from deepflash_service.store import runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FILE_NAME = "deepflash.sqlite"
_BUSY_MILLISECONDS = 10_000
_NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smbfs",
        "smb2",
        "smb3",
        "afpfs",
        "afs",
        "9p",
        "ncpfs",
        "lustre",
        "beegfs",
        "gpfs",
        "ceph",
        "glusterfs",
        "orangefs",
        "davfs",
        "webdav",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.rclone",
    }
)

_metadata = sa.MetaData()
_jobs = sa.Table(
    "jobs",
    _metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String, unique=True, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False, index=True),
    sa.Column("created", sa.String, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("worker", sa.String, nullable=False, default=""),
    sa.Column("job", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One row: the order, the owner and the last known JSON of a job."""

    position: int
    id: str
    kind: str
    state: str
    created: str
    attempts: int
    worker: str
    job: str


class JobTable:
    """The table in ``deepflash.sqlite`` of one home folder; safe to use from several threads."""

    def __init__(self, home: Path) -> None:
        journal = "DELETE" if _is_on_network(home) else "WAL"
        if journal == "DELETE":
            warnings.warn(
                f"{home} lies on a network folder; the job table works there without its "
                "write-ahead log and slower. Prefer a home folder on a local disk.",
                stacklevel=2,
            )
        self._engine = sa.create_engine(
            f"sqlite:///{home / FILE_NAME}", connect_args={"timeout": _BUSY_MILLISECONDS / 1000}
        )
        sa.event.listen(self._engine, "connect", _PragmaSetter(journal))
        _metadata.create_all(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            yield connection

    def add(self, job: dict[str, Any]) -> None:
        """Add the row of a job, if there is none; `job` is its JSON (store.runs.read_job)."""
        with self._begin() as connection:
            connection.execute(
                sa.insert(_jobs)
                .prefix_with("OR IGNORE")
                .values(
                    id=job["id"],
                    kind=job["kind"],
                    state=job["state"],
                    created=job["created"],
                    job=json.dumps(job),
                )
            )

    def update(
        self,
        job: dict[str, Any],
        *,
        worker: str | None = None,
        attempts: int | None = None,
    ) -> None:
        """Store the present JSON of a job, and its owner and attempts where given."""
        values: dict[str, Any] = {"state": job["state"], "job": json.dumps(job)}
        if worker is not None:
            values["worker"] = worker
        if attempts is not None:
            values["attempts"] = attempts
        with self._begin() as connection:
            connection.execute(sa.update(_jobs).where(_jobs.c.id == job["id"]).values(**values))

    def find(self, job_id: str) -> JobRow | None:
        """Return the row of a job, or None."""
        rows = self._select(sa.select(_jobs).where(_jobs.c.id == job_id))
        return rows[0] if rows else None

    def list_jobs(self, *, limit: int = 200) -> list[JobRow]:
        """Return the newest rows first."""
        return self._select(sa.select(_jobs).order_by(_jobs.c.position.desc()).limit(limit))

    def list_states(self, states: Sequence[str]) -> list[JobRow]:
        """Return the rows in one of `states`, oldest first."""
        query = sa.select(_jobs).where(_jobs.c.state.in_(states)).order_by(_jobs.c.position)
        return self._select(query)

    def count_states(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        query = sa.select(_jobs.c.state, sa.func.count()).group_by(_jobs.c.state)
        with self._begin() as connection:
            return {str(row[0]): int(row[1]) for row in connection.execute(query)}

    def known_ids(self) -> set[str]:
        """Return the ids of all rows."""
        with self._begin() as connection:
            return set(connection.execute(sa.select(_jobs.c.id)).scalars())

    def clear(self) -> None:
        """Remove all rows."""
        with self._begin() as connection:
            connection.execute(sa.delete(_jobs))

    def _select(self, query: sa.Select[Any]) -> list[JobRow]:
        with self._begin() as connection:
            return [JobRow(**row) for row in connection.execute(query).mappings()]


class _PragmaSetter:
    """Sets the journal and the waiting time on each new connection."""

    def __init__(self, journal: str) -> None:
        self._journal = journal

    def __call__(self, connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA journal_mode={self._journal}")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        cursor.close()


def add_missing(table: JobTable, home: Path) -> int:
    """Add rows for run folders that have none (copied in, or the table was lost)."""
    known = table.known_ids()
    missing = [run for run in runs.list_runs(home) if run.id not in known]
    for run in missing:
        table.add(runs.read_job(run))
    return len(missing)


def rebuild(home: Path) -> int:
    """Make the table again from the run folders; returns the number of jobs."""
    table = JobTable(home)
    try:
        table.clear()
        return add_missing(table, home)
    finally:
        table.close()


def _is_on_network(folder: Path) -> bool:
    """Say whether `folder` lies on a network file system, where WAL is not safe."""
    resolved = folder.resolve()
    best, kind = -1, ""
    for partition in psutil.disk_partitions(all=True):
        mount = partition.mountpoint
        depth = len(mount.rstrip("/\\"))
        if depth > best and (str(resolved) + "/").startswith(mount.rstrip("/") + "/"):
            best, kind = depth, f"{partition.fstype} {partition.opts}"
    words = set(kind.replace(",", " ").lower().split())
    return bool(words & _NETWORK_FILE_SYSTEMS) or "remote" in words
