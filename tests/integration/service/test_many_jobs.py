"""Many clients, many jobs, and a warm worker that is killed again and again."""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile

from tests.integration.service.conftest import LiveService, await_that, encode_tiff

pytestmark = [pytest.mark.keras, pytest.mark.slow]
CLIENTS = 20
JOBS = 200
KILLS = 5
SECONDS = 300.0
SIZES = (64, 80, 96, 112, 128)


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in memory where there is one: thousands of flushes take long on a disk."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _has_done(futures: Sequence[Future[Any]], share: int) -> bool:
    return sum(future.done() for future in futures) >= share


def _make_pictures() -> list[bytes]:
    rng = np.random.default_rng(1)
    return [encode_tiff(rng.integers(0, 60_000, (size, size), dtype=np.uint16)) for size in SIZES]


def _fetch(service: LiveService, job: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    """Return probabilities, labels and table of a finished job."""
    assert (job["state"], job["error"]) == ("done", None), job
    path = f"/jobs/{job['id']}/results"
    maps = [
        tifffile.imread(io.BytesIO(service.client.get(f"{path}/{name}").content)).tobytes()
        for name in ("probability.tif", "labels.tif")
    ]
    return maps[0], maps[1], service.client.get(f"{path}/rois.csv").content


def _kill_worker(service: LiveService) -> None:
    """Kill the warm worker with -9 as soon as there is one."""

    def find() -> list[psutil.Process]:
        found = []
        for worker in service.list_workers():
            with suppress(psutil.NoSuchProcess):
                if "warm" in worker.cmdline():
                    found.append(worker)
        return found

    (worker,) = await_that(find)
    worker.kill()
    psutil.wait_procs([worker], timeout=10)


def test_200_jobs_of_20_clients_survive_five_kills_beside_a_training(
    tiny_model: Path, start: Callable[..., LiveService]
) -> None:
    """Every job ends with the result of an undisturbed one, and the training goes on.

    They take turns on the device, as on a GPU; a killed worker must not keep it.
    """
    service = start(DEEPFLASH_SHARE_DEVICE="always")
    pictures = _make_pictures()
    expected = [_fetch(service, service.submit(data, wait=60)) for data in pictures]
    training = service.train(service.upload_samples())
    service.await_step(training)

    def work(number: int) -> tuple[bytes, bytes, bytes]:
        job = service.submit(pictures[number % len(pictures)], wait=30)
        return _fetch(service, service.await_job(job["id"]))

    with ThreadPoolExecutor(CLIENTS) as pool:
        futures = [pool.submit(work, number) for number in range(JOBS)]
        for kill in range(KILLS):
            share = (kill + 1) * JOBS // (KILLS + 1)
            await_that(partial(_has_done, futures, share), seconds=SECONDS)
            _kill_worker(service)
        results = [future.result() for future in futures]
    assert len(results) == JOBS
    for number, result in enumerate(results):
        assert result == expected[number % len(pictures)], number
    told = len(service.read_events(training))
    assert service.client.get(f"/jobs/{training}").json()["state"] == "running"
    service.await_step(training, after=told)
    counts = service.client.get("/info").json()["jobs"]
    assert counts == {"queued": 0, "running": 1}
    asked = time.monotonic()
    service.client.delete(f"/jobs/{training}")
    service.await_job(training)
    assert time.monotonic() - asked < 10
