"""Dialogs and macro keys follow the options of the service, those that come later included."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from deepflash_service.records import EvaluateOptions, Record, SegmentOptions, TrainOptions
from tests.fiji.conftest import await_recorded
from tests.fiji.test_annotations_by_menu import shoot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deepflash_service.bridge.service import Service
    from tests.fiji.desktop import Desktop

pytestmark = pytest.mark.jvm

KINDS: dict[str, type[Record]] = {
    "segmentation": SegmentOptions,
    "evaluation": EvaluateOptions,
    "training": TrainOptions,
}
COMMANDS = {
    "segmentation": "DFL Segment...",
    "evaluation": "DFL Evaluate...",
    "training": "DFL Train...",
}
ELSEWHERE = {"dataset": "the plugin uploads the files itself", "iou": "its key is iou_match"}
GLOW = {"type": "number", "default": 0.25, "maximum": 1.0, "description": "light of the future"}


class FutureService(BaseHTTPRequestHandler):
    """Answers like a service that has gained the option ``glow`` for every kind of job."""

    def do_GET(self) -> None:
        """Answer who it is, which models there are, and which options."""
        kind = self.path.rpartition("/")[2]
        answer: dict[str, Any] = {"service": "deepflash", "version": "9.0.0", "api": 1}
        if kind == "models":
            answer = {"models": [{"name": "m", "version": 1, "network": {"channels": 1}}]}
        elif kind == "jobs":
            answer = {"jobs": []}
        elif kind in KINDS:
            answer = KINDS[kind].model_json_schema()
            answer["properties"]["glow"] = GLOW
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def future_service(imagej_2: Desktop) -> Iterator[Desktop]:
    """Return ImageJ connected to a service that knows more than the plugin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), FutureService)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"service_url=http://127.0.0.1:{server.server_port}"
    imagej_2.do("macro", f'run("DFL Set Up...", "{url}");')
    try:
        yield imagej_2
    finally:
        imagej_2.do("macro", 'run("DFL Set Up...", "timeout_s=30");')
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_of_the_service_is_documented(kind: str, project_root: Path) -> None:
    """An option that the service gains is named here until the page for macro writers tells it."""
    text = (project_root / "macros" / "README.md").read_text()
    start = text.index(
        f'`run("{COMMANDS[kind]}"' if kind == "segmentation" else f"`{COMMANDS[kind]}`:"
    )
    keys = set(re.findall(r"`([a-z_]+)`", text[start : text.index("\n\n", start)]))
    assert set(KINDS[kind].model_fields) - set(ELSEWHERE) - keys == set()


@pytest.mark.xvfb
@pytest.mark.keras
@pytest.mark.parametrize("kind", KINDS)
def test_an_option_of_a_later_service_is_in_the_dialog(
    future_service: Desktop, pictures: Path, kind: str
) -> None:
    """The dialog has a field with its value and meaning, beside those of today."""
    imagej = future_service
    imagej.do("open", str(pictures / "cells.tif"))
    imagej.do("menu", COMMANDS[kind])
    shown = imagej.do("dialog").splitlines()
    shoot(imagej, f"future-{kind}")
    imagej.do("press", "Cancel")
    imagej.do("nodialog")
    assert "Glow" in shown
    assert shown[shown.index("Glow") + 1] == "0.25"
    assert any("Glow: light of the future" in line for line in shown)
    wanted = {"training": "Folds"}.get(kind, "Separation")
    assert wanted in shown


@pytest.mark.xvfb
@pytest.mark.keras
def test_pixel_size_and_separation_are_recorded_and_reach_the_job(
    imagej_2: Desktop, service: Service, training_home: Path, pictures: Path
) -> None:
    """What the schema brought is recorded, replayed, and stands in the options of the job."""
    imagej_2.do("record")
    imagej_2.do("open", str(pictures / "cells.tif"))
    imagej_2.do("menu", "DFL Segment...")
    imagej_2.do("dialog")
    imagej_2.do("type", "2 0.7")
    imagej_2.do("type", "3 1.5")
    shoot(imagej_2, "segment")
    imagej_2.do("press", "OK")
    imagej_2.do("idle")
    line = await_recorded(imagej_2, "DFL Segment...")
    assert "pixel_size=0.7 separation=1.5" in line
    by_menu = service.jobs()[0]
    assert imagej_2.do("macro", f'setBatchMode(true); {line} return "on";') == "done on"
    replayed = service.jobs()[0]
    assert replayed.id != by_menu.id
    for job in (by_menu, replayed):
        facts = json.loads((training_home / "runs" / job.id / "job.json").read_text())
        assert (facts["options"]["pixel_size"], facts["options"]["separation"]) == (0.7, 1.5)
    answer = imagej_2.do("macro", line.replace("1.5", "-1"))
    assert answer == "aborted separation=-1 cannot be used. Give a number from 0 up to 1000."
