"""The Flask application: routes, guard, limits, headers. Loads no engine and no numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiflask import APIFlask
from flask import request

from deepflash_service import __version__
from deepflash_service.web import (
    dashboard_routes,
    dataset_routes,
    job_routes,
    login_routes,
    model_routes,
    service_routes,
)
from deepflash_service.web.codec import LimitedRequest
from deepflash_service.web.context import EXTENSION, ServiceContext, find_context
from deepflash_service.web.openapi import complete_description
from deepflash_service.web.problems import make_refusal, register_problems
from deepflash_service.web.security import RequestFacts, judge_request

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue

_MOST_PARTS = 10_000
_FORM_BUFFER_BYTES = 512 * 1024
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def create_app(context: ServiceContext) -> APIFlask:
    """Build the application around the parts of one service.

    Parameters
    ----------
    context : ServiceContext
        Settings, supervisor and keys.
    """
    app = APIFlask(
        "deepflash_service.web",
        title="DeepFLaSH service",
        version=__version__,
        spec_path="/api/v1/openapi.json",
        docs_path=None,
        json_errors=False,
        static_folder="static",
    )
    app.request_class = LimitedRequest
    app.url_map.merge_slashes = False
    app.extensions[EXTENSION] = context
    app.config.update(_configure(context))
    app.before_request(_guard)
    app.after_request(_add_headers)
    register_problems(app)
    app.spec_processor(_complete)
    for module in (
        service_routes,
        dataset_routes,
        job_routes,
        model_routes,
        login_routes,
        dashboard_routes,
    ):
        app.register_blueprint(module.blueprint)
    return app


def _configure(context: ServiceContext) -> dict[str, Any]:
    return {
        "MAX_CONTENT_LENGTH": context.settings.body_bytes,
        "MAX_FORM_MEMORY_SIZE": _FORM_BUFFER_BYTES + context.settings.options_bytes,
        "MAX_FORM_PARTS": _MOST_PARTS,
        "AUTO_SERVERS": False,
        "AUTO_OPERATION_ID": True,
        "AUTO_404_RESPONSE": False,
        "AUTO_VALIDATION_ERROR_RESPONSE": False,
        "AUTO_AUTH_ERROR_RESPONSE": False,
        "DESCRIPTION": "Local service of DeepFLaSH for Fiji; see docs/http-api.md.",
    }


def _complete(spec: dict[Any, Any] | str) -> dict[Any, Any] | str:
    return spec if isinstance(spec, str) else complete_description(spec)


def _guard() -> ResponseReturnValue | None:
    headers = request.headers
    facts = RequestFacts(
        method=request.method,
        path=request.path,
        host=headers.get("Host", ""),
        origin=headers.get("Origin", ""),
        fetch_site=headers.get("Sec-Fetch-Site", ""),
        authorization=headers.get("Authorization", ""),
        cookie=headers.get("Cookie", ""),
    )
    refusal = judge_request(facts, find_context().access)
    return make_refusal(refusal) if refusal else None


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "DENY")
    headers["Cache-Control"] = "no-store"
    return response
