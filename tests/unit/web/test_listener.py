"""The parser that judges a request by its headers."""

from __future__ import annotations

from typing import Any

import pytest
from waitress.adjustments import Adjustments

from deepflash_service.web.listener import GuardedParser
from deepflash_service.web.security import Access

BODY = b"x" * 4_000_000


def _parse(headers: str, body: bytes, *, is_chunked: bool = False) -> Any:
    parser = GuardedParser(Adjustments(), access=Access(token="secret"))
    length = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {len(body)}"
    data = f"PUT /api/v1/datasets/d/images/a HTTP/1.1\r\n{headers}{length}\r\n\r\n".encode()
    data += b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if is_chunked else body
    while data and not parser.completed:
        data = data[parser.received(data[:8192]) :]
    return parser


@pytest.mark.parametrize("is_chunked", [False, True])
def test_the_body_of_a_refused_request_is_not_kept(*, is_chunked: bool) -> None:
    """It is read to the end, so that the client sees the answer, but takes no space."""
    parser = _parse("Host: evil.example\r\n", BODY, is_chunked=is_chunked)
    assert parser.completed
    assert parser.error.code == "foreign_host"
    assert parser.get_body_stream().read() == b""


@pytest.mark.parametrize("is_chunked", [False, True])
def test_the_body_of_an_accepted_request_is_kept(*, is_chunked: bool) -> None:
    """Whoever holds the token is read as always."""
    headers = "Host: localhost\r\nAuthorization: Bearer secret\r\n"
    parser = _parse(headers, BODY, is_chunked=is_chunked)
    assert parser.error is None
    assert parser.get_body_stream().read() == BODY
    parser.close()


def test_a_client_that_asks_first_is_refused_at_once() -> None:
    """With ``Expect: 100-continue`` the body is never sent."""
    parser = _parse("Host: localhost\r\nExpect: 100-continue\r\n", BODY)
    assert parser.completed
    assert parser.error.code == "unauthorized"
    assert parser.body_bytes_received == 0
