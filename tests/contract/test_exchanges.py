"""The service keeps the contract in exchanges.json, which the clients are built on."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from tests.unit.web.conftest import Service, service

__all__ = ["service"]

FOLDER = Path(__file__).parent
KINDS: dict[str, Any] = {
    "<string>": str,
    "<integer>": int,
    "<number>": (int, float),
    "<any>": object,
}


def _fill(path: str, saved: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda match: saved[match[1]], path)


def _send(running: Service, request: dict[str, Any], saved: dict[str, str]) -> TestResponse:
    client = running.client() if request.get("token", True) else running.anonymous()
    body: dict[str, Any] = {}
    if "json" in request:
        body["json"] = request["json"]
    elif "file" in request:
        body["data"] = (FOLDER / request["file"]).read_bytes()
    elif "options" in request:
        body["data"] = {"options": json.dumps(request["options"])}
        for part, name in request["parts"]:
            body["data"][part] = (io.BytesIO((FOLDER / name).read_bytes()), name)
    return client.open(_fill(request["path"], saved), method=request["method"], **body)


def _match(found: Any, expected: Any, *, place: str) -> None:
    if isinstance(expected, str) and expected in KINDS:
        assert isinstance(found, KINDS[expected]), place
    elif isinstance(expected, dict):
        assert isinstance(found, dict), place
        assert set(found) == set(expected), place
        for key, one in expected.items():
            _match(found[key], one, place=f"{place}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), place
        for index, one in enumerate(expected):
            _match(found[index], one, place=f"{place}[{index}]")
    else:
        assert found == expected, place


def test_the_service_answers_as_agreed(service: Service) -> None:
    """Every request of the contract gets its status, its type and exactly its fields."""
    saved: dict[str, str] = {}
    contract = json.loads((FOLDER / "exchanges.json").read_text(encoding="utf-8"))
    for exchange in contract["exchanges"]:
        answer, expected = _send(service, exchange["request"], saved), exchange["answer"]
        place = exchange["name"]
        assert answer.status_code == expected["status"], (place, answer.data[:500])
        assert answer.content_type == expected.get("type", "application/json"), place
        if "json" in expected:
            found = answer.get_json(force=True)
            _match(found, expected["json"], place=place)
            saved |= {name: found[key] for name, key in expected.get("save", {}).items()}
