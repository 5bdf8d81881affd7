"""Job folders that lost their description or their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepflash_service.errors import InputError, NotFoundError
from deepflash_service.store.runs import open_run, read_summary

if TYPE_CHECKING:
    from pathlib import Path


def list_damage(home: Path) -> list[str]:
    """Return a sentence for each job folder that is damaged: which file, and what to do."""
    sentences = []
    for folder in sorted((home / "runs").glob("[a-z0-9]*/")):
        try:
            job = read_summary(open_run(home, folder.name))
        except NotFoundError:
            continue
        except InputError as error:
            sentences.append(error.message)
            continue
        if job["error"] and job["error"]["code"] == "damaged_job":
            sentences.append(job["message"])
    return sentences
