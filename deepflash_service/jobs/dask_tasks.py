"""What runs in a process of a Dask cluster: one task at a time, whatever the number of threads."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from deepflash_service import __version__
from deepflash_service.errors import DeepFlashError, JobCancelled, SetupError

if TYPE_CHECKING:
    from deepflash_service.records import IsCancelled

Perform = Callable[[Any, "IsCancelled"], Any]
"""Seam: one item and a question whether the work is still wanted in, its result out."""

_PROCESS = Lock()
_UNWANTED = {"cancelled", "released", "forgotten"}


@dataclass(frozen=True, slots=True)
class SealedTask:
    """A task that runs where its bytes are opened.

    Dask opens what belongs to a task before it runs it, and a worker that cannot, because this
    package is not installed there, ends. Bytes reach it unopened; opening them is the task.
    """

    item: Any
    perform: Perform
    version: str = __version__

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the reader of the bytes call :func:`run_task`."""
        return run_task, (self.item, self.perform, self.version)


def run_task(item: Any, perform: Perform, version: str) -> Any:
    """Do one item and return its result.

    Parameters
    ----------
    item : object
        What to do.
    perform : callable
        Does it.
    version : str
        Version of the product that sent the task.

    Raises
    ------
    SetupError
        Code ``version_mismatch``.
    DeepFlashError
        What ``perform`` raised, with the name of this computer.
    """
    if version != __version__:
        raise SetupError(
            f"The worker on {platform.node()} has version {__version__} of deepflash-service, but "
            f"version {version} sent the task. Install the same version on all computers.",
            code="version_mismatch",
        )
    is_cancelled = _watch_task()
    # two models on one graphics card would fight for its memory
    with _PROCESS:
        try:
            return perform(item, is_cancelled)
        except JobCancelled:
            raise
        except DeepFlashError as error:
            error.message = f"Worker on {platform.node()}: {error.message}"
            raise


def _watch_task() -> IsCancelled:
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def is_cancelled() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state in _UNWANTED

    return is_cancelled
