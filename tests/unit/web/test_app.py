"""The application as a whole: every route guarded, every error a problem, one description."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from werkzeug.routing import Rule

from tests.contract.openapi_snapshot import describe_api
from tests.unit.web.conftest import Service

OPEN = {("GET", "/api/v1/live"), ("HEAD", "/api/v1/live"), ("GET", "/login"), ("HEAD", "/login")}


def _fill(rule: Rule) -> str:
    path = rule.rule
    for name in rule.arguments:
        for form in (f"<{name}>", f"<path:{name}>", f"<int:{name}>"):
            path = path.replace(form, "1")
    return path


def _walk(service: Service) -> list[tuple[str, str]]:
    rules = service.app.url_map.iter_rules()
    return [(method, _fill(rule)) for rule in rules for method in sorted(rule.methods or ())]


def test_every_route_needs_the_token(service: Service) -> None:
    """Walks the URL map: 401 without token, but for liveness and the login page."""
    routes = _walk(service)
    assert len(routes) > 60
    client = service.anonymous()
    for method, path in routes:
        answer = client.open(path, method=method)
        expected = 200 if (method, path) in OPEN else 401
        assert answer.status_code == expected, (method, path)


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("Host", "evil.example", "foreign_host"),
        ("Origin", "http://evil.example", "foreign_origin"),
        ("Sec-Fetch-Site", "cross-site", "foreign_origin"),
    ],
)
def test_every_route_refuses_foreign_pages(
    service: Service, header: str, value: str, code: str
) -> None:
    """Walks the URL map with a foreign Host, Origin or fetch site, token included: 403."""
    client = service.client()
    for method, path in _walk(service):
        answer = client.open(path, method=method, headers={header: value})
        assert answer.status_code == 403, (method, path)
        if method != "HEAD":
            assert answer.get_json(force=True)["code"] == code
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_unknown_addresses_tell_nothing_without_token(service: Service) -> None:
    """An address that does not exist is 401 without token and 404 with it."""
    assert service.anonymous().get("/api/v1/nothing").status_code == 401
    assert service.client().get("/api/v1/nothing").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/api/v1/nothing", None, 404, "not_found"),
        ("PUT", "/api/v1/jobs", None, 405, "method_not_allowed"),
        ("GET", "/api/v1/jobs/none", None, 404, "unknown_job"),
        ("GET", "/api/v1/jobs?limit=0", None, 422, "invalid_options"),
        ("GET", "/api/v1/jobs?limits=1", None, 422, "invalid_options"),
        ("GET", "/api/v1/models/none", None, 404, "unknown_model"),
        ("GET", "/api/v1/datasets/none", None, 404, "unknown_dataset"),
        ("GET", "/api/v1/schemas/none", None, 404, "not_found"),
        ("POST", "/api/v1/datasets", b"{", 400, "bad_request"),
        ("POST", "/api/v1/datasets", b"{}", 422, "invalid_options"),
        ("POST", "/api/v1/trainings", b"[]", 422, "invalid_options"),
        ("POST", "/api/v1/trainings", b"{", 400, "bad_request"),
        ("POST", "/api/v1/trainings", b" " * 5000, 413, "too_large"),
        ("POST", "/api/v1/models", b"x", 415, "unsupported_media_type"),
        ("POST", "/api/v1/segmentations", b"{}", 422, "invalid_options"),
        ("PUT", "/api/v1/datasets/d/images/a.tif", b"0" * (8 * 1024**2 + 1), 413, "too_large"),
    ],
)
def test_every_error_is_a_problem(
    service: Service, *, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    """Each kind of fault has its status, a stable code and a sentence with a remedy."""
    client = service.client()
    answer = client.open(path, method=method, data=body, content_type="application/json")
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json(force=True)
    assert problem["code"] == code
    assert problem["status"] == status
    assert len(problem["detail"].split()) > 6
    assert set(problem) == {"type", "title", "status", "code", "detail", "details"}


def test_an_unexpected_fault_shows_no_traceback(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gets a code and where to look; the log gets the cause."""

    def explode() -> dict[str, int]:
        raise ZeroDivisionError("the secret cause")

    monkeypatch.setattr(service.supervisor, "count_jobs", explode)
    answer = service.client().get("/api/v1/info")
    assert answer.status_code == 500
    text = answer.get_data(as_text=True)
    assert answer.get_json(force=True)["code"] == "internal_error"
    assert "secret" not in text
    assert "Traceback" not in text
    assert "the secret cause" in caplog.text


def test_answers_carry_the_security_headers(service: Service) -> None:
    """Nothing may be framed, sniffed, cached or loaded from elsewhere."""
    headers = service.client().get("/api/v1/info").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"


def test_info_tells_versions_device_and_limits(service: Service) -> None:
    """A client finds what it needs before it starts; no engine is known before the first job."""
    info = service.client().get("/api/v1/info").get_json()
    assert (info["service"], info["api"], info["models"]) == ("deepflash", 1, 1)
    assert info["device"]["engine"] is None
    assert info["limits"]["body_bytes"] == 8 * 1024**2
    assert info["jobs"] == {"queued": 0, "running": 0}


@pytest.mark.parametrize("kind", ["segmentation", "evaluation", "training"])
def test_schemas_describe_the_options(service: Service, kind: str) -> None:
    """Dialogs can be built from the JSON schema of each kind of job."""
    schema = service.client().get(f"/api/v1/schemas/{kind}").get_json()
    assert schema["type"] == "object"
    assert "min_roi_size" in schema["properties"]


def test_the_description_is_frozen(project_root: Path) -> None:
    """docs/openapi.json is what the code serves (to renew: tests/contract/openapi_snapshot.py)."""
    frozen = json.loads((project_root / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert describe_api() == frozen


def test_the_description_is_complete(service: Service) -> None:
    """Every route under the prefix is described, and every reference in it leads somewhere."""
    spec = service.client().get("/api/v1/openapi.json").get_json()
    assert spec["openapi"].startswith("3.1")
    shapes = spec["components"]["schemas"]
    references = {part.split('"')[0] for part in json.dumps(spec).split('"#/components/schemas/')}
    assert {name for name in references if name.isidentifier()} <= set(shapes)
    described = {path.replace("{", "<").replace("}", ">") for path in spec["paths"]}
    rules = {
        rule.rule.replace("path:", "").replace("int:", "")
        for rule in service.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.rule != "/api/v1/openapi.json"
    }
    assert described == rules


def test_no_page_refers_to_another_host(service: Service) -> None:
    """The dashboard, its files and the login page work offline."""
    client = service.client()
    pages = ["/", "/login", *(f"/static/dashboard.{kind}" for kind in ("js", "css"))]
    for page in pages:
        text = client.get(page).get_data(as_text=True)
        assert "http://" not in text, page
        assert "https://" not in text, page
        assert "//cdn" not in text, page
