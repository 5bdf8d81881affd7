"""The first to answer while the application is loading."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from werkzeug.test import Client

from deepflash_service.web.doorman import Doorman


def _app(_environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the application"]


def test_liveness_is_told_before_the_application_is_there() -> None:
    """Only /live is answered; another request waits until the application was handed over."""
    doorman = Doorman()
    assert Client(doorman).get("/api/v1/live").json == {"status": "live"}
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(Client(doorman).get("/x").text))
    thread.start()
    assert answers == []
    doorman.open(_app)
    thread.join(10)
    assert answers == ["the application"]
    assert Client(doorman).get("/api/v1/live").text == "the application"


def test_who_waits_is_let_go_when_nothing_comes() -> None:
    """If the application cannot be loaded, the answer is a problem."""
    doorman = Doorman()
    doorman.close()
    answer = Client(doorman).get("/api/v1/info")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["code"] == "not_ready"
