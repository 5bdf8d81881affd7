"""Table of jobs in SQLite: an index over the run folders, which hold the truth.

Only the service writes rows. The table gives the order and quick lists; every row can be made
again from its run folder (:func:`rebuild`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from deepflash_service.jobs.database import DamagedTableError, Database
from deepflash_service.store import runs

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from deepflash_service.jobs.database import Answer, Work
    from deepflash_service.records import JobKind

FILE_NAME = "deepflash.sqlite"
_VERSION = 2

_metadata = sa.MetaData()
_jobs = sa.Table(
    "jobs",
    _metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String, unique=True, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False, index=True),
    sa.Column("created", sa.String, nullable=False),
    sa.Column("job", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One row: the order and the last known JSON of a job."""

    position: int
    id: str
    kind: str
    state: str
    created: str
    job: str


class JobTable:
    """The table in ``deepflash.sqlite`` of one home folder; safe to use from several threads.

    Every method may raise ``SetupError`` with the codes ``disk_full`` and ``table_fault``.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._database = Database(home / FILE_NAME, schema=_metadata, version=_VERSION)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def add(self, *jobs: dict[str, Any]) -> None:
        """Add the rows of jobs that have none; each is its JSON (store.runs.read_summary)."""
        if jobs:
            self._perform(lambda connection: _insert(connection, jobs))

    def update(self, job: dict[str, Any]) -> None:
        """Store the present JSON of a job."""
        values = {"state": job["state"], "job": json.dumps(job)}
        query = sa.update(_jobs).where(_jobs.c.id == job["id"]).values(**values)
        self._perform(lambda connection: connection.execute(query))

    def find(self, job_id: str) -> JobRow | None:
        """Return the row of a job, or None."""
        rows = self._select(sa.select(_jobs).where(_jobs.c.id == job_id))
        return rows[0] if rows else None

    def list_jobs(self, *, limit: int = 200) -> list[JobRow]:
        """Return the newest rows first."""
        return self._select(sa.select(_jobs).order_by(_jobs.c.position.desc()).limit(limit))

    def find_next(
        self, kinds: Collection[JobKind], *, without: Collection[str] = ()
    ) -> JobRow | None:
        """Return the oldest queued row of one of the kinds, or None.

        Parameters
        ----------
        kinds : collection of str
            Kinds of jobs.
        without : collection of str, optional
            Ids to pass over.
        """
        query = (
            sa.select(_jobs)
            .where(_jobs.c.state == "queued", _jobs.c.kind.in_(kinds), _jobs.c.id.not_in(without))
            .order_by(_jobs.c.position)
            .limit(1)
        )
        rows = self._select(query)
        return rows[0] if rows else None

    def remove(self, job_id: str) -> None:
        """Remove the row of a job whose folder is gone."""
        query = sa.delete(_jobs).where(_jobs.c.id == job_id)
        self._perform(lambda connection: connection.execute(query))

    def count_states(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        query = sa.select(_jobs.c.state, sa.func.count()).group_by(_jobs.c.state)
        rows = self._perform(lambda connection: connection.execute(query).all())
        return {str(row[0]): int(row[1]) for row in rows}

    def list_all_states(self) -> dict[str, str]:
        """Return the state of every row by the id of its job."""
        query = sa.select(_jobs.c.id, _jobs.c.state)
        rows = self._perform(lambda connection: connection.execute(query).all())
        return {str(row[0]): str(row[1]) for row in rows}

    def refill(self) -> int:
        """Replace all rows by what the run folders tell; returns how many jobs there are."""
        return self._perform(self._replace_rows)

    def _replace_rows(self, connection: sa.Connection) -> int:
        """Read the folders while writers wait, so that the rows are never older than they are."""
        connection.execute(sa.delete(_jobs))
        jobs = [runs.read_summary(run) for run in runs.list_runs(self._home)]
        _insert(connection, jobs)
        return len(jobs)

    def _select(self, query: sa.Select[Any]) -> list[JobRow]:
        return self._perform(
            lambda connection: [JobRow(**row) for row in connection.execute(query).mappings()]
        )

    def _perform(self, work: Work[Answer]) -> Answer:
        try:
            return self._database.perform(work)
        except DamagedTableError:
            self._database.perform(self._replace_rows)
            return self._database.perform(work)


def _insert(connection: sa.Connection, jobs: Sequence[dict[str, Any]]) -> None:
    rows = [
        {key: job[key] for key in ("id", "kind", "state", "created")} | {"job": json.dumps(job)}
        for job in jobs
    ]
    if rows:
        connection.execute(sa.insert(_jobs).prefix_with("OR IGNORE"), rows)


def rebuild(home: Path) -> int:
    """Make the table again from the run folders; returns the number of jobs.

    May be done while a service runs on the home folder.
    """
    table = JobTable(home)
    try:
        return table.refill()
    finally:
        table.close()
