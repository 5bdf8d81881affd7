"""Login of the dashboard: a one-time code in the URL fragment becomes a cookie.

A fragment never reaches a server or its log, and the page itself does nothing but send it.
Its script stands in the page, allowed by its hash, because static files need the cookie.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from apiflask import APIBlueprint
from flask import Response, request

from deepflash_service.errors import InputError
from deepflash_service.web import schemas
from deepflash_service.web.codec import read_json_body
from deepflash_service.web.context import find_context

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = APIBlueprint("login", __name__, tag="Dashboard")

_SCRIPT = """
const say = (text) => { document.getElementById("state").textContent = text; };
const code = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
if (code) {
  fetch("/login", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({code: code}),
  }).then((answer) => {
    if (answer.ok) { location.replace("/"); }
    else { say("This link was used already, or the service was restarted."); }
  }, () => say("The service does not answer any more."));
} else {
  say("This page needs the link that the service printed when it started.");
}
"""
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 20vh auto; max-width: 34em; padding: 0 1em;
  color: #1d2a33; background: #f4f6f7; }
h1 { font-size: 1.3em; } code { background: #e3e8eb; padding: 0 .3em; border-radius: 3px; }
"""
_PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>DeepFLaSH: log in</title>
<style>{_STYLE}</style></head>
<body><h1>DeepFLaSH</h1><p id="state">Logging in ...</p>
<p>A fresh link: start <code>deepflash serve</code> again, or choose
<code>Plugins &gt; DeepFLaSH &gt; DFL Set Up...</code> in Fiji.</p>
<script>{_SCRIPT}</script></body></html>
"""


def _hash_source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


_POLICY = (
    f"default-src 'none'; script-src {_hash_source(_SCRIPT)}; style-src {_hash_source(_STYLE)}; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@blueprint.get("/login")
@blueprint.doc(hide=True)
def show_login() -> Response:
    """Return the static page that sends the code of the URL fragment."""
    headers = {"Content-Security-Policy": _POLICY}
    return Response(_PAGE, content_type="text/html; charset=utf-8", headers=headers)


@blueprint.post("/login")
@blueprint.doc(hide=True)
def log_in() -> Response:
    """Trade a one-time code for a cookie."""
    access = find_context().access
    code = _read_code()
    session = access.redeem_code(code) if code else None
    if session is None:
        raise InputError(
            "This code is wrong or was used already. Ask for a fresh link to the dashboard.",
            code="wrong_code",
        )
    response = Response(status=204)
    response.set_cookie(access.cookie_name, session, httponly=True, samesite="Strict", path="/")
    return response


def _read_code() -> str | None:
    """Return the code of the request; whatever is no code is treated like a wrong one."""
    try:
        return schemas.LoginCode.from_json(read_json_body()).code
    except InputError:
        return None


@blueprint.post("/logout")
@blueprint.doc(hide=True)
def log_out() -> Response:
    """End the session of the cookie."""
    access = find_context().access
    access.end_session(request.headers.get("Cookie", ""))
    response = Response(status=204)
    response.delete_cookie(access.cookie_name, path="/")
    return response


@blueprint.post("/api/v1/logins")
@blueprint.output(schemas.LoginLink, status_code=201)
def create_link() -> ResponseReturnValue:
    """Return a fresh link that opens the dashboard once."""
    code = find_context().access.create_code()
    return {"url": f"http://{request.host}/login#{code}"}, 201
