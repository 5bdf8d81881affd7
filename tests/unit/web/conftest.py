"""A service without network and without engines: real routes, jobs and workflows, fake model."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from deepflash_service.jobs.supervisor import Supervisor
from deepflash_service.records import ModelCard
from deepflash_service.settings import Settings
from deepflash_service.store import models
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.mailbox import Mailbox, WorkerRole, create_mailbox, request_quit
from deepflash_service.web.app import create_app
from deepflash_service.web.context import ServiceContext
from deepflash_service.web.security import Access
from deepflash_service.worker import serve_mailbox
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.model_cache import ModelCache
from deepflash_service.workflows.prediction import LoadedModel

TOKEN = "the-token"


class ThreadWorker:
    """The real loop of a worker, in a thread of the test."""

    def __init__(self, home: Path, role: WorkerRole) -> None:
        self.mailbox: Mailbox = create_mailbox(home, f"{role}-{id(self):x}")
        self._thread = threading.Thread(
            target=serve_mailbox, args=(home, self.mailbox), kwargs={"role": role}, daemon=True
        )
        self._thread.start()

    def is_alive(self) -> bool:
        """Say whether the loop runs."""
        return self._thread.is_alive()

    def read_exit_code(self) -> int | None:
        """Return that nothing is known."""
        return None

    def kill(self) -> None:
        """End the loop."""
        request_quit(self.mailbox)
        self._thread.join(10)


class BufferedClient(FlaskClient):
    """Reads each answer whole, so that no result file stays open."""

    def open(self, *arguments: Any, **options: Any) -> TestResponse:
        """Send a request."""
        return super().open(*arguments, **{"buffered": True, **options})


@dataclass
class Service:
    """One application with its parts."""

    home: Path
    app: APIFlask
    access: Access
    supervisor: Supervisor
    workers: list[ThreadWorker]

    def client(self, **headers: str) -> FlaskClient:
        """Return a client that sends the token (and the given headers)."""
        return self.anonymous(Authorization=f"Bearer {TOKEN}", **headers)

    def anonymous(self, **headers: str) -> FlaskClient:
        """Return a client that sends only the given headers."""
        client = self.app.test_client()
        for name, value in headers.items():
            client.environ_base[f"HTTP_{name.upper().replace('-', '_')}"] = value
        return client

    def list_tree(self) -> set[str]:
        """Return every file and folder of the home folder that a request could leave."""
        skip = ("deepflash.sqlite", "workers")
        paths = {path.relative_to(self.home).as_posix() for path in self.home.rglob("*")}
        return {path for path in paths if not path.startswith(skip)}


def _load_fake(_cache: ModelCache, reference: str) -> LoadedModel:
    def predict(image: Any, hooks: Hooks) -> npt.NDArray[np.float32]:
        hooks.check()
        return (np.asarray(image) > 100).astype(np.float32)

    card = ModelCard(name=reference.partition("@")[0])
    return LoadedModel(reference, card, predict, device="fake", engine="none", precision="float32")


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Return a running service with the model ``tiny`` whose workers are threads."""
    monkeypatch.setattr(ModelCache, "load", _load_fake)
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)
    home = tmp_path / "home"
    prepare_home(home)
    workers: list[ThreadWorker] = []

    def launch(folder: Path, role: WorkerRole) -> ThreadWorker:
        workers.append(ThreadWorker(folder, role))
        return workers[-1]

    with models.stage_model(home) as folder:
        (folder / "member-1.weights.h5").write_bytes(b"no weights")
        models.publish_model(home, folder, card=ModelCard(name="tiny"))
    supervisor = Supervisor(home, launch=launch)
    supervisor.start()
    access = Access(token=TOKEN)
    settings = Settings(home=home, body_bytes=8 * 1024**2, options_bytes=4096, min_free_bytes=0)
    app = create_app(ServiceContext(settings, supervisor, access))
    app.test_client_class = BufferedClient
    yield Service(home, app, access, supervisor, workers)
    supervisor.close()
    for worker in workers:
        worker.kill()


def encode_tiff(image: npt.NDArray[Any]) -> bytes:
    """Return an image as the bytes of a TIFF file."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, image)
    return stream.getvalue()


@pytest.fixture(scope="session")
def two_spots() -> bytes:
    """Return a TIFF of 48 x 40 pixels with two bright squares."""
    image = np.zeros((48, 40), np.uint16)
    image[5:15, 5:15] = 1000
    image[30:40, 20:30] = 2000
    return encode_tiff(image)
