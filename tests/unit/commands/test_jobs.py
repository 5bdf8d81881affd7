"""``deepflash jobs`` without a service: the folders are enough."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from deepflash_service.commands import jobs
from deepflash_service.jobs.table import FILE_NAME
from deepflash_service.records import ModelCard
from deepflash_service.store import runs
from deepflash_service.store.custody import hold_run
from deepflash_service.store.events import Event
from tests.unit.commands.conftest import Run


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of the jobs that trained; nothing is computed."""
    done: list[str] = []

    def train(_home: Path, run: runs.Run, **_options: Any) -> ModelCard:
        done.append(run.id)
        return ModelCard(name="m")

    monkeypatch.setattr("deepflash_service.workflows.train.run_training", train)
    return done


def test_the_log_of_a_job_is_printed(run: Run, home: Path) -> None:
    """All of it, its end, or as JSON; a job without a log has an empty one."""
    job = runs.create_run(home, "training", options={"model": "m"})
    assert run("jobs", "log", job.id).out == ""
    runs.append_event(job, Event("running", "epoch 1"))
    runs.append_event(job, Event("failed", "The loss is NaN."))
    lines = run("jobs", "log", job.id).out.splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        "running: epoch 1",
        "failed: The loss is NaN.",
    ]
    assert run("jobs", "log", job.id, "--lines", 1).out.splitlines() == lines[1:]
    assert run("jobs", "log", job.id, "--json").json == {
        "id": job.id,
        "log": "".join(f"{line}\n" for line in lines),
    }
    assert run("jobs", "log", "none").code == 1


@pytest.mark.parametrize("state", ["running", "interrupted", "failed", "stopped", "queued"])
def test_a_training_that_nobody_works_on_is_resumed_here(
    run: Run, home: Path, trainings: list[str], *, state: Any
) -> None:
    """Also one whose command was killed before it began."""
    job = runs.create_run(home, "training", options={"model": "m"})
    if state != "queued":
        runs.append_event(job, Event(state, "x"))
    runs.request_stop(job)
    found = run("jobs", "resume", job.id, "--json")
    assert found.code == 0
    assert found.json["state"] == "done"
    assert trainings == [job.id]


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_training_in_other_hands_is_not_resumed(
    run: Run, home: Path, trainings: list[str], *, state: Any
) -> None:
    """Two processes never work on one run."""
    job = runs.create_run(home, "training", options={"model": "m"})
    runs.append_event(job, Event(state, "x"))
    with hold_run(job):
        assert run("jobs", "show", job.id, "--json").json["state"] == state
        found = run("jobs", "resume", job.id)
        assert found.code == 1
        assert "only trainings that were interrupted" in found.err
    assert trainings == []


def test_an_interrupted_training_names_the_command_that_goes_on(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl+C on stderr and in the log; after a kill in the list and in the description."""

    def interrupt(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("deepflash_service.workflows.train.run_training", interrupt)
    job = runs.create_run(home, "training", options={"model": "m"})
    found = run("jobs", "resume", job.id)
    remedy = f"`deepflash jobs resume {job.id}` goes on with it."
    assert found.code == 130
    assert found.err.strip().endswith(f"nothing half-written is left. {remedy}")
    assert remedy in run("jobs", "log", job.id).out
    runs.append_event(job, Event("running", "epoch 1"))
    message = f"Its process has ended before the job did. {remedy}"
    assert message in run("jobs", "show", job.id).out
    assert run("jobs", "list", "--json").json["jobs"][0]["message"] == message
    lost = runs.create_run(home, "segmentation", options={})
    runs.append_event(lost, Event("running", "x.tif"))
    assert "Start a new one." in run("jobs", "show", lost.id).out


def test_a_cancel_of_a_lost_job_discards_what_it_kept(run: Run, home: Path) -> None:
    """Nobody is there to follow the request, so the command does it."""
    job = runs.create_run(home, "training", options={"model": "m"})
    runs.append_event(job, Event("running", "epoch 1"))
    (job.checkpoints / "member-1.json").write_text("{}")
    assert run("jobs", "cancel", job.id, "--json").json["state"] == "cancelled"
    assert list(job.checkpoints.iterdir()) == []
    busy = runs.create_run(home, "training", options={"model": "m"})
    runs.append_event(busy, Event("running", "epoch 1"))
    with hold_run(busy):
        assert run("jobs", "cancel", busy.id, "--json").json["state"] == "stopping"
    assert runs.is_cancel_requested(busy)


def test_a_stop_reaches_whoever_works_on_a_training(run: Run, home: Path) -> None:
    """Also before its first event; nobody can follow the request for one that only waits."""
    job = runs.create_run(home, "training", options={"model": "m"})
    assert "can be stopped" in run("jobs", "stop", job.id).err
    with hold_run(job):
        assert run("jobs", "stop", job.id, "--json").json["state"] == "stopping"
    assert runs.is_stop_requested(job)
    runs.clear_requests(job)
    runs.append_event(job, Event("running", "epoch 1"))
    assert run("jobs", "stop", job.id).code == 1
    assert not runs.is_stop_requested(job)


def test_latest_is_the_newest_job_to_which_a_command_applies(
    run: Run, home: Path, trainings: list[str]
) -> None:
    """As in Fiji: a segmentation since does not keep a training from being stopped or resumed."""
    assert "no job to which this applies" in run("jobs", "show", "latest").err
    lost, busy = (runs.create_run(home, "training", options={"model": "m"}) for _ in range(2))
    runs.append_event(lost, Event("interrupted", "Lost."))
    runs.append_event(busy, Event("running", "epoch 1"))
    newest = runs.create_run(home, "segmentation", options={})
    runs.append_event(newest, Event("done", "7 ROIs."))
    jobs_in_order = [lost.id, busy.id, newest.id]
    assert [one["id"] for one in run("jobs", "list", "--json").json["jobs"]] == jobs_in_order[::-1]
    assert run("jobs", "show", "latest", "--json").json["id"] == newest.id
    assert "7 ROIs." in run("jobs", "log", "latest").out
    with hold_run(busy):
        assert run("jobs", "stop", "latest", "--json").json["id"] == busy.id
        assert run("jobs", "resume", "latest", "--json").json["id"] == lost.id
        assert run("jobs", "cancel", "latest", "--json").json["id"] == busy.id
    assert trainings == [lost.id]
    assert runs.is_cancel_requested(busy)


class _Service:
    """A service that notes what it is asked."""

    url = "http://127.0.0.1:1"

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def stop(self, job: str) -> None:
        """Note the request."""
        self.asked.append(("stop", job))

    def resume(self, job: str) -> None:
        """Note the request."""
        self.asked.append(("resume", job))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> _Service:
    """Return the service that commands find running."""
    service = _Service()
    monkeypatch.setattr(jobs, "connect_running", lambda _home: nullcontext(service))
    return service


def test_a_running_service_stops_its_trainings(run: Run, home: Path, service: _Service) -> None:
    """It knows more than the folder: a worker may have the job in hand already."""
    job = runs.create_run(home, "training", options={"model": "m"})
    assert run("jobs", "stop", job.id).code == 0
    assert service.asked == [("stop", job.id)]
    assert not runs.is_stop_requested(job)


def test_a_resumption_is_watched_from_its_beginning(
    run: Run, home: Path, service: _Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events have the numbers of their lines, and a torn line is none."""
    job = runs.create_run(home, "training", options={"model": "m"})
    with (job.folder / "events.jsonl").open("ab") as stream:
        stream.write(b"torn\ntorn\n")
    runs.append_event(job, Event("interrupted", "Lost."))
    seen: list[int] = []
    monkeypatch.setattr(jobs, "follow_job", lambda *_a, after, **_o: seen.append(after))
    assert run("jobs", "resume", job.id).code == 0
    assert seen == [4]


@pytest.mark.parametrize("name", ["job.json", "events.jsonl"])
def test_a_damaged_folder_is_named(run: Run, home: Path, name: str) -> None:
    """In the list, when it is asked for, and by the doctor; the other jobs are listed."""
    lost, fine = (runs.create_run(home, "training", options={"model": "m"}) for _ in range(2))
    (lost.folder / name).unlink()
    listed = run("jobs", "list", "--json")
    assert fine.id in {job["id"] for job in listed.json["jobs"]}
    shown = run("jobs", "show", lost.id)
    checked = run("doctor", "--no-device")
    for text in (listed.err, shown.err + shown.out, checked.out):
        assert str(lost.folder / name) in text


def test_a_full_disk_is_a_failure_of_the_command(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence tells what is needed; the job can be resumed."""
    from deepflash_service.errors import SetupError

    def fail(*_arguments: object, **_options: object) -> None:
        raise SetupError("The disk is full: 7 MB are needed.", code="disk_full")

    monkeypatch.setattr("deepflash_service.workflows.train.run_training", fail)
    job = runs.create_run(home, "training", options={"model": "m"})
    found = run("jobs", "resume", job.id)
    assert (found.code, "7 MB are needed" in found.err) == (1, True)
    assert runs.read_state(job) == "interrupted"


def test_a_damaged_table_is_told_and_rebuilt(run: Run, home: Path) -> None:
    """A warning on stderr, the figures on stdout."""
    runs.create_run(home, "training", options={"model": "m"})
    (home / FILE_NAME).write_bytes(b"no database at all, but long enough to look like one" * 99)
    found = run("doctor", "--no-device", "--rebuild-index", "--json")
    assert found.json["rebuilt_jobs"] == 1
    assert found.err.startswith("Warning: The job table")
    assert "set aside" in found.err
