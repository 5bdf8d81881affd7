"""What goes when a job is cancelled, or could not be taken."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from deepflash_service.store.atomic import TEMPORARY_PREFIX

if TYPE_CHECKING:
    from deepflash_service.store.models import StoredModel
    from deepflash_service.store.runs import Run


def discard_results(run: Run) -> None:
    """Remove the results of a cancelled job, and what it kept for a resumption."""
    for folder in (run.results, run.checkpoints):
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            folder.mkdir(exist_ok=True)


def discard_model(model: StoredModel) -> None:
    """Take the model of a cancelled training out of the library, past the trash."""
    root = model.folder.parent
    hidden = root.parent / f"{TEMPORARY_PREFIX}{uuid4().hex[:12]}"
    model.folder.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)
    with suppress(OSError):
        root.rmdir()


def remove_run(run: Run) -> None:
    """Remove a job folder that nobody was told of."""
    shutil.rmtree(run.folder, ignore_errors=True)
