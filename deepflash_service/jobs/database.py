"""The SQLite file below the job table: opened, checked, set aside when it is damaged.

It is an index only, so a damaged file, or one of another version, is replaced by an empty one
and filled again from the run folders.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import psutil
import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from deepflash_service.errors import DeepFlashError, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Work = Callable[[sa.Connection], "Answer"]

Answer = TypeVar("Answer")

_BUSY_MILLISECONDS = 10_000
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_NETWORK_FILE_SYSTEMS = frozenset(
    [
        *("nfs", "nfs4", "cifs", "smb", "smbfs", "smb2", "smb3", "afpfs", "afs", "9p", "ncpfs"),
        *("lustre", "beegfs", "gpfs", "ceph", "glusterfs", "orangefs", "davfs", "webdav"),
        *("fuse.sshfs", "fuse.glusterfs", "fuse.rclone"),
    ]
)


class DamagedTableError(DeepFlashError):
    """The file was damaged; an empty one is in its place now."""

    default_code = "table_fault"


class _FoundDamageError(Exception):
    """A check of the file found a fault."""


class Database:
    """One SQLite file; safe to use from several threads.

    Parameters
    ----------
    path : Path
        The file; made if missing.
    schema : MetaData
        Its tables.
    version : int
        Version of the tables; a file of another one is replaced.
    """

    def __init__(self, path: Path, *, schema: sa.MetaData, version: int) -> None:
        self._path = path
        self._schema = schema
        self._version = version
        self._guard = threading.Lock()
        journal = "DELETE" if is_on_network(path.parent) else "WAL"
        if journal == "DELETE":
            warnings.warn(
                f"{path.parent} lies on a network folder; the job table works there without its "
                "write-ahead log and slower. Prefer a home folder on a local disk.",
                stacklevel=3,
            )
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)),
            connect_args={"timeout": _BUSY_MILLISECONDS / 1000},
        )
        sa.event.listen(self._engine, "connect", _PragmaSetter(journal))
        with suppress(DamagedTableError):
            self.perform(self._prepare)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def perform(self, work: Work[Answer]) -> Answer:
        """Do something in one transaction and return what it returned.

        Raises
        ------
        DamagedTableError
            The file was damaged; it was set aside and an empty one is there.
        SetupError
            Codes ``disk_full`` and ``table_fault``.
        """
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except sa.exc.DBAPIError as error:
            code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
            is_folder = code == sqlite3.SQLITE_CANTOPEN and self._path.is_dir()
            is_empty = "no such table" in str(error.orig)
            if code not in _DAMAGE and not is_folder and not is_empty:
                is_full = code == sqlite3.SQLITE_FULL
                raise _explain(self._path, error, is_full=is_full) from error
            fault = str(error.orig)
        except _FoundDamageError as error:
            fault = str(error)
        self._set_aside(fault)
        with self._engine.begin() as connection:
            self._prepare(connection)
        raise DamagedTableError(f"The job table {self._path} was damaged: {fault}.")

    def _prepare(self, connection: sa.Connection) -> None:
        (found,) = connection.execute(sa.text("PRAGMA quick_check(1)")).scalars()
        if found != "ok":
            raise _FoundDamageError(found)
        version = connection.execute(sa.text("PRAGMA user_version")).scalar_one()
        if version != self._version:
            self._schema.drop_all(connection)
            connection.execute(sa.text(f"PRAGMA user_version = {self._version}"))
        # Another process may make them at the same time: SQLite itself looks and makes at once.
        for table in self._schema.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))

    def _set_aside(self, fault: str) -> None:
        """Rename the file and its companions; the log first, or it would be replayed."""
        with self._guard:
            self._engine.dispose()
            name = f"{self._path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
            for ending in ("-wal", "-shm", ""):
                with suppress(FileNotFoundError):
                    file = self._path.with_name(self._path.name + ending)
                    file.replace(self._path.with_name(name + ending))
        warnings.warn(
            f"The job table {self._path} is damaged ({fault}). It was set aside as {name} and is "
            "made again from the job folders; no job is lost.",
            stacklevel=2,
        )


class _PragmaSetter:
    """Sets the journal and the waiting time on each new connection."""

    def __init__(self, journal: str) -> None:
        self._journal = journal

    def __call__(self, connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        cursor.execute(f"PRAGMA journal_mode={self._journal}")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()


def _explain(path: Path, error: sa.exc.DBAPIError, *, is_full: bool) -> SetupError:
    if is_full:
        return SetupError(
            f"The disk with {path} is full. Free some space and repeat this.", code="disk_full"
        )
    return SetupError(
        f"The job table {path} cannot be used: {error.orig}. Check the rights on that file and its "
        "folder; it may be removed, and is then made again from the job folders.",
        code="table_fault",
    )


def is_on_network(folder: Path) -> bool:
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
