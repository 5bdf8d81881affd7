"""The waitress server, with refusals before the body and problems instead of plain text."""

from __future__ import annotations

import io
import time
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ErrorTask

from deepflash_service.web.problem_bodies import PROBLEM_TYPE, describe_http_fault, encode_problem
from deepflash_service.web.security import Access, Refusal, RequestFacts, judge_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event
    from wsgiref.types import WSGIApplication

    from deepflash_service.settings import Settings

_THREADS = 16
_CONNECTIONS = 200
_LOOK_SECONDS = 1.0
_DRAIN_SECONDS = 5.0


class _Nowhere:
    """Takes the body of a refused request without keeping it."""

    def __init__(self) -> None:
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, data: bytes) -> None:
        self._length += len(data)

    def getfile(self) -> io.BytesIO:
        return io.BytesIO()

    def close(self) -> None:
        """Nothing is open."""


class GuardedParser(HTTPRequestParser):  # type: ignore[misc] # waitress is not typed
    """Judges a request by its headers; the body of a refused one is read, but kept nowhere.

    So a foreign page cannot fill the disk, and a client with a wrong token still reads the
    answer instead of seeing its connection break in the middle of an upload.
    """

    error: Any
    expect_continue: bool

    def __init__(self, adj: Any, *, access: Access) -> None:
        super().__init__(adj)
        self._access = access
        self._refusal: Refusal | None = None

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the headers, then judge them."""
        super().parse_header(header_plus)
        if not getattr(self, "command", ""):
            return
        headers = self.headers
        facts = RequestFacts(
            method=self.command,
            path=unquote(self.path),
            host=headers.get("HOST", ""),
            origin=headers.get("ORIGIN", ""),
            fetch_site=headers.get("SEC_FETCH_SITE", ""),
            authorization=headers.get("AUTHORIZATION", ""),
            cookie=headers.get("COOKIE", ""),
        )
        self._refusal = judge_request(facts, self._access)
        if self._refusal is None:
            return
        receiver: Any = self.body_rcv
        if receiver is not None:
            receiver.buf = _Nowhere()
        if self.expect_continue:
            self.expect_continue = False
            self.error = self._refusal
            self.completed = True

    def received(self, data: bytes) -> int:
        """Take the next bytes; a refusal takes effect when the request is complete."""
        consumed = int(super().received(data))
        if self.completed and self._refusal is not None and self.error is None:
            self.error = self._refusal
        return consumed


class ProblemTask(ErrorTask):  # type: ignore[misc] # waitress is not typed
    """Answers what never reaches the application with problem+json."""

    def execute(self) -> None:
        """Write the answer and close the connection."""
        fault = self.request.error
        if isinstance(fault, Refusal):
            status, code, message = fault.status, fault.code, fault.message
        else:
            status = int(fault.code)
            code, message = describe_http_fault(status)
        body = encode_problem(status, code, message=message)
        self.status = f"{status} {HTTPStatus(status).phrase}"
        headers = [("Content-Type", PROBLEM_TYPE), ("Cache-Control", "no-store")]
        if status == HTTPStatus.UNAUTHORIZED:
            headers.append(("WWW-Authenticate", "Bearer"))
        self.response_headers.extend(headers)
        self.set_close_on_finish()
        self.content_length = len(body)
        is_head = getattr(self.request, "command", "") == "HEAD"
        self.write(b"" if is_head else body)


class GuardedChannel(HTTPChannel):  # type: ignore[misc] # waitress is not typed
    """A connection whose requests are judged by their headers."""

    error_task_class = ProblemTask

    def __init__(self, *arguments: Any, access: Access, **options: Any) -> None:
        self.parser_class = partial(GuardedParser, access=access)
        super().__init__(*arguments, **options)


class Listener:
    """The listening socket and its loop.

    Parameters
    ----------
    app : callable
        The WSGI application.
    settings : Settings
        Address and limits.
    access : Access
        Keys of the service.
    """

    def __init__(self, app: WSGIApplication, *, settings: Settings, access: Access) -> None:
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._sockets,
            host=settings.host,
            port=settings.port,
            threads=_THREADS,
            connection_limit=_CONNECTIONS,
            max_request_body_size=settings.body_bytes + 1,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self._server.channel_class = partial(GuardedChannel, access=access)

    @property
    def port(self) -> int:
        """The port that was taken."""
        return int(self._server.effective_port)

    def wake(self) -> None:
        """Make the loop look at its end flag now; may be called by a signal handler."""
        self._server.pull_trigger()

    def run(self, ending: Event, *, on_end: Callable[[], None]) -> None:
        """Serve until `ending` is set, call `on_end`, then finish the answers under way."""
        while not ending.is_set():
            wasyncore.loop(timeout=_LOOK_SECONDS, map=self._sockets, count=1)
        on_end()
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self._is_busy() and time.monotonic() < deadline:
            wasyncore.loop(timeout=0.02, map=self._sockets, count=1)
        self._server.task_dispatcher.shutdown()
        self._server.close()

    def _is_busy(self) -> bool:
        return any(
            getattr(channel, "requests", None) or getattr(channel, "total_outbufs_len", 0)
            for channel in list(self._sockets.values())
        )
