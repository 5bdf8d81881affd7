"""A fake service: real HTTP on the loopback address, answers written by the test."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deepflash_service.bridge.service import Service
from deepflash_service.bridge.transport import Transport

INFO = {"service": "deepflash", "version": "0.1.0", "api": 1, "pid": 1}


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeService:
    """Answers by method and path (with query); the last of several is repeated.

    A path that contains `slow` is answered when the gate is opened.
    """

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    slow: str = ""
    answers: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=dict)

    def answer(self, method: str, path: str, *bodies: Any, status: int = 200) -> None:
        """Set what `path` below the prefix answers, one body for each time it is asked."""
        self.answers[method, "/api/v1" + path] = [(status, body) for body in bodies]

    def next_answer(self, method: str, path: str) -> tuple[int, Any]:
        """Return status and body for a request."""
        found = self.answers.get((method, path))
        if found is None:
            return 404, {"code": "not_found", "detail": f"no route {method} {path}"}
        return found.pop(0) if len(found) > 1 else found[0]


class _Handler(BaseHTTPRequestHandler):
    fake: FakeService
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.fake.asked.append(Asked(self.command, self.path, dict(self.headers), body))
        if self.fake.slow and self.fake.slow in self.path:
            self.fake.gate.wait(10)
        status, content = self.fake.next_answer(self.command, self.path)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names that http.server asks for

    def log_message(self, *values: object) -> None:
        """Stay silent."""


@pytest.fixture
def fake() -> Iterator[FakeService]:
    """Return a running fake service."""
    service = FakeService()
    handler = type("Handler", (_Handler,), {"fake": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    service.answer("GET", "/live", {"status": "live"})
    service.answer("GET", "/info", INFO)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield service
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(fake: FakeService) -> Iterator[Service]:
    """Return a client of the fake service."""
    with Service(Transport(fake.url, "secret", timeout=5)) as service:
        yield service


def write_jar(path: Path, *, java: int = 8) -> Path:
    """Write a jar with one class file of the given Java version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/versions/9/A.class", b"\xca\xfe\xba\xbe\0\0\0\x63")
        archive.writestr("A.class", b"\xca\xfe\xba\xbe\0\0" + (java + 44).to_bytes(2, "big"))
    return path


@pytest.fixture
def make_jar() -> Callable[..., Path]:
    """Return the function that writes a jar."""
    return write_jar


@pytest.fixture
def make_fiji(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that lays out a Fiji folder, with or without what pyimagej needs."""

    def make(*, with_pyimagej: bool = False, java: int = 8) -> Path:
        fiji = tmp_path / ("complete" if with_pyimagej else "plain") / "Fiji.app"
        write_jar(fiji / "jars" / "ij-1.54p.jar")
        (fiji / "plugins").mkdir()
        if with_pyimagej:
            for name in ("imglib2-imglyb-1.1.0", "imglib2-unsafe-1.0", "imagej-legacy-2.0.3"):
                write_jar(fiji / "jars" / f"{name}.jar", java=java)
        return fiji

    return make
