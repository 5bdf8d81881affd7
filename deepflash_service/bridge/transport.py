"""HTTP requests to the service, and its faults as errors of this package."""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from deepflash_service.errors import (
    ComputeError,
    ConflictError,
    DeepFlashError,
    InputError,
    JobCancelled,
    NotFoundError,
    ServiceUnreachableError,
    SetupError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

PREFIX: Final = "/api/v1"
CONNECT_SECONDS: Final = 2.0
_REFUSED: Final = frozenset({401, 403, 502, 503, 504})
_CLASS_OF_STATUS: Final[dict[int, type[DeepFlashError]]] = {
    400: InputError,
    404: NotFoundError,
    409: ConflictError,
    413: InputError,
    415: InputError,
    422: InputError,
    507: SetupError,
}
_CLASS_OF_CODE: Final[dict[str, type[DeepFlashError]]] = {
    "cancelled": JobCancelled,
    "conflict": ConflictError,
    "not_found": NotFoundError,
    "setup_fault": SetupError,
    "disk_full": SetupError,
    "shape_mismatch": InputError,
    "pairing_failed": InputError,
    "missing_part": InputError,
    "too_large": InputError,
}


def error_of_code(
    code: str, message: str, details: Mapping[str, object] | None = None
) -> DeepFlashError:
    """Return the error of a failed job (``error`` of its JSON) as an exception to raise."""
    kind = _CLASS_OF_CODE.get(code)
    if kind is None and code.startswith("invalid_"):
        kind = InputError
    if kind is None and code.startswith("unknown_"):
        kind = NotFoundError
    return (kind or ComputeError)(message, code=code, details=details)


def error_of_answer(answer: httpx.Response) -> DeepFlashError:
    """Return the problem+json of an answer from 400 on as an exception to raise.

    Parameters
    ----------
    answer : httpx.Response
        Complete answer; a body that is no JSON (a foreign server) is tolerated.
    """
    body: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        parsed = answer.json()
        body = parsed if isinstance(parsed, dict) else {}
    address = f"{answer.url.scheme}://{answer.url.netloc.decode('ascii')}"
    status = answer.status_code
    code = str(body.get("code") or f"http_{status}")
    if status == HTTPStatus.UNAUTHORIZED:
        message = (
            f"The DeepFLaSH service at {address} refused the token. Give no token to read the "
            "current one from its home folder, or restart it with `deepflash serve`."
        )
        return ServiceUnreachableError(message, code=code)
    detail = str(body.get("detail") or f"{address} answered {status} {answer.reason_phrase}.")
    kind = _CLASS_OF_STATUS.get(status, ComputeError)
    if status in _REFUSED:
        kind = ServiceUnreachableError
    details = body.get("details")
    return kind(detail, code=code, details=details if isinstance(details, dict) else None)


def quote_path(*parts: str) -> str:
    """Return the parts as a path below the API prefix, each percent-encoded."""
    return PREFIX + "".join("/" + quote(part, safe="") for part in parts)


class Transport:
    """One keep-alive connection to a service; proxies are never used.

    Parameters
    ----------
    url : str
        Address without path.
    token : str
        Bearer token of the service.
    timeout : float
        Seconds without an answer after which a request is given up.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 30.0) -> None:
        import httpx

        self.url = url.rstrip("/")
        self.timeout = timeout
        try:
            self._client = httpx.Client(
                base_url=self.url,
                headers={"Authorization": f"Bearer {token}"},
                timeout=httpx.Timeout(timeout, connect=CONNECT_SECONDS),
                trust_env=False,
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise InputError(
                f"{url!r} is no address of a service ({error}). Give one such as "
                "http://127.0.0.1:8000.",
                code="invalid_url",
            ) from None

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send one request; `request` holds further arguments of ``httpx.Client.request``.

        Raises
        ------
        ServiceUnreachableError
            Nothing answers (``service_unreachable``), not in time (``service_silent``), or
            the token is refused (``unauthorized``).
        DeepFlashError
            The class that belongs to the status of the answer.
        """
        import httpx

        extra = float(request.pop("patience", 0.0))
        if extra:
            request["timeout"] = httpx.Timeout(self.timeout + extra, connect=CONNECT_SECONDS)
        try:
            answer = self._client.request(method, path, **request)
        except (httpx.ReadTimeout, httpx.WriteTimeout) as error:
            seconds = self.timeout + extra
            raise ServiceUnreachableError(
                f"The service at {self.url} stopped answering after {seconds:.0f} s. Look into "
                "service.log of its home folder, then try again.",
                code="service_silent",
            ) from error
        except (httpx.TransportError, httpx.UnsupportedProtocol) as error:
            raise unreachable(self.url) from error
        if answer.is_error:
            raise error_of_answer(answer)
        return answer

    def get_json(self, *parts: str, **request: Any) -> dict[str, Any]:
        """GET the path made of `parts` and return its JSON object."""
        return _read_object(self.request("GET", quote_path(*parts), **request))

    def post_json(self, *parts: str, **request: Any) -> dict[str, Any]:
        """POST to the path made of `parts` and return the JSON object of the answer."""
        return _read_object(self.request("POST", quote_path(*parts), **request))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def unreachable(url: str) -> ServiceUnreachableError:
    """Return the error that says that nothing answers at `url`."""
    return ServiceUnreachableError(
        f"No DeepFLaSH service answers at {url}. Start it with DFL Set Up... or "
        "`deepflash serve`, then try again."
    )


def _read_object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ServiceUnreachableError(
            f"{answer.url} is no DeepFLaSH service: it answered {answer.status_code} without a "
            "JSON object. Check the address.",
            code="foreign_service",
        )
    return body
