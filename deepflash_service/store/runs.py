"""Job folders: what was asked, what happened, what came out.

The folder is the truth: it can be copied to another computer, and the job table is rebuilt
from it. Events are appended as single lines, results appear under their final name only.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args
from uuid import uuid4

from deepflash_service.errors import InputError, NotFoundError
from deepflash_service.records import ENDED_STATES, JobKind, JobState
from deepflash_service.store.atomic import (
    explain_disk_fault,
    stage_folder,
    write_bytes,
    write_json,
)
from deepflash_service.store.clock import format_now
from deepflash_service.store.disk import is_full_disk
from deepflash_service.store.event_reading import EventLog, read_log
from deepflash_service.store.events import (
    Event,
    describe_event,
    encode_event,
    make_lost_event,
    write_lines,
)
from deepflash_service.store.last_words import free_reserve, make_room, set_marker
from deepflash_service.store.names import check_file_name, check_id
from deepflash_service.store.reading import read_json
from deepflash_service.store.results import list_files, list_results

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

InputPart = Literal["image", "prediction", "truth"]

_KINDS: tuple[JobKind, ...] = get_args(JobKind)
_EVENTS = "events.jsonl"


@dataclass(frozen=True, slots=True)
class Run:
    """One job folder; ``options`` is the JSON object of the request."""

    id: str
    kind: JobKind
    options: dict[str, Any]
    created: str
    folder: Path

    @property
    def inputs(self) -> Path:
        """Folder of the uploaded files."""
        return self.folder / "inputs"

    @property
    def results(self) -> Path:
        """Folder of the result files."""
        return self.folder / "results"

    @property
    def checkpoints(self) -> Path:
        """Folder from which a training resumes."""
        return self.folder / "checkpoints"

    @property
    def log(self) -> Path:
        """File that receives the output of the worker process."""
        return self.folder / "log.txt"


def create_run(home: Path, kind: JobKind, *, options: Mapping[str, Any]) -> Run:
    """Make a job folder with its first event, ``queued``.

    Parameters
    ----------
    home : Path
        Home folder.
    kind : str
        ``training``, ``segmentation`` or ``evaluation``.
    options : mapping
        JSON object of the request.
    """
    created = format_now()
    stamp = created[:19].replace("-", "").replace(":", "").replace("T", "-")
    job_id = f"{stamp}-{kind}-{uuid4().hex[:6]}"
    facts = {"id": job_id, "kind": kind, "options": dict(options), "created": created}
    target = home / "runs" / job_id
    with stage_folder(target) as folder:
        for name in ("inputs", "results", "checkpoints"):
            (folder / name).mkdir()
        write_json(folder / "job.json", facts)
        line = encode_event(Event("queued", "waiting for its turn"), created)
        write_bytes(folder / _EVENTS, line)
    return Run(job_id, kind, dict(options), created, target)


def open_run(home: Path, job_id: str) -> Run:
    """Return the job folder with this id.

    Raises
    ------
    NotFoundError
        Code ``unknown_job``.
    InputError
        Code ``damaged_file`` when the folder is there, but not its description.
    """
    folder = None
    with suppress(InputError):
        folder = home / "runs" / check_id(job_id)
    if folder is not None and folder.is_dir():
        return _load(folder)
    raise NotFoundError(
        f"There is no job {job_id!r}; `deepflash jobs list` shows the known ones.",
        code="unknown_job",
        details={"job": job_id},
    )


def list_runs(home: Path, *, known: Collection[str] = ()) -> list[Run]:
    """Return all readable job folders but the `known` ones (ids), oldest first."""
    runs = []
    for folder in (home / "runs").glob("[a-z0-9]*/"):
        if folder.name not in known:
            with suppress(InputError):
                runs.append(_load(folder))
    return sorted(runs, key=lambda run: (run.created, run.id))


def _load(folder: Path) -> Run:
    path = folder / "job.json"
    try:
        facts = read_json(path)
    except OSError as error:
        raise _refuse(path, error.strerror or str(error)) from error
    kind: JobKind | None = next((one for one in _KINDS if one == facts.get("kind")), None)
    options = facts.get("options")
    if kind is None or not isinstance(options, dict):
        raise _refuse(path, "it describes no job")
    return Run(folder.name, kind, options, str(facts.get("created", "")), folder)


def _refuse(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path} cannot be used ({reason}): restore it from a copy, correct the rights on its "
        "folder, or remove the folder.",
        code="damaged_file",
        details={"path": str(path)},
    )


def add_input(run: Run, part: InputPart, *, name: str, data: bytes) -> Path:
    """Store one uploaded file and return its path.

    Raises
    ------
    InputError
        Code ``invalid_name``.
    """
    path = run.inputs / part / check_file_name(name)
    write_bytes(path, data)
    return path


def list_inputs(run: Run, part: InputPart) -> list[Path]:
    """Return the uploaded files of one part, sorted by name."""
    return list_files(run.inputs / part)


def append_event(run: Run, *events: Event) -> None:
    """Append events at once, and lines for people to the log; safe from several processes.

    On a full disk, progress is not told. The last words of a job are: the reserve of the run
    folder makes room for them.

    Raises
    ------
    SetupError
        Code ``disk_full`` when there is no room even for last words; ``disk_fault`` when the
        file may not be written.
    """
    now = format_now()
    lines = b"".join(encode_event(event, now) for event in events)
    path = run.folder / _EVENTS
    try:
        write_lines(path, lines)
    except OSError as error:
        if not is_full_disk(error):
            raise explain_disk_fault(path, error) from error
        if events[-1].state == "running":
            return
        with make_room(run.folder):
            write_lines(path, lines)
    if events[-1].state in ENDED_STATES:
        free_reserve(run.folder)
    append_log(run, "".join(describe_event(event, now) for event in events).encode())


def append_log(run: Run, text: bytes) -> None:
    """Append to the log for people, if the disk has room."""
    with suppress(OSError), run.log.open("ab") as log:
        log.write(text)


def read_log_text(run: Run, *, most: int | None = None) -> str:
    """Return the log for people, or its last `most` bytes; empty when there is none."""
    try:
        with run.log.open("rb") as stream:
            stream.seek(0 if most is None else max(0, run.log.stat().st_size - most))
            return stream.read(most or -1).decode(errors="replace").replace("\r\n", "\n")
    except FileNotFoundError:
        return ""


def read_events(run: Run, *, after: int = 0) -> list[dict[str, Any]]:
    """Return the events with a number above `after`; numbers are line numbers from 1."""
    keys = ("seq", "time", "state", "message", "current", "maximum", "metrics")
    events = read_log(run.folder / _EVENTS).list_after(after)
    return [{key: event[key] for key in keys} for event in events]


def read_state(run: Run) -> JobState:
    """Return the state that the newest event tells."""
    state: JobState = _find_last(run, read_log(run.folder / _EVENTS))["state"]
    return state


def _find_last(run: Run, log: EventLog) -> dict[str, Any]:
    if log.last is not None:
        return log.last
    is_training = run.kind == "training"
    path = run.folder / _EVENTS
    return make_lost_event(path, log.fault, time=run.created, can_resume=is_training)


def read_job(run: Run) -> dict[str, Any]:
    """Return the JSON object that describes a job to clients, from the folder alone."""
    return {**read_summary(run), "results": list_results(run.results)}


def read_summary(run: Run) -> dict[str, Any]:
    """Return the JSON object of a job without its results, which may be thousands of files."""
    log = read_log(run.folder / _EVENTS)
    last = _find_last(run, log)
    return {
        "id": run.id,
        "kind": run.kind,
        "state": last["state"],
        "message": last["message"],
        "current": log.progress.get("current", 0),
        "maximum": log.progress.get("maximum", 0),
        "model": log.model or run.options.get("model"),
        "error": last.get("error"),
        "created": run.created,
        "finished": last["time"] if last["state"] in ENDED_STATES else None,
    }


def request_stop(run: Run) -> None:
    """Ask a training to end early and keep the best."""
    set_marker(run.folder, "stop")


def request_cancel(run: Run) -> None:
    """Ask a job to end and discard its results."""
    set_marker(run.folder, "cancel")


def clear_requests(run: Run) -> None:
    """Forget earlier requests (before a job is resumed).

    Raises
    ------
    SetupError
        Code ``disk_fault`` when the folder may not be written.
    """
    for name in ("stop", "cancel"):
        try:
            (run.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise explain_disk_fault(run.folder, error) from error


def is_stop_requested(run: Run) -> bool:
    """Tell whether somebody asked to stop."""
    return (run.folder / "stop").exists()


def is_cancel_requested(run: Run) -> bool:
    """Tell whether somebody asked to cancel."""
    return (run.folder / "cancel").exists()
