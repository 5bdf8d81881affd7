"""The service as a process: start, guard, end."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.integration.service.conftest import LiveService, await_that

HEAVY = ("tensorflow", "keras", "openvino", "libjvm", "numpy", "scipy", "skimage")


def _exchange(service: LiveService, request: bytes) -> bytes:
    """Send raw bytes and return everything that comes back."""
    parts = urlsplit(service.url)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
            head, _, body = received.partition(b"\r\n\r\n")
            if b"Content-Length: " in head and body:
                length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
                if len(body) >= length:
                    break
    return received


def test_the_service_is_light(quiet_service: LiveService) -> None:
    """It tells its address, writes its owner-only file, and maps no engine into its memory."""
    facts = json.loads((quiet_service.home / "service.json").read_text(encoding="utf-8"))
    assert facts["url"] == quiet_service.url
    assert facts["pid"] == quiet_service.process.pid
    assert set(facts) == {"url", "token", "pid", "version", "api"}
    if os.name == "posix":
        mode = (quiet_service.home / "service.json").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
    assert quiet_service.lines[1].startswith(f"Dashboard: {quiet_service.url}/login#")
    await_that(lambda: quiet_service.client.get("/ready").status_code == 200)
    for path in ("info", "jobs", "models", "datasets"):
        assert quiet_service.client.get(path).status_code == 200
    maps = {Path(one.path).name for one in psutil.Process(facts["pid"]).memory_maps()}
    engines = [name for name in maps if any(word in name for word in ("tensorflow", "openvino"))]
    assert engines == []


@pytest.mark.alone
def test_the_service_answers_within_a_second(start: Callable[[], LiveService]) -> None:
    """From the start of the process to the answer of /live; best of eight."""
    seconds = [1.0]
    while min(seconds) >= 1.0 and len(seconds) <= 8:
        service = start()
        seconds.append(service.seconds_to_live)
        service.end()
    assert min(seconds) < 1.0, seconds


def test_importing_the_application_loads_no_array_library() -> None:
    """Not even numpy is loaded before the first image arrives."""
    code = (
        "import sys, deepflash_service.web.server; "
        f"print(sorted({{n.partition('.')[0] for n in sys.modules}} & set({HEAVY!r})))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_second_service_on_the_same_home_is_refused(live_service: LiveService) -> None:
    """The sentence names the address and the process; the first service goes on."""
    command = [sys.executable, "-m", "deepflash_service.cli", "serve", "--no-browser"]
    command += ["--home", str(live_service.home)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 1
    assert live_service.url in result.stderr
    assert str(live_service.process.pid) in result.stderr
    assert "Traceback" not in result.stderr
    assert live_service.client.get("live").status_code == 200
    assert (live_service.home / "service.json").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_cleanly(live_service: LiveService, number: int) -> None:
    """Exit code 0, no runtime file, no temporary files; a new service can start at once."""
    assert live_service.end(number) == 0
    assert not (live_service.home / "service.json").exists()
    assert not (live_service.home / "tmp").exists()


def test_a_killed_service_is_replaced(start: Callable[[], LiveService]) -> None:
    """After kill -9 a stale runtime file does not keep the next service from starting."""
    first = start()
    first.process.kill()
    first.process.wait(30)
    assert (first.home / "service.json").exists()
    second = start()
    assert second.token != first.token
    assert second.client.get("live").status_code == 200
    assert (
        httpx.get(
            f"{second.url}/api/v1/info", headers={"Authorization": f"Bearer {first.token}"}
        ).status_code
        == 401
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("Host: evil.example\r\n", 403),
        ("Host: 127.0.0.1\r\nOrigin: http://evil.example\r\n", 403),
        ("Host: 127.0.0.1\r\n", 401),
        ("Host: 127.0.0.1\r\nExpect: 100-continue\r\n", 401),
        ("", 403),
    ],
)
def test_refused_uploads_are_not_kept(
    quiet_service: LiveService, *, headers: str, status: int
) -> None:
    """A request that is not let in is answered as a problem, and its body is stored nowhere."""
    body = b"x" * 3_000_000
    head = f"PUT /api/v1/datasets/d/images/a.tif HTTP/1.1\r\n{headers}"
    raw = f"{head}Content-Length: {len(body)}\r\n\r\n".encode()
    answer = _exchange(quiet_service, raw if "Expect" in headers else raw + body)
    assert answer.startswith(f"HTTP/1.1 {status}".encode())
    assert b"application/problem+json" in answer
    assert b'"code"' in answer
    assert list((quiet_service.home / "tmp").iterdir()) == []


def test_a_body_over_the_limit_is_a_problem(quiet_service: LiveService) -> None:
    """The server refuses by the announced length, before anything is sent."""
    raw = (
        "PUT /api/v1/datasets/d/images/a.tif HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {quiet_service.token}\r\nContent-Length: 99000000000\r\n\r\n"
    )
    answer = _exchange(quiet_service, raw.encode())
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code": "too_large"' in answer


@pytest.mark.parametrize(
    "raw",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n", b"\x16\x03\x01\r\n\r\n"],
)
def test_what_is_no_http_is_answered_and_survived(quiet_service: LiveService, raw: bytes) -> None:
    """Broken requests do not harm the service."""
    assert b"400" in _exchange(quiet_service, raw).split(b"\r\n")[0]
    assert quiet_service.client.get("live").status_code == 200


def test_chunked_uploads_work(quiet_service: LiveService) -> None:
    """A client that does not know the length beforehand may stream (Java does)."""
    dataset = quiet_service.client.post("/datasets", json={"name": "x"}).json()["id"]
    answer = quiet_service.client.put(
        f"/datasets/{dataset}/images/a.tif", content=iter([b"no ", b"picture"])
    )
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_image"


def test_many_readers_do_not_block_each_other(quiet_service: LiveService) -> None:
    """Forty open connections that send nothing leave the service responsive."""
    parts = urlsplit(quiet_service.url)
    assert parts.hostname is not None
    idle = [
        socket.create_connection((parts.hostname, parts.port or 0), timeout=10) for _ in range(40)
    ]
    try:
        answer = httpx.get(f"{quiet_service.url}/api/v1/live", timeout=5, trust_env=False)
        assert answer.status_code == 200
    finally:
        for one in idle:
            one.close()
