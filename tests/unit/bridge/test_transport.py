"""Answers of the service become the errors of the package."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from deepflash_service.bridge.transport import Transport, error_of_code, quote_path
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
    from deepflash_service.bridge import Service
    from tests.unit.bridge.conftest import FakeService


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InputError),
        (401, ServiceUnreachableError),
        (403, ServiceUnreachableError),
        (404, NotFoundError),
        (409, ConflictError),
        (413, InputError),
        (415, InputError),
        (422, InputError),
        (500, ComputeError),
        (503, ServiceUnreachableError),
        (507, SetupError),
    ],
)
def test_each_status_is_a_class_of_error(
    fake: FakeService, client: Service, status: int, kind: type[DeepFlashError]
) -> None:
    """Code, sentence and details of the problem arrive in the error."""
    problem = {"code": "some_code", "detail": "What to do.", "details": {"a": 1}}
    fake.answer("GET", "/info", problem, status=status)
    with pytest.raises(kind) as caught:
        client.info()
    assert caught.value.code == "some_code"
    if status != 401:
        assert caught.value.message == "What to do."
        assert caught.value.details == {"a": 1}
    else:
        assert "refused the token" in caught.value.message


def test_an_answer_that_is_no_problem_is_still_a_sentence(
    fake: FakeService, client: Service
) -> None:
    """A foreign server answers HTML; its status and address are named."""
    fake.answer("GET", "/info", b"<html>no</html>", status=502)
    with pytest.raises(ServiceUnreachableError, match="502"):
        client.info()
    fake.answer("GET", "/info", b"<html>no</html>")
    with pytest.raises(ServiceUnreachableError, match="no DeepFLaSH service") as caught:
        client.info()
    assert caught.value.code == "foreign_service"


def test_nothing_answers() -> None:
    """The sentence is that of the Fiji plugin."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        transport = Transport(url, "t")
        with pytest.raises(ServiceUnreachableError) as caught:
            transport.get_json("info")
        transport.close()
    assert caught.value.code == "service_unreachable"
    assert str(caught.value) == (
        f"No DeepFLaSH service answers at {url}. Start it with DFL Set Up... or "
        "`deepflash serve`, then try again."
    )


def test_a_service_that_does_not_answer_is_given_up() -> None:
    """A silent service is told apart from one that is down."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        transport = Transport(f"http://127.0.0.1:{silent.getsockname()[1]}", "t", timeout=0.2)
        with pytest.raises(ServiceUnreachableError, match="stopped answering") as caught:
            transport.get_json("info")
        transport.close()
    assert caught.value.code == "service_silent"


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://127.0.0.1", "http://[::1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """No exception of the HTTP library reaches the user."""
    with pytest.raises((InputError, ServiceUnreachableError)):
        Transport(url, "t").get_json("info")


def test_requests_carry_the_token_and_no_proxy(
    fake: FakeService, client: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is a bearer token; a proxy of the environment is not asked."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    transport = Transport(fake.url, "secret")
    assert transport.get_json("info")["api"] == 1
    transport.close()
    assert client.url == fake.url
    assert fake.asked[-1].headers["Authorization"] == "Bearer secret"


def test_names_are_percent_encoded() -> None:
    """A slash, a space or an umlaut in a name stays part of the name."""
    assert quote_path("a b", "ä/ö?", "x#y") == "/api/v1/a%20b/%C3%A4%2F%C3%B6%3F/x%23y"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("cancelled", JobCancelled),
        ("invalid_image", InputError),
        ("shape_mismatch", InputError),
        ("unknown_model", NotFoundError),
        ("disk_full", SetupError),
        ("out_of_memory", ComputeError),
        ("something_new", ComputeError),
    ],
)
def test_the_code_of_a_failed_job_decides_the_class(code: str, kind: type[DeepFlashError]) -> None:
    """A job fails with the same classes as a request."""
    error = error_of_code(code, "Sentence.", {"a": 1})
    assert type(error) is kind
    assert (error.code, error.message, error.details) == (code, "Sentence.", {"a": 1})
