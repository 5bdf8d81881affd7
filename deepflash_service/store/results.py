"""The files that a job has made so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepflash_service.errors import NotFoundError
from deepflash_service.store.atomic import TEMPORARY_PREFIX

if TYPE_CHECKING:
    from pathlib import Path


def list_results(folder: Path) -> list[str]:
    """Return the files below a folder of results, such as ``NAME/labels.tif`` and ``rois.csv``."""
    return [path.relative_to(folder).as_posix() for path in list_files(folder, deep=True)]


def find_result(folder: Path, name: str) -> Path:
    """Return a result file; the folder may be left out where there is only one.

    Raises
    ------
    NotFoundError
        Code ``unknown_result``.
    """
    results = list_results(folder)
    matches = [one for one in results if one == name]
    if not matches and "/" not in name:
        matches = [one for one in results if one.endswith(f"/{name}")]
    if len(matches) != 1:
        job = folder.parent.name
        raise NotFoundError(
            f"Job {job} has no result {name!r}; it has {', '.join(results) or 'none yet'}.",
            code="unknown_result",
            details={"job": job, "result": name, "results": results},
        )
    return folder / matches[0]


def list_files(folder: Path, *, deep: bool = False) -> list[Path]:
    """Return the complete files of a folder, sorted; with `deep` also those in folders below."""
    found = folder.rglob("*") if deep else folder.glob("*")
    return sorted(
        path
        for path in found
        if path.is_file() and not path.is_symlink() and not path.name.startswith(TEMPORARY_PREFIX)
    )
