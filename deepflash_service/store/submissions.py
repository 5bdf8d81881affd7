"""New job folders that appear complete, with all their inputs, or not at all."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from deepflash_service.store.atomic import TEMPORARY_PREFIX, rename_folder
from deepflash_service.store.custody import entrust_to_service
from deepflash_service.store.runs import create_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from deepflash_service.records import JobKind
    from deepflash_service.store.runs import Run

_ABANDONED_SECONDS = 3600.0


@contextmanager
def stage_run(home: Path, kind: JobKind, *, options: Mapping[str, Any]) -> Iterator[Run]:
    """Yield a run in a temporary place for its inputs; publish it when the block succeeds.

    Services look after the run from then on. A service that restarts takes up every such run
    that is queued, so a folder must not be seen before its last input is on disk.
    """
    staging = home / "runs" / f"{TEMPORARY_PREFIX}{uuid4().hex[:12]}"
    try:
        run = create_run(staging, kind, options=options)
        entrust_to_service(run)
        yield run
        rename_folder(run.folder, home / "runs" / run.id)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def sweep_staging(home: Path) -> int:
    """Remove what killed processes left half-received; returns how many folders.

    Young ones are left: a command may be writing them just now.
    """
    left = [
        folder
        for part in ("runs", "datasets", "models")
        for folder in (home / part).glob(f"{TEMPORARY_PREFIX}*")
        if _is_abandoned(folder)
    ]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def _is_abandoned(folder: Path) -> bool:
    try:
        return time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS
    except FileNotFoundError:
        return False
