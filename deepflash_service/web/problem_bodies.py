"""Bodies of application/problem+json; needs nothing but the standard library."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBLEM_TYPE = "application/problem+json"
_HTTP_FAULTS = {
    400: ("bad_request", "The request cannot be read. Compare it with docs/http-api.md."),
    404: ("not_found", "There is nothing at this address. The routes are in docs/http-api.md."),
    405: (
        "method_not_allowed",
        "This address does not take this method. The routes are in docs/http-api.md.",
    ),
    408: ("timeout", "The request did not arrive in time. Send it again."),
    413: (
        "too_large",
        "The request is larger than this service accepts (see limits in /api/v1/info). "
        "Send fewer or smaller files.",
    ),
    415: (
        "unsupported_media_type",
        "This address takes another content type. The types are in docs/http-api.md.",
    ),
    431: ("too_large", "The headers of the request are too large. Send fewer of them."),
}


def encode_problem(
    status: int, code: str, *, message: str, details: Mapping[str, Any] | None = None
) -> bytes:
    """Return the body of a problem."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": message,
        "details": dict(details or {}),
    }
    return json.dumps(body, ensure_ascii=False, default=str).encode() + b"\n"


def describe_http_fault(status: int) -> tuple[str, str]:
    """Return code and sentence of a fault that the HTTP layer itself found."""
    return _HTTP_FAULTS.get(
        status, (HTTPStatus(status).name.lower(), "The request cannot be served.")
    )
