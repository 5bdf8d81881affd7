"""Jobs in real worker processes, with a real (untrained) network."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile

from tests.integration.service.conftest import LiveService, await_that

pytestmark = pytest.mark.keras


def _read_map(service: LiveService, job: dict[str, Any]) -> Any:
    answer = service.client.get(f"/jobs/{job['id']}/results/probability.tif")
    return tifffile.imread(io.BytesIO(answer.content))


@pytest.mark.slow
def test_segmentations_run_in_one_warm_worker_that_may_die(
    tiny_model: Path, start: Callable[[], LiveService], picture: bytes
) -> None:
    """A first job starts the worker, a second uses it, a kill in between harms nobody."""
    service = start()
    assert service.home == tiny_model
    first = service.submit(picture, wait=60)
    assert (first["state"], first["error"]) == ("done", None)
    (worker,) = service.list_workers()
    second = service.submit(picture, wait=60)
    assert second["state"] == "done"
    assert service.list_workers() == [worker]
    assert service.client.get("/info").json()["device"]["engine"] in {"openvino", "keras"}

    worker.kill()
    third = service.submit(picture, wait=60)
    assert third["state"] == "done"
    (replacement,) = service.list_workers()
    assert replacement.pid != worker.pid
    maps = [_read_map(service, job) for job in (first, second, third)]
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_allclose(maps[0], maps[2], atol=0.01)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kill -STOP holds a worker in the middle of a job")
def test_jobs_survive_the_service_and_their_worker(
    tiny_model: Path, start: Callable[[], LiveService], picture: bytes
) -> None:
    """Killed service: the worker is adopted with its job. Killed worker: the job runs again."""
    service = start()
    assert service.submit(picture, wait=60)["state"] == "done"
    (worker,) = service.list_workers()
    worker.suspend()
    held = service.submit(picture)
    waiting = service.submit(picture)
    await_that(lambda: list((tiny_model / "workers").glob("*/inbox/*")))
    service.process.kill()
    service.process.wait(30)

    second = start()
    assert second.list_workers() == [worker]
    assert second.client.get(f"/jobs/{held['id']}").json()["state"] in {"queued", "running"}
    worker.resume()
    for job in (held, waiting):
        assert second.await_job(job["id"])["state"] == "done"
    assert second.list_workers() == [worker]

    worker.suspend()
    lost = second.submit(picture)
    await_that(lambda: list((tiny_model / "workers").glob("*/inbox/*")))
    worker.kill()
    ended = second.await_job(lost["id"])
    assert ended["state"] == "done"
    events = second.client.get(f"/jobs/{lost['id']}/events").json()["events"]
    assert any("another worker" in event["message"] for event in events)


def test_a_clean_end_takes_the_idle_worker_along(
    tiny_model: Path, start: Callable[[], LiveService], picture: bytes
) -> None:
    """After SIGTERM no process is left, and a job that was cancelled stays cancelled."""
    service = start()
    job = service.submit(picture)
    cancelled = service.client.delete(f"/jobs/{job['id']}").json()
    assert cancelled["state"] in {"cancelled", "stopping"}
    assert service.await_job(job["id"])["state"] == "cancelled"
    assert service.client.get(f"/jobs/{job['id']}").json()["results"] == []
    workers = service.list_workers()
    assert service.end() == 0
    gone, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []
    assert len(gone) == len(workers)
    owner = json.loads((tiny_model / "runs" / job["id"] / "job.json").read_text(encoding="utf-8"))
    assert owner["kind"] == "segmentation"
