"""The service is started from Fiji with one click, and outlives Fiji."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.fiji.desktop import start_imagej

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm]


def end_service(home: Path) -> None:
    """Ask the service of a home folder to end, and wait for it."""
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int(json.loads((home / "service.json").read_text())["pid"]))
        os.kill(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def test_one_click_starts_a_service_that_stays(
    display: str, require_jvm: Path, plugin_jar: Path, tmp_path: Path
) -> None:
    """No service: the dialog's first button starts one, the command goes on, Fiji may end."""
    home = tmp_path / "home"
    places = {"jars": require_jvm, "plugin_jar": plugin_jar, "home": home}
    try:
        with start_imagej(tmp_path / "imagej", display=display, **places) as imagej:
            setting = imagej.do("macro", f'run("DFL Set Up...", "python=[{sys.executable}]");')
            assert setting.startswith("done")
            imagej.do("menu", "DFL Check Service")
            assert "No DeepFLaSH service answers at this computer" in imagej.do("dialog")
            imagej.do("press", "Start service")
            report = imagej.do("window", "DeepFLaSH Service")
            assert "Models: none yet" in report
            assert "Token" not in report
        pid = json.loads((home / "service.json").read_text())["pid"]
        time.sleep(0.5)
        assert psutil.pid_exists(pid)
    finally:
        end_service(home)
