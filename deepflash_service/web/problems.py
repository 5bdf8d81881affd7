"""Errors as application/problem+json; the only place that knows HTTP statuses of errors."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from apiflask import HTTPError
from flask import Response
from werkzeug.exceptions import HTTPException

from deepflash_service.errors import (
    ComputeError,
    ConflictError,
    DeepFlashError,
    InputError,
    NotFoundError,
)
from deepflash_service.web.problem_bodies import (
    PROBLEM_TYPE,
    describe_http_fault,
    encode_problem,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiflask import APIFlask

    from deepflash_service.web.security import Refusal

_LOGGER = logging.getLogger(__name__)

_STATUS_OF_CODE = {
    "wrong_code": 401,
    "too_large": 413,
    "image_too_large": 413,
    "unsupported_media_type": 415,
    "bad_request": 400,
    "not_ready": 503,
    "service_stopping": 503,
    "disk_full": 507,
    "disk_fault": 507,
}
_STATUS_OF_CLASS: tuple[tuple[type[DeepFlashError], int], ...] = (
    (InputError, 422),
    (NotFoundError, 404),
    (ConflictError, 409),
    (ComputeError, 500),
)


def make_problem(
    status: int, code: str, *, message: str, details: Mapping[str, Any] | None = None
) -> Response:
    """Return a problem as a response."""
    body = encode_problem(status, code, message=message, details=details)
    return Response(body, status=status, content_type=PROBLEM_TYPE)


def make_refusal(refusal: Refusal) -> Response:
    """Return the answer to a request that is not let in."""
    response = make_problem(refusal.status, refusal.code, message=refusal.message)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def find_status(error: DeepFlashError) -> int:
    """Return the HTTP status of an error of the product."""
    if error.code in _STATUS_OF_CODE:
        return _STATUS_OF_CODE[error.code]
    return next((status for kind, status in _STATUS_OF_CLASS if isinstance(error, kind)), 500)


def register_problems(app: APIFlask) -> None:
    """Make the application answer every error as a problem."""
    app.register_error_handler(DeepFlashError, _answer_own)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unexpected)
    app.error_processor(_answer_validation)


def _answer_own(error: DeepFlashError) -> Response:
    status = find_status(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOGGER.error("%s: %s", error.code, error.message, exc_info=error)
    return make_problem(status, error.code, message=error.message, details=error.details)


def _answer_http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        return Response(status=status, headers=error.get_headers())
    code, message = describe_http_fault(status)
    response = make_problem(status, code, message=message)
    for key, value in error.get_headers():
        if key == "Allow":
            response.headers[key] = value
    return response


def _answer_validation(error: HTTPError) -> Response:
    faults = [
        {"field": field, "fault": fault}
        for fields in (error.detail or {}).values()
        for field, texts in fields.items()
        for fault in texts
    ]
    if not faults:
        code, message = describe_http_fault(error.status_code)
        return make_problem(error.status_code, code, message=message)
    text = "; ".join(f"{fault['field']}: {fault['fault']}" for fault in faults)
    message = f"The request cannot be used: {text}. Correct the named fields."
    return make_problem(422, "invalid_options", message=message, details={"faults": faults})


def _answer_unexpected(error: Exception) -> Response:
    _LOGGER.error("unexpected fault", exc_info=error)
    message = (
        "The service failed unexpectedly; the cause is in service.log of the home folder. "
        "Repeat the request, and report the log if it fails again."
    )
    return make_problem(500, "internal_error", message=message)
