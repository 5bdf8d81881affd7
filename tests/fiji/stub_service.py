"""A service of a few lines that segments nothing and fails as it is told to.

How to fail is told by the token, ``MODE@STAGE``, so that one service serves a whole session.
"""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

INFO = {"service": "deepflash", "version": "0.1.0", "api": 1, "device": {"name": "none"}}
MODEL = {"name": "Stub", "version": 1, "target": "cFOS", "network": {"channels": 1}}
PROBLEM = {"code": "internal_error", "detail": "The disk is on strike."}
STAGES = {
    "info": "GET /api/v1/info",
    "models": "GET /api/v1/models",
    "submit": "POST /api/v1/segmentations",
    "job": "GET /api/v1/jobs/j1",
    "rois": "GET /api/v1/jobs/j1/results/RoiSet.zip",
    "table": "GET /api/v1/jobs/j1/results/rois.csv",
}
"""The requests of a segmentation, in their order."""
PAIRS = "GET /api/v1/datasets/d1/pairs?verdicts=true"
LOG = "GET /api/v1/jobs/j1/log"
LIVE = "GET /api/v1/live"
VERDICTS = {
    "verdicts": [{"image": "x.tif", "expert": "a", "file": "x.tif", "verdict": "fits"}],
    "pairwise": [{"a": "a", "b": "b", "f1": 0.5}],
}
CANCEL = "DELETE /api/v1/jobs/j1"
MERGE = {
    "list": "GET /api/v1/datasets/d1/pairs",
    "consensus": "GET /api/v1/datasets/d1/consensus/x.tif?method=auto",
    "agreement": "GET /api/v1/datasets/d1/agreement",
}
"""What the service works at when experts are merged, in its order."""
LIST = {"pairs": [{"image": "x.tif", "experts": ["a", "b"]}], "warnings": []}
_BY_NAME = {**STAGES, **MERGE, "pairs": PAIRS, "log": LOG, "cancel": CANCEL}


def pack_rois(rois: Sequence[bytes]) -> bytes:
    """Return a ROI set."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, roi in enumerate(rois, 1):
            archive.writestr(f"roi-{number:04d}.roi", roi)
    return packed.getvalue()


class StubService(ThreadingHTTPServer):
    """Answers a segmentation with given ROIs, or fails at the stage that the token names."""

    daemon_threads = True

    def __init__(self, rois: Sequence[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, bytes] = {
            STAGES["info"]: json.dumps(INFO).encode(),
            STAGES["models"]: json.dumps({"models": [MODEL]}).encode(),
            STAGES["submit"]: json.dumps({"id": "j1", "state": "queued"}).encode(),
            STAGES["job"]: json.dumps({"id": "j1", "state": "done", "model": "Stub@1"}).encode(),
            STAGES["rois"]: pack_rois(rois),
            STAGES["table"]: b"ROI,Area px\n",
            "GET /api/v1/jobs": b'{"jobs": []}',
            "POST /api/v1/datasets": b'{"id": "d1"}',
            PAIRS: json.dumps(VERDICTS).encode(),
            MERGE["list"]: json.dumps(LIST).encode(),
            MERGE["consensus"]: b"a consensus",
            MERGE["agreement"]: json.dumps(VERDICTS).encode(),
            CANCEL: b"{}",
        }
        self.requests: list[str] = []
        self.frozen = threading.Event()
        self.answered = 0.0
        """When the last byte of the latest answer was written, by the clock of the computer."""

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def vanish(self) -> None:
        """Close the port, as when the process is killed."""
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Keep quiet about clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StubService

    def _serve(self) -> None:
        request = f"{self.command} {self.path}"
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(request)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        mode, _, stage = token.partition("@")
        if _BY_NAME.get(stage) == request:
            getattr(self, f"_{mode}")(self.server.answers[request])
        else:
            self._send(200, self.server.answers.get(request, b"{}"))

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

    def _send(self, status: int, body: bytes, *, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.server.answered = time.time()

    def _fail(self, _: bytes) -> None:
        self._send(500, json.dumps(PROBLEM).encode())

    def _garble(self, _: bytes) -> None:
        self._send(200, b"<html>a proxy says hello</html>")

    def _age(self, _: bytes) -> None:
        self._send(200, json.dumps({**INFO, "version": "9.0", "api": 2}).encode())

    def _freeze(self, _: bytes) -> None:
        self.server.frozen.wait(60)

    def _toil(self, answer: bytes) -> None:
        """Answer when somebody has asked three times whether the service lives."""
        while self.server.requests.count(LIVE) < 3 and not self.server.frozen.wait(0.05):
            pass
        self._send(200, answer)

    def _drop(self, _: bytes) -> None:
        self.close_connection = True

    def _cut(self, answer: bytes) -> None:
        self._send(200, answer[:10], length=len(answer) + 1000)
        self.close_connection = True

    def _vanish(self, _: bytes) -> None:
        """Answer that the job runs, and be gone from then on."""
        self._send(200, b'{"id": "j1", "state": "running", "current": 1, "maximum": 4}')
        self.close_connection = True
        threading.Thread(target=self.server.vanish, daemon=True).start()

    def log_message(self, *_: Any) -> None:
        """Write no log."""


@contextmanager
def serve_stub(rois: Sequence[bytes] = ()) -> Iterator[StubService]:
    """Run a stub in a thread."""
    with StubService(rois) as stub:
        threading.Thread(target=stub.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield stub
        finally:
            stub.frozen.set()
            stub.vanish()
