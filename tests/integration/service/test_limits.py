"""Real limits: memory that the system takes back by force, and a disk that runs full."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from deepflash_service.store import runs
from deepflash_service.store.checkpoints import read_progress
from tests.integration.service.conftest import LiveService, await_that, start_service

pytestmark = [pytest.mark.keras, pytest.mark.slow]
_GROUPS = Path("/sys/fs/cgroup")
_MEMORY_BYTES = 150 * 1024**2
_DISK_MEGABYTES = 240


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """Return a control group with a memory limit that TensorFlow does not fit into."""
    is_first = (_GROUPS / "memory").is_dir()
    group = (_GROUPS / "memory" if is_first else _GROUPS) / f"deepflash-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        name = "memory.limit_in_bytes" if is_first else "memory.max"
        (group / name).write_text(str(_MEMORY_BYTES))
        if not is_first:
            (group / "memory.swap.max").write_text("0")
    except OSError as error:
        group.rmdir()
        pytest.skip(f"the memory of a control group cannot be limited here: {error}")
    yield group
    await_that(lambda: (group / "cgroup.procs").read_text() == "", seconds=30)
    group.rmdir()


def test_a_memory_kill_is_told_as_what_it_is(
    memory_group: Path,
    tiny_model: Path,
    start: Callable[..., LiveService],
    picture: bytes,
) -> None:
    """The system ends the worker twice; the job fails with the sentence, the service lives."""
    service = start()
    (memory_group / "cgroup.procs").write_text(str(service.process.pid))
    job = service.submit(picture)
    ended = service.await_job(job["id"])
    assert (ended["state"], ended["error"]["code"]) == ("failed", "out_of_memory")
    assert ended["message"].startswith("The worker process ran out of memory")
    assert "smaller images" in ended["message"]
    told = [event["message"] for event in service.read_events(job["id"])]
    assert sum("once more" in message for message in told) == 1
    assert service.client.get("/info").status_code == 200
    for worker in service.list_workers():
        worker.kill()
    service.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a home folder on a disk of its own, of 240 MB."""
    home = tmp_path / "home"
    home.mkdir()
    mount = shutil.which("mount")
    if mount is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    command = [mount, "-t", "tmpfs", "-o", f"size={_DISK_MEGABYTES}m", "none", str(home)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    yield home
    subprocess.run(["umount", "--lazy", str(home)], check=True)


def _fill(path: Path) -> None:
    """Fill the disk to the last byte."""
    with path.open("wb", buffering=0) as stream:
        for size in (1024**2, 4096, 1):
            with suppress(OSError):
                while stream.write(b"\xff" * size) == size:
                    pass


@pytest.fixture
def full_service(small_disk: Path, tiny_model: Path) -> Iterator[LiveService]:
    """Return a service on the small disk, with the model ``tiny``."""
    assert tiny_model == small_disk
    service = start_service(tiny_model, DEEPFLASH_CHECKPOINT_SECONDS="0")
    yield service
    workers = service.list_workers()
    service.kill()
    for worker in workers:
        worker.kill()


def test_a_full_disk_interrupts_a_training_and_room_lets_it_go_on(
    full_service: LiveService, picture: bytes
) -> None:
    """The checkpoints stay good, the service answers, new work is refused, nothing is lost."""
    service, filler = full_service, full_service.home / "filler"
    job = service.train(service.upload_samples())
    run = runs.open_run(service.home, job)
    await_that(lambda: read_progress(run) > 0)
    _fill(filler)
    ended = service.await_job(job, "interrupted", "failed")
    kept, told = read_progress(run), len(runs.read_events(run))
    assert (ended["state"], ended["error"]["code"]) == ("interrupted", "disk_full")
    assert "are needed" in ended["message"]
    assert f"resume job {job}" in ended["message"]
    assert kept > 0
    assert not list(run.checkpoints.glob(".partial-*"))
    assert {one["id"]: one["state"] for one in service.client.get("/jobs").json()["jobs"]} == {
        job: "interrupted"
    }
    files: dict[str, Any] = {"options": '{"model": "tiny"}', "image": ("a.tif", picture)}
    refused = service.client.post("/segmentations", files=files)
    assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")
    assert service.client.get("/ready").status_code == 200

    filler.unlink()
    assert service.await_step(job, after=told)["metrics"]["step"] >= kept
    texts = [event["message"] for event in service.read_events(job, after=told)]
    assert f"The disk has room again. Goes on by itself from step {kept}." in texts
    service.client.post(f"/jobs/{job}/stop")
    assert service.await_job(job)["state"] == "stopped"
