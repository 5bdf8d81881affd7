"""Why a worker process ended, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepflash_service.store.memory_kills import MemoryKill

_KILLED = frozenset({-9, 137})
_ASKED_TO_END = frozenset({-15, 143, -1, 129, -2, 130, 3221225786})
"""SIGTERM, SIGHUP and SIGINT, or the end of a session of Windows."""
_CRASHED = frozenset({-11, -7, -6, -4, 3221225477})
_MEMORY_WORDS = (b"std::bad_alloc", b"MemoryError", b"OOM when allocating", b"Out of memory")


@dataclass(frozen=True, slots=True)
class Exit:
    """What is known of the end of a process that had a job in hand.

    Attributes
    ----------
    code : int or None
        Exit code as subprocess gives it; None when it cannot be known (adopted worker).
    is_watched : bool
        False for an end between two runs of the service.
    memory_kill : str
        Whether the system ended processes for want of memory since the job began, as
        :func:`~deepflash_service.store.memory_kills.find_memory_kill` tells it.
    output : bytes
        The last output of the process.
    """

    code: int | None = None
    is_watched: bool = True
    memory_kill: MemoryKill = "none"
    output: bytes = b""


@dataclass(frozen=True, slots=True)
class Cause:
    """An error code and a sentence; ``is_external`` = not the job's own doing, it may go on."""

    code: str
    sentence: str
    is_external: bool = False


def explain_exit(end: Exit, *, remedy: str = "start the job again") -> Cause:
    """Return why a process ended in the middle of a job.

    Parameters
    ----------
    end : Exit
        What is known.
    remedy : str, optional
        What the user does about it, or what happens by itself.
    """
    was_killed = end.code in _KILLED
    if (was_killed or end.code is None) and end.memory_kill == "own":
        return _explain_memory("and the system ended it", remedy)
    if end.code in _CRASHED and any(word in end.output for word in _MEMORY_WORDS):
        return _explain_memory("and crashed", remedy)
    if was_killed or end.code in _ASKED_TO_END:
        return _explain_kill(end, remedy)
    if end.code in _CRASHED:
        return Cause(
            "worker_crashed",
            f"The worker process crashed (exit code {end.code}): {remedy}, and if it happens "
            "twice, report the log of the job together with the image.",
        )
    if not end.is_watched:
        sentence = f"The process of the job ended while no service watched it: {remedy}."
        return Cause("worker_lost", sentence, is_external=True)
    known = "not known" if end.code is None else str(end.code)
    return Cause(
        "worker_lost",
        f"The process of the job ended unexpectedly (exit code {known}): look at the log of the "
        f"job (`deepflash jobs log`), and {remedy}.",
        is_external=end.code is None,
    )


def _explain_kill(end: Exit, remedy: str) -> Cause:
    if end.code in _ASKED_TO_END:
        what = f"asked to end (exit code {end.code}), as at a logout, at a shutdown or by `kill`"
        return Cause("worker_killed", f"The worker process was {what}: {remedy}.", is_external=True)
    by_whom = "by somebody or by the system when memory ran out"
    if end.memory_kill == "elsewhere":
        by_whom = "perhaps by the system: memory ran out on this computer since the job began"
    return Cause(
        "worker_killed",
        f"The worker process was killed, {by_whom}; close other programs, use smaller images or "
        f"fewer at once, and {remedy}.",
        is_external=True,
    )


def _explain_memory(what: str, remedy: str) -> Cause:
    return Cause(
        "out_of_memory",
        f"The worker process ran out of memory {what}: close other programs, use smaller images "
        f"or fewer at once, and {remedy}.",
    )
