"""Host, Origin, token, cookie: who is let in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepflash_service.web.security import Access, RequestFacts, judge_request, read_host_name

ACCESS = Access(token="secret")
GOOD = RequestFacts("GET", "/api/v1/info", host="127.0.0.1:80", authorization="Bearer secret")


def _judge(**changes: str) -> str:
    refusal = judge_request(replace(GOOD, **changes), ACCESS)
    return refusal.code if refusal else "let in"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:1", "localhost:5000", "LOCALHOST", "LocalHost:9", "[::1]:80", "[::1]"],
)
def test_local_names_are_let_in(host: str) -> None:
    """Every spelling of this computer is accepted, with and without port."""
    assert _judge(host=host) == "let in"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "evil.example#127.0.0.1",
        "evil@127.0.0.1",
        "127.0.0.1:80:80",
        "127.0.0.1:no",
        "[::1",
        "0.0.0.0",
        "127.0.0.1, evil.example",
        "2130706433",
        "[::ffff:127.0.0.1]",
    ],
)
def test_other_hosts_are_refused(host: str) -> None:
    """A name that another site could point here is refused, whatever it looks like."""
    assert _judge(host=host) == "foreign_host"


@given(st.text(max_size=40))
def test_only_known_names_pass_the_host_check(text: str) -> None:
    """No text but the three local names, with a port or not, counts as this computer."""
    name = read_host_name(text)
    if name in ACCESS.hosts:
        assert text.lower().strip("[]").startswith(name)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"origin": "http://127.0.0.1:80"}, "let in"),
        ({"origin": "http://127.0.0.1:81"}, "foreign_origin"),
        ({"origin": "https://127.0.0.1:80"}, "foreign_origin"),
        ({"origin": "null"}, "foreign_origin"),
        ({"origin": "http://evil.example"}, "foreign_origin"),
        ({"fetch_site": "same-origin"}, "let in"),
        ({"fetch_site": "none"}, "let in"),
        ({"fetch_site": "cross-site"}, "foreign_origin"),
        ({"fetch_site": "same-site"}, "foreign_origin"),
    ],
)
def test_pages_of_other_origins_are_refused_even_with_the_token(
    changes: dict[str, str], verdict: str
) -> None:
    """A page of another site, or of another port, is refused before its token is looked at."""
    assert _judge(**changes) == verdict


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wrong", "Basic secret", "secret", "Bearer secretsecret"]
)
def test_a_wrong_token_is_refused(authorization: str) -> None:
    """Only ``Bearer`` with the very token is let in."""
    assert _judge(authorization=authorization) == "unauthorized"


def test_the_scheme_may_be_written_in_any_case() -> None:
    """``bearer`` and ``BEARER`` are the same scheme."""
    assert _judge(authorization="bearer secret") == "let in"


@pytest.mark.parametrize("path", ["/api/v1/live", "/login"])
def test_two_routes_need_no_token(path: str) -> None:
    """Liveness and the login page are open; other spellings of them are not."""
    assert _judge(path=path, authorization="") == "let in"
    assert _judge(path=path, authorization="", method="DELETE") == "unauthorized"
    assert _judge(path=path + "/", authorization="") == "unauthorized"
    assert _judge(path=path.upper(), authorization="") == "unauthorized"


def test_a_code_works_once() -> None:
    """A one-time code gives one session; a second use and a wrong code give none."""
    access = Access()
    code = access.create_code()
    session = access.redeem_code(code)
    assert session
    assert access.redeem_code(code) is None
    assert access.redeem_code("") is None
    cookie = f"other=1; {access.cookie_name}={session}"
    assert access.has_session(cookie)
    assert not access.has_session(f"{access.cookie_name}=")
    access.end_session(cookie)
    assert not access.has_session(cookie)


def test_a_cookie_may_change_something_from_its_own_page_only() -> None:
    """With the cookie, a method other than GET needs the service's own Origin."""
    access = Access()
    cookie = f"{access.cookie_name}={access.redeem_code(access.create_code())}"
    facts = RequestFacts("GET", "/", host="localhost:80", cookie=cookie)
    assert judge_request(facts, access) is None
    change = replace(facts, method="DELETE", path="/api/v1/models/x")
    refusal = judge_request(change, access)
    assert refusal is not None
    assert refusal.code == "foreign_origin"
    assert judge_request(replace(change, origin="http://localhost:80"), access) is None
    assert judge_request(replace(change, fetch_site="same-origin"), access) is None


def test_a_wildcard_address_takes_addresses_but_no_names() -> None:
    """Bound to all addresses, numbers are fine (no site can rebind them), names are not."""
    access = Access(token="secret", accepts_any_address=True)
    assert judge_request(replace(GOOD, host="192.168.1.5:80"), access) is None
    assert judge_request(replace(GOOD, host="evil.example"), access) is not None
