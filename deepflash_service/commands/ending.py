"""The end of the service of a home folder, also of one that no longer answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

_FIND_SECONDS = 2.0
_END_SECONDS = 60.0
_HUNG_SECONDS = 15.0
_KILL_SECONDS = 10.0
_POLL_SECONDS = 0.05


def end_service(home: Path) -> str:
    """End the service of a home folder, wait for it, and say what came of it.

    The lock of the home folder tells whether one runs, not its answers: one that hangs is ended
    too, by force where it does not end in 15 seconds, and so is one without a readable
    ``service.json``.

    Parameters
    ----------
    home : Path
        Home folder.

    Returns
    -------
    str
        A sentence for the user.

    Raises
    ------
    SetupError
        Code ``service_not_ended``.
    """
    from deepflash_service.bridge.launch import answers
    from deepflash_service.store.runtime import read_service_file, remove_service_file

    process = _find_service(home)
    if process is None:
        return f"No service runs on the home folder {home}; there is nothing to end."
    facts = read_service_file(home) or {}
    url = facts.get("url") if facts.get("pid") == process.pid else None
    is_hung = url is not None and not answers(url)
    name = f"service at {url}" if url else f"service of {home}"
    if not _end_process(process, is_hung=is_hung):
        raise SetupError(
            f"The {name} (process {process.pid}) does not end. End this process with the task "
            "manager of the system, as the user who started it.",
            code="service_not_ended",
            details={"url": url, "pid": process.pid},
        )
    remove_service_file(home, pid=process.pid)
    how = "did not answer and has ended" if is_hung else "has ended"
    return f"The {name} {how}. If a training runs, it goes on."


def _find_service(home: Path) -> psutil.Process | None:
    """Return the process that holds the home folder; None when none does.

    Raises
    ------
    SetupError
        Code ``service_not_ended`` when it is held by what is no service of this computer.
    """
    from deepflash_service.store.locks import probe_lock

    lock = home / "service.lock"
    deadline = time.monotonic() + _FIND_SECONDS
    while (is_held := probe_lock(lock)) is not False:
        process = _look_in_service_file(home) or _look_for_holder(lock)
        if process is not None:
            return process
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    # a file system without locks does not tell
    if not is_held:
        return None
    raise SetupError(
        f"The home folder {home} is in use, but no service of this computer was found that uses "
        "it. Where the folder is shared, end the service on the computer on which it runs; else "
        "end the process `deepflash serve` with the task manager of the system.",
        code="service_not_ended",
    )


def _look_in_service_file(home: Path) -> psutil.Process | None:
    """Return the process that wrote ``service.json``, if it runs and is a service."""
    import psutil

    from deepflash_service.store.runtime import find_service_file, read_service_file

    facts = read_service_file(home) or {}
    try:
        process = psutil.Process(int(facts["pid"]))
        is_writer = process.create_time() <= find_service_file(home).stat().st_mtime + 1.0
        return process if is_writer and _is_service(process) else None
    except (KeyError, TypeError, ValueError, OSError, psutil.Error):
        return None


def _look_for_holder(lock: Path) -> psutil.Process | None:
    """Return the service that has the lock file open."""
    import psutil

    wanted = str(lock.resolve())
    for process in psutil.process_iter():
        try:
            if _is_service(process) and any(one.path == wanted for one in process.open_files()):
                return process
        except (OSError, psutil.Error):
            continue
    return None


def _is_service(process: psutil.Process) -> bool:
    """Say whether the command line of a process is that of a service."""
    words: list[Any] = process.cmdline()
    is_ours = any("deepflash" in word.lower() for word in words)
    return is_ours and "serve" in words and "--stop" not in words


def _end_process(process: psutil.Process, *, is_hung: bool) -> bool:
    """End a process, by force only one that hangs; return whether it ended in time."""
    import psutil

    try:
        process.terminate()
        if _await_end(process, seconds=_HUNG_SECONDS if is_hung else _END_SECONDS):
            return True
        if not is_hung:
            return False
        process.kill()
        return _await_end(process, seconds=_KILL_SECONDS)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def _await_end(process: psutil.Process, *, seconds: float) -> bool:
    """Return whether a process ended in time; one that only its parent still knows has."""
    import psutil

    deadline = time.monotonic() + seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
