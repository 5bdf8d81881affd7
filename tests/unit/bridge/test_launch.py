"""Finding and starting a service, with a stand-in for ``deepflash serve``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deepflash_service.bridge import connect, launch
from deepflash_service.bridge.launch import (
    Address,
    find_service,
    read_address,
    start_service,
    stop_service,
)
from deepflash_service.errors import InputError, ServiceUnreachableError, SetupError

if TYPE_CHECKING:
    from tests.unit.bridge.conftest import FakeService

STAND_IN = """
import json, os, pathlib, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
home = pathlib.Path(sys.argv[sys.argv.index("--home") + 1])
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"status": "live", "api": 1, "version": "0", "pid": os.getpid()}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *values): pass
server = HTTPServer(("127.0.0.1", 0), Handler)
url = f"http://127.0.0.1:{server.server_address[1]}"
(home / "service.json").write_text(json.dumps({"url": url, "token": "t", "pid": os.getpid()}))
print("argv", sys.argv[1:], flush=True)
server.serve_forever()
"""


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let the launcher run a script of this test instead of Python's own module."""
    script = tmp_path / "serve.py"
    runner = tmp_path / "python"
    runner.write_text(f'#!/bin/sh\nshift 2\nexec "{sys.executable}" "{script}" "$@"\n')
    runner.chmod(0o755)
    monkeypatch.setattr("deepflash_service.bridge.launch.sys.executable", str(runner))
    script.write_text(STAND_IN)
    return script


def write_runtime_file(home: Path, **facts: Any) -> None:
    """Write service.json."""
    home.mkdir(exist_ok=True)
    (home / "service.json").write_text(json.dumps(facts))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": "http://x"}', '{"url":"","pid":"x"}'])
def test_a_damaged_runtime_file_is_no_service(tmp_path: Path, text: str) -> None:
    """A half-written or foreign file does not stop anybody."""
    (tmp_path / "service.json").write_text(text)
    assert read_address(tmp_path) is None


def test_a_stale_runtime_file_is_no_service(tmp_path: Path) -> None:
    """After a crash the file names a port where nobody listens."""
    write_runtime_file(tmp_path, url="http://127.0.0.1:9", token="t", pid=1)
    assert read_address(tmp_path) == Address("http://127.0.0.1:9", "t", 1)
    assert find_service(tmp_path) is None
    with pytest.raises(ServiceUnreachableError, match=r"http://127\.0\.0\.1:9"):
        connect(home=tmp_path, start=False)


def test_a_running_service_is_found(fake: FakeService, tmp_path: Path) -> None:
    """The token of the runtime file is used; nothing is started."""
    write_runtime_file(tmp_path, url=fake.url, token="from file", pid=1)
    with connect(home=tmp_path) as service:
        assert service.info()["api"] == 1
        assert not service.is_started_here
    assert fake.asked[-1].headers["Authorization"] == "Bearer from file"
    assert "Authorization" not in fake.asked[0].headers, "the token is shown to the service only"


def test_a_service_elsewhere_needs_its_own_token(fake: FakeService, tmp_path: Path) -> None:
    """The token of the home folder is not given to another address."""
    write_runtime_file(tmp_path, url="http://127.0.0.1:9", token="secret", pid=1)
    with pytest.raises(InputError, match="token"):
        connect(home=tmp_path, url=fake.url)
    assert fake.asked == []
    with connect(home=tmp_path, url=fake.url, token="other") as service:
        assert service.url == fake.url


def test_versions_that_do_not_fit_are_refused(fake: FakeService, tmp_path: Path) -> None:
    """Both versions are named."""
    fake.answer("GET", "/info", {"service": "deepflash", "version": "9.0", "api": 9})
    write_runtime_file(tmp_path, url=fake.url, token="t", pid=1)
    with pytest.raises(ServiceUnreachableError, match=r"service 9\.0 .*API 9") as caught:
        connect(home=tmp_path)
    assert caught.value.code == "version_mismatch"


def test_a_service_is_started_and_ended(stand_in: Path, tmp_path: Path) -> None:
    """It runs on the home folder, without a browser, and ends when asked to."""
    assert stand_in.is_file()
    home = tmp_path / "new" / "home"
    service = connect(home=home)
    assert service.is_started_here
    output = (home / "launch.log").read_text()
    assert f"argv ['serve', '--no-browser', '--home', '{home}']" in output
    with connect(home=home) as second:
        assert not second.is_started_here
    service.close()
    assert service.shutdown_if_started()
    assert find_service(home) is None
    assert not service.shutdown_if_started(), "it has ended already"


def test_a_service_that_fails_to_start_says_why(stand_in: Path, tmp_path: Path) -> None:
    """The end of its output is part of the sentence; waiting stops at once."""
    stand_in.write_text("import sys; sys.exit('deepflash: the port is taken')")
    start = time.monotonic()
    with pytest.raises(SetupError, match="the port is taken") as caught:
        start_service(tmp_path / "home")
    assert caught.value.code == "service_not_started"
    assert time.monotonic() - start < 20


def test_a_service_that_never_answers_is_ended(stand_in: Path, tmp_path: Path) -> None:
    """No process is left behind after the deadline."""
    stand_in.write_text("import time; time.sleep(60)")
    with pytest.raises(SetupError, match="printed nothing"):
        start_service(tmp_path / "home", timeout=0.5)
    assert launch._children == []


def test_another_program_that_was_faster_is_used(
    stand_in: Path, fake: FakeService, tmp_path: Path
) -> None:
    """Two programs start a service at once: the loser uses the winner's."""
    stand_in.write_text("import sys; sys.exit('a service runs already')")
    home = tmp_path / "home"
    write_runtime_file(home, url=fake.url, token="t", pid=1)
    address, is_ours = start_service(home)
    assert (address.url, is_ours) == (fake.url, False)


def test_only_own_processes_are_ended() -> None:
    """The process id of somebody else is left alone."""
    assert not stop_service(1)


def test_a_home_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """The path of the folder is named."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be used"):
        start_service(tmp_path / "file" / "home")
