"""Who may ask: Host, Origin, token or cookie, judged before anything else happens.

The judgement needs nothing but header values, so that the server can refuse a request
before its body was received, and the application judges every request once more.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import threading
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

LIVE_PATH = "/api/v1/live"
LOGIN_PATH = "/login"
SAFE_METHODS = frozenset({"GET", "HEAD"})
_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_OWN_FETCH_SITES = frozenset({"", "none", "same-origin"})
_MOST_CODES = 32
_MOST_SESSIONS = 256


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """The parts of a request that decide whether it is let in; missing headers are ``""``."""

    method: str
    path: str
    host: str = ""
    origin: str = ""
    fetch_site: str = ""
    authorization: str = ""
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not let in."""

    status: int
    code: str
    message: str


@dataclass(slots=True)
class Access:
    """The keys of one run of the service.

    Parameters
    ----------
    token : str
        Random per start; whoever holds it may do everything.
    hosts : frozenset of str
        Names, in small letters and without port, under which the service may be addressed.
    cookie_name : str
        Set by the server once the port is known, because cookies ignore ports.
    """

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    hosts: frozenset[str] = _LOCAL_NAMES
    accepts_any_address: bool = False
    cookie_name: str = "deepflash"
    _codes: list[str] = field(default_factory=list)
    _sessions: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def create_code(self) -> str:
        """Return a new one-time code for the login page."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes = [*self._codes[-(_MOST_CODES - 1) :], code]
        return code

    def redeem_code(self, code: str) -> str | None:
        """Return a new session for a valid code, which is used up, or None."""
        with self._lock:
            match = [one for one in self._codes if is_equal(one, code)]
            if not match:
                return None
            self._codes.remove(match[0])
            session = secrets.token_urlsafe(32)
            self._sessions = [*self._sessions[-(_MOST_SESSIONS - 1) :], session]
            return session

    def end_session(self, cookie_header: str) -> None:
        """Forget the session of a cookie."""
        session = self._read_session(cookie_header)
        with self._lock:
            self._sessions = [one for one in self._sessions if not is_equal(one, session)]

    def has_token(self, authorization: str) -> bool:
        """Say whether the Authorization header holds the token."""
        scheme, _, value = authorization.partition(" ")
        return scheme.lower() == "bearer" and is_equal(value.strip(), self.token)

    def has_session(self, cookie_header: str) -> bool:
        """Say whether the Cookie header holds a live session."""
        session = self._read_session(cookie_header)
        return bool(session) and any(is_equal(one, session) for one in list(self._sessions))

    def _read_session(self, cookie_header: str) -> str:
        try:
            morsel = SimpleCookie(cookie_header).get(self.cookie_name)
        except CookieError:
            return ""
        return morsel.value if morsel else ""


def is_equal(one: str, other: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def judge_request(facts: RequestFacts, access: Access) -> Refusal | None:
    """Return why the request is refused, or None.

    The order is Host, Origin, token: a foreign page learns nothing about the token.
    """
    return _judge_host(facts, access) or _judge_origin(facts) or _judge_credentials(facts, access)


def _judge_host(facts: RequestFacts, access: Access) -> Refusal | None:
    name = read_host_name(facts.host)
    if name in access.hosts or (access.accepts_any_address and _is_address(name)):
        return None
    return Refusal(
        403,
        "foreign_host",
        f"This service does not answer under the name {facts.host[:100]!r}. "
        "Use the address in service.json, such as http://127.0.0.1:PORT.",
    )


def _judge_origin(facts: RequestFacts) -> Refusal | None:
    is_own = not facts.origin or _is_same_origin(facts)
    if is_own and facts.fetch_site.lower() in _OWN_FETCH_SITES:
        return None
    return Refusal(
        403,
        "foreign_origin",
        "This request was sent by a page of another site and is refused. "
        "Open the dashboard of the service itself.",
    )


def _judge_credentials(facts: RequestFacts, access: Access) -> Refusal | None:
    if facts.method in SAFE_METHODS and facts.path in {LIVE_PATH, LOGIN_PATH}:
        return None
    if facts.method == "POST" and facts.path == LOGIN_PATH:
        return None
    if access.has_token(facts.authorization):
        return None
    if not access.has_session(facts.cookie):
        return Refusal(
            401,
            "unauthorized",
            "The token is missing or wrong. Read it from service.json in the home folder, "
            "or open the dashboard by the link that `deepflash serve` prints.",
        )
    is_proven_own = _is_same_origin(facts) or facts.fetch_site.lower() == "same-origin"
    if facts.method in SAFE_METHODS or is_proven_own:
        return None
    return Refusal(
        403,
        "foreign_origin",
        "A request with the dashboard's cookie must come from the dashboard itself. "
        "Programs send the token in the Authorization header.",
    )


def _is_same_origin(facts: RequestFacts) -> bool:
    return facts.origin.lower() == f"http://{facts.host.lower()}"


def read_host_name(host: str) -> str:
    """Return the name in a Host header: small letters, no port, no brackets; "" if malformed."""
    if not host or any(sign in host for sign in "/@?#\\ ,"):
        return ""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    return (parts.hostname or "").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
