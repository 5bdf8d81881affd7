"""A job's turn on the GPU, where there is one."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from deepflash_service.store.lease import DeviceLease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from deepflash_service.store.runs import Run
    from deepflash_service.workflows.hooks import Hooks


@contextmanager
def lease_device(
    home: Path, run: Run, *, sharing: Literal["auto", "always", "never"], hooks: Hooks
) -> Iterator[Callable[[], None]]:
    """Let a job take turns with others on the device while the block runs.

    Parameters
    ----------
    home : Path
        Home folder.
    run : Run
        The job.
    sharing : str
        ``auto`` = only where the device is a GPU.
    hooks : Hooks
        Told for whom the job waits; asked whether it was cancelled.

    Yields
    ------
    callable
        To be called before the first use of the device, and by trainings before every step:
        it waits for the device, or lets a job that waits go first.
    """
    lease = DeviceLease(home, who=f"{run.kind} {run.id}", tell=hooks.warn, check=hooks.check)
    is_shared: list[bool] = []

    def share() -> None:
        if not is_shared:
            is_shared.append(sharing == "always" or (sharing == "auto" and _is_gpu()))
        if is_shared[0]:
            lease.share()

    try:
        yield share
    finally:
        lease.release()


def _is_gpu() -> bool:
    """Say whether a GPU computes; while Keras is not loaded, nothing computes on one."""
    if "keras" not in sys.modules:
        return False
    from deepflash_service.workflows.devices import find_device

    return find_device().kind == "gpu"
