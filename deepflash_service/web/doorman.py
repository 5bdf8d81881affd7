"""The first to answer: tells that the service lives while the application is still loading.

Loading Flask, pydantic and SQLAlchemy takes most of a second; whoever waits for the service
learns at once that it is there. Other requests wait for the application.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from deepflash_service.web.problem_bodies import PROBLEM_TYPE, encode_problem
from deepflash_service.web.security import LIVE_PATH, SAFE_METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_WAIT_SECONDS = 60.0
_LIVE = b'{"status":"live"}\n'


class Doorman:
    """A WSGI application that hands over to another one as soon as that is loaded."""

    def __init__(self) -> None:
        self._app: WSGIApplication | None = None
        self._opened = threading.Event()

    def open(self, app: WSGIApplication) -> None:
        """Hand all requests to `app` from now on."""
        self._app = app
        self._opened.set()

    def close(self) -> None:
        """Let waiting requests go: there will be no application."""
        self._opened.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        is_live = environ["PATH_INFO"] == LIVE_PATH and environ["REQUEST_METHOD"] in SAFE_METHODS
        if self._app is None and is_live:
            return _answer(start_response, "200 OK", kind="application/json", body=_LIVE)
        self._opened.wait(_WAIT_SECONDS)
        if self._app is None:
            message = "The service is still starting, or could not start. Try again in a second."
            body = encode_problem(503, "not_ready", message=message)
            return _answer(start_response, "503 Service Unavailable", kind=PROBLEM_TYPE, body=body)
        return self._app(environ, start_response)


def _answer(
    start_response: StartResponse, status: str, *, kind: str, body: bytes
) -> Iterable[bytes]:
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    start_response(status, [*headers, ("Cache-Control", "no-store")])
    return [body]
