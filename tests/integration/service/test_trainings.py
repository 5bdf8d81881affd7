"""Trainings whose worker, service or both are killed, and trainings that are cancelled."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deepflash_service.store import runs
from deepflash_service.store.checkpoints import read_progress
from tests.integration.service.conftest import LiveService, await_that

pytestmark = [pytest.mark.keras, pytest.mark.slow]
CANCEL_SECONDS = 5.0


def _await_gone(process: psutil.Process, *, since: float) -> float:
    """Return the seconds from `since` until a process has ended."""
    psutil.wait_procs([process], timeout=30)
    assert not process.is_running()
    return time.monotonic() - since


def test_a_training_survives_the_service_and_its_worker(
    tiny_model: Path, start: Callable[..., LiveService]
) -> None:
    """Service killed: the worker is adopted. Both killed: it goes on from the checkpoint."""
    first = start(DEEPFLASH_CHECKPOINT_SECONDS="0")
    job = first.train(first.upload_samples())
    run = runs.open_run(tiny_model, job)
    told = first.await_step(job)["seq"]
    worker = first.find_worker(job)
    assert first.client.get(f"/jobs/{job}/results/preview.png").status_code in {200, 404}
    first.kill()

    second = start(DEEPFLASH_CHECKPOINT_SECONDS="0")
    assert second.client.get(f"/jobs/{job}").json()["state"] == "running"
    assert worker.is_running()
    second.await_step(job, after=told)
    assert second.find_worker(job) == worker
    await_that(lambda: read_progress(run) > 0)
    second.kill()
    worker.kill()
    kept, told = read_progress(run), len(runs.read_events(run))

    third = start(DEEPFLASH_CHECKPOINT_SECONDS="0")
    again = third.await_step(job, after=told)
    assert again["metrics"]["step"] >= kept
    texts = [event["message"] for event in third.read_events(job, after=told)]
    assert f"Goes on by itself from step {kept}." in texts
    assert third.find_worker(job) != worker
    third.client.post(f"/jobs/{job}/stop")
    ended = third.await_job(job)
    assert (ended["state"], ended["model"]) == ("stopped", "mine@1")
    assert ended["error"] is None


@pytest.mark.alone
def test_a_training_whose_worker_dies_goes_on(
    tiny_model: Path, start: Callable[..., LiveService]
) -> None:
    """Nobody has to ask for it; with a cancel the device is free within five seconds."""
    service = start(DEEPFLASH_CHECKPOINT_SECONDS="0")
    job = service.train(service.upload_samples())
    run = runs.open_run(tiny_model, job)
    await_that(lambda: read_progress(run) > 0)
    worker = service.find_worker(job)
    worker.kill()
    kept, told = read_progress(run), len(runs.read_events(run))
    assert service.await_step(job, after=told)["metrics"]["step"] >= kept
    states = [event["state"] for event in service.read_events(job, after=told)]
    assert states[:2] == ["interrupted", "queued"]

    worker = service.find_worker(job)
    asked = time.monotonic()
    service.client.delete(f"/jobs/{job}")
    assert _await_gone(worker, since=asked) < CANCEL_SECONDS
    ended = service.await_job(job)
    assert (ended["state"], ended["results"]) == ("cancelled", [])


@pytest.mark.alone
@pytest.mark.skipif(os.name != "posix", reason="kill -STOP holds a worker while it loads")
def test_a_cancel_frees_the_device_while_libraries_load(
    tiny_model: Path, start: Callable[..., LiveService]
) -> None:
    """A worker that cannot look at the request is ended; the next training has the lane."""
    service = start()
    dataset = service.upload_samples()
    loading, held = service.train(dataset), service.train(dataset, epochs=1)
    worker = service.find_worker(loading)
    asked = time.monotonic()
    service.client.delete(f"/jobs/{loading}")
    assert _await_gone(worker, since=asked) < CANCEL_SECONDS
    assert service.await_job(loading)["state"] == "cancelled"

    worker = service.find_worker(held)
    worker.suspend()
    asked = time.monotonic()
    service.client.delete(f"/jobs/{held}")
    assert _await_gone(worker, since=asked) < CANCEL_SECONDS
    assert service.await_job(held)["state"] == "cancelled"
