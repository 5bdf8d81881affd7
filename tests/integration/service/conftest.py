"""The real service on a real port, as a process of its own."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import psutil
import pytest
import tifffile

READY = "DeepFLaSH service ready at "
SECONDS = 90.0


def await_that(condition: Callable[[], Any], *, seconds: float = SECONDS) -> Any:
    """Return the first true answer of `condition`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        threading.Event().wait(0.02)
    pytest.fail("what was awaited did not happen in time")


@dataclass
class LiveService:
    """A service process and how to talk to it."""

    home: Path
    process: subprocess.Popen[str]
    url: str
    token: str
    lines: list[str]
    seconds_to_live: float
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {self.token}"},
            trust_env=False,
            timeout=120,
        )

    def submit(self, data: bytes, *, wait: float = 0, name: str = "a.tif") -> dict[str, Any]:
        """Submit a segmentation with the model ``tiny`` and return its job."""
        files: list[tuple[str, Any]] = [
            ("options", (None, json.dumps({"model": "tiny"}), "application/json")),
            ("image", (name, data, "image/tiff")),
        ]
        answer = self.client.post(f"/segmentations?wait={wait}", files=files)
        assert answer.status_code in {200, 202}, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def upload_samples(self, *, images: int = 3, size: int = 96) -> str:
        """Upload images with bright squares and one expert; return the id of the data set."""
        dataset = str(self.client.post("/datasets", json={"name": "samples"}).json()["id"])
        rng = np.random.default_rng(0)
        for number in range(images):
            mask = np.zeros((size, size), np.uint8)
            for row, column in rng.integers(4, size - 16, (6, 2)):
                mask[row : row + 10, column : column + 10] = 255
            image = (rng.normal(300, 30, mask.shape) + 4.0 * mask).astype(np.uint16)
            for part, pixels in (("images", image), ("annotations/anna", mask)):
                path = f"/datasets/{dataset}/{part}/{number}.tif"
                answer = self.client.put(path, content=encode_tiff(pixels))
                assert answer.status_code == 201, answer.text
        return dataset

    def train(self, dataset: str, *, epochs: int = 1000) -> str:
        """Fine-tune the model ``tiny`` and return the id of the job."""
        options = {"dataset": dataset, "model": "mine", "base": "tiny", "preset": "quick"}
        answer = self.client.post("/trainings", json={**options, "epochs": epochs})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def read_events(self, job_id: str, *, after: int = 0) -> list[dict[str, Any]]:
        """Return the events of a job after a cursor."""
        answer = self.client.get(f"/jobs/{job_id}/events?after={after}")
        events: list[dict[str, Any]] = answer.json()["events"]
        return events

    def await_step(self, job_id: str, *, step: int = 1, after: int = 0) -> dict[str, Any]:
        """Return the first event after a cursor that tells of at least this training step."""

        def look() -> dict[str, Any] | None:
            events = self.read_events(job_id, after=after)
            return next((one for one in events if one["metrics"].get("step", 0) >= step), None)

        found: dict[str, Any] = await_that(look)
        return found

    def find_worker(self, job_id: str) -> psutil.Process:
        """Return the process that works on a job."""
        owner = self.home / "runs" / job_id / "owner.json"
        await_that(owner.exists)
        return psutil.Process(json.loads(owner.read_text(encoding="utf-8"))["pid"])

    def kill(self) -> None:
        """Kill the service itself with -9."""
        self.client.close()
        self.process.kill()
        self.process.wait(30)

    def await_job(self, job_id: str, *states: str) -> dict[str, Any]:
        """Return the job when it is in one of the states (default: has ended)."""
        ends = states or ("done", "failed", "cancelled", "stopped", "interrupted")

        def look() -> dict[str, Any] | None:
            job: dict[str, Any] = self.client.get(f"/jobs/{job_id}").json()
            return job if job["state"] in ends else None

        found: dict[str, Any] = await_that(look)
        return found

    def list_workers(self) -> list[psutil.Process]:
        """Return the live worker processes of this home folder."""
        found = []
        for path in (self.home / "workers").glob("*/worker.json"):
            pid = json.loads(path.read_text(encoding="utf-8"))["pid"]
            if psutil.pid_exists(pid):
                process = psutil.Process(pid)
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.client.close()
        self.process.send_signal(number)
        return self.process.wait(30)


def encode_tiff(image: npt.NDArray[Any]) -> bytes:
    """Return an image as the bytes of a TIFF file."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, image)
    return stream.getvalue()


def start_service(home: Path, **environment: str) -> LiveService:
    """Start ``deepflash serve`` on a free port and wait for its ready line."""
    begin = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "deepflash_service.cli", "serve", "--no-browser"],
        env={**os.environ, "DEEPFLASH_HOME": str(home), "PYTHONUNBUFFERED": "", **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line.startswith(READY):
        process.kill()
        process.communicate()
        pytest.fail(f"no ready line, but {line!r}")
    url = line.removeprefix(READY)
    assert httpx.get(f"{url}/api/v1/live", trust_env=False).json() == {"status": "live"}
    seconds = time.monotonic() - begin
    lines = [line, process.stdout.readline().strip()]
    process.stdout.close()
    facts = json.loads((home / "service.json").read_text(encoding="utf-8"))
    return LiveService(home, process, url, facts["token"], lines, seconds)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., LiveService]]:
    """Return a function that starts a service on one temporary home; all end with the test."""
    started: list[LiveService] = []

    def begin(**environment: str) -> LiveService:
        started.append(start_service(tmp_path / "home", **environment))
        return started[-1]

    yield begin
    log = tmp_path / "home" / "service.log"
    faults = [line for line in log.read_text("utf-8").splitlines() if "supervision failed" in line]
    for service in started:
        workers = service.list_workers()
        service.client.close()
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait(30)
        for worker in workers:
            worker.kill()
    assert faults == []


@pytest.fixture(scope="module")
def quiet_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """Return a service that all tests of a module share; it never runs a job."""
    service = start_service(tmp_path_factory.mktemp("quiet") / "home")
    yield service
    service.client.close()
    service.process.kill()
    service.process.wait(30)


@pytest.fixture
def live_service(start: Callable[[], LiveService]) -> LiveService:
    """Return a running service with a fresh home folder."""
    return start()


@pytest.fixture(scope="session")
def tiny_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home folder with the untrained model ``tiny``, to be copied."""
    code = """
import sys
from pathlib import Path
from deepflash_service.network.architecture import build_network
from deepflash_service.network.weights import write_weights
from deepflash_service.records import ModelCard, NetworkCard
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.models import publish_model, stage_model
home = Path(sys.argv[1])
prepare_home(home)
card = ModelCard(name="tiny", network=NetworkCard(filters=4, depth=1))
with stage_model(home) as folder:
    write_weights(build_network(card.network), folder / "member-1.weights.h5")
    publish_model(home, folder, card=card)
"""
    home = tmp_path_factory.mktemp("library") / "home"
    subprocess.run([sys.executable, "-c", code, home], check=True, capture_output=True)
    return home


@pytest.fixture
def tiny_model(tmp_path: Path, tiny_library: Path) -> Path:
    """Put the untrained model ``tiny`` into the library of the temporary home folder."""
    return shutil.copytree(tiny_library, tmp_path / "home", dirs_exist_ok=True)


@pytest.fixture
def picture(tmp_path: Path) -> bytes:
    """Return a TIFF of 256 x 256 pixels of noise."""
    path = tmp_path / "picture.tif"
    noise = np.random.default_rng(0).integers(0, 60_000, (256, 256), dtype=np.uint16)
    tifffile.imwrite(path, noise)
    return path.read_bytes()
