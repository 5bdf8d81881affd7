"""The command line beside a running service: the same jobs, each worked on once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deepflash_service.jobs.table import FILE_NAME
from deepflash_service.store import runs
from deepflash_service.store.events import Event
from tests.integration.service.conftest import LiveService, await_that


def _command(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "deepflash_service.cli", *arguments],
        env={**os.environ, "DEEPFLASH_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(home: Path, *arguments: str) -> tuple[int, Any, str]:
    """Return exit code, JSON and complaints of a command."""
    out, err = (process := _command(home, *arguments, "--json")).communicate(timeout=120)
    return process.returncode, json.loads(out) if out else None, err


def test_a_service_is_ended_from_another_terminal(start: Callable[..., LiveService]) -> None:
    """The refusal of a second one names the command; ended twice is ended."""
    service = start()
    second = _command(service.home, "serve", "--no-browser")
    _, err = second.communicate(timeout=60)
    stop = f"serve --stop --home {service.home}"
    assert (second.returncode, f"`deepflash {stop}`" in err) == (1, True)
    for words in (f"The service at {service.url} has ended.", "there is nothing to end"):
        ending = _command(service.home.parent, *stop.split())
        out, err = ending.communicate(timeout=60)
        assert (ending.returncode, err, words in out) == (0, "", True)
        assert service.process.wait(1) == 0
        assert not (service.home / "service.json").exists()


@pytest.mark.keras
@pytest.mark.slow
def test_a_lost_training_of_the_command_line_goes_on_in_the_service(
    tiny_model: Path, start: Callable[..., LiveService]
) -> None:
    """It is listed at once; `resume` hands it over and watches, a second one is refused."""
    service = start()
    options = {
        "dataset": service.upload_samples(),
        "model": "mine",
        "base": "tiny",
        "preset": "quick",
    }
    run = runs.create_run(tiny_model, "training", options={**options, "epochs": 1})
    runs.append_event(run, Event("running", "epoch 1"))
    assert run.id in {job["id"] for job in service.client.get("/jobs").json()["jobs"]}
    assert service.await_job(run.id)["state"] == "interrupted"
    assert service.list_workers() == []

    watching = _command(tiny_model, "jobs", "resume", run.id, "--json")
    service.await_job(run.id, "queued", "running")
    code, _, err = _run(tiny_model, "jobs", "resume", run.id)
    assert (code, "only trainings that were interrupted" in err) == (1, True)
    out, err = watching.communicate(timeout=120)
    assert watching.returncode == 0, err
    assert (json.loads(out)["state"], json.loads(out)["model"]) == ("done", "mine@1")
    owner = json.loads((run.folder / "owner.json").read_text(encoding="utf-8"))
    assert owner["pid"] not in {watching.pid, service.process.pid}


def test_verbs_work_beside_a_service(live_service: LiveService) -> None:
    """List and show read the folders, cancel goes through the service, which knows at once."""
    home = live_service.home
    run = runs.create_run(home, "training", options={"dataset": "d", "model": "m"})
    runs.append_event(run, Event("interrupted", "Lost."))
    code, found, _ = _run(home, "jobs", "list")
    assert (code, [job["id"] for job in found["jobs"]]) == (0, [run.id])
    code, found, _ = _run(home, "jobs", "cancel", run.id)
    assert (code, found["state"]) == (0, "cancelled")
    assert live_service.client.get(f"/jobs/{run.id}").json()["state"] == "cancelled"
    states = [event["state"] for event in live_service.read_events(run.id)]
    assert states == ["queued", "interrupted", "cancelled"]


def test_the_table_is_rebuilt_beside_a_service(live_service: LiveService) -> None:
    """The service goes on with the new rows."""
    home = live_service.home
    made = [runs.create_run(home, "training", options={"model": "m"}) for _ in range(3)]
    for run in made:
        runs.append_event(run, Event("done", "Saved."))
    code, found, _ = _run(home, "doctor", "--no-device", "--rebuild-index")
    assert (code, found["rebuilt_jobs"]) == (0, 3)
    listed = live_service.client.get("/jobs").json()["jobs"]
    assert {job["id"] for job in listed} == {run.id for run in made}
    assert live_service.client.get("/ready").status_code == 200


def test_a_damaged_table_does_not_keep_the_service_from_starting(
    tmp_path: Path, start: Callable[..., LiveService]
) -> None:
    """It is set aside with a warning in the log, and every job is there."""
    first = start()
    home = first.home
    made = [runs.create_run(home, "training", options={"model": "m"}) for _ in range(3)]
    for run in made:
        runs.append_event(run, Event("done", "Saved."))
    assert len(first.client.get("/jobs").json()["jobs"]) == 3
    first.kill()
    (home / FILE_NAME).write_bytes(b"\0" * 50_000)
    for ending in ("-wal", "-shm"):
        (home / f"{FILE_NAME}{ending}").unlink(missing_ok=True)
    second = start()
    await_that(lambda: second.client.get("/ready").status_code == 200)
    listed = second.client.get("/jobs").json()["jobs"]
    assert {job["id"] for job in listed} == {run.id for run in made}
    assert "set aside" in (home / "service.log").read_text(encoding="utf-8")
    assert list(home.glob(f"{FILE_NAME}.damaged-*"))
