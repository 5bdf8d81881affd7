"""The login page and the dashboard behind it."""

from __future__ import annotations

import base64
import hashlib
import re

from tests.unit.web.conftest import Service


def test_a_code_from_the_link_opens_the_dashboard(service: Service) -> None:
    """The link of ``POST /logins`` gives a cookie; the cookie shows page, files and jobs."""
    link = service.client().post("/api/v1/logins").get_json()["url"]
    path, _, code = link.partition("/login#")
    assert path == "http://localhost"
    browser = service.anonymous()
    assert browser.get("/").status_code == 401
    answer = browser.post("/login", json={"code": code})
    assert answer.status_code == 204
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    for page in ("/", "/static/dashboard.js", "/static/dashboard.css", "/api/v1/jobs"):
        assert browser.get(page).status_code == 200, page
    assert "tiny" in browser.get("/").get_data(as_text=True)


def test_a_wrong_code_is_refused(service: Service) -> None:
    """A wrong, a used and a missing code are refused and set no cookie."""
    browser = service.anonymous()
    code = service.access.create_code()
    assert browser.post("/login", json={"code": code}).status_code == 204
    for body, status in (({"code": "wrong"}, 401), ({"code": code}, 401), ({}, 401)):
        answer = browser.post("/login", json=body)
        assert answer.status_code == status
        assert "Set-Cookie" not in answer.headers


def test_the_cookie_alone_does_not_let_another_site_act(service: Service) -> None:
    """Requests with the cookie that change something must come from the dashboard."""
    browser = service.anonymous()
    browser.post("/login", json={"code": service.access.create_code()})
    path = "/api/v1/models/tiny"
    assert browser.delete(path).status_code == 403
    assert browser.delete(path, headers={"Origin": "http://evil.example"}).status_code == 403
    assert browser.delete(path, headers={"Origin": "http://localhost"}).status_code == 204


def test_logging_out_ends_the_session(service: Service) -> None:
    """After logout the old cookie is worth nothing."""
    browser = service.anonymous()
    browser.post("/login", json={"code": service.access.create_code()})
    assert browser.post("/logout", headers={"Origin": "http://localhost"}).status_code == 204
    assert browser.get("/").status_code == 401


def test_the_login_page_runs_its_own_script_only(service: Service) -> None:
    """The policy of the page names the hash of its script and style, and nothing else."""
    answer = service.anonymous().get("/login")
    text = answer.get_data(as_text=True)
    policy = answer.headers["Content-Security-Policy"]
    for tag in ("script", "style"):
        source = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert source is not None
        digest = base64.b64encode(hashlib.sha256(source[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert answer.headers.get("Set-Cookie") is None
