"""JSON bodies that nobody can use: a plain refusal, never an internal error."""

from __future__ import annotations

import pytest

from tests.unit.web.conftest import Service

DEEP = "[" * 2000
ROUTES = [("POST", "/api/v1/datasets"), ("PUT", "/api/v1/models/tiny/labels/best")]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("body", [DEEP, '{"name": ' + DEEP, "{", b"\xff\xfe{}", ""])
def test_broken_json_is_a_bad_request(
    service: Service, method: str, path: str, body: str | bytes
) -> None:
    """Nesting beyond any use, broken syntax and broken text are the sender's faults."""
    answer = service.client().open(path, method=method, data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_json(force=True)["code"] == "bad_request"


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("POST", "/api/v1/trainings")])
def test_json_over_the_limit_is_too_large(service: Service, method: str, path: str) -> None:
    """The limit holds for every JSON body, whatever the route."""
    body = '{"name": "' + "x" * 5000 + '"}'
    answer = service.client().open(path, method=method, data=body, content_type="application/json")
    assert answer.status_code == 413
    assert answer.get_json(force=True)["code"] == "too_large"


@pytest.mark.parametrize(
    "body",
    ["", "{", "null", "[]", "{}", '{"code": 5}', '{"code": ""}', '{"cod": "x"}', DEEP, b"\xff",
     '{"code": "\\ud800"}', '{"code": "' + "x" * 300 + '"}'],
)  # fmt: skip
def test_a_login_without_a_usable_code_is_a_wrong_code(service: Service, body: str | bytes) -> None:
    """Whatever is sent in place of a code is answered like a wrong code."""
    for kind in ("application/json", "text/plain", None):
        answer = service.anonymous().post("/login", data=body, content_type=kind)
        assert answer.status_code == 401
        assert answer.get_json(force=True)["code"] == "wrong_code"
        assert "Set-Cookie" not in answer.headers
