"""A Python process with ImageJ in it: its output, its signals, its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.jvm

HEADLESS = """
import json, os, signal, threading, time
from deepflash_service.bridge import init
from deepflash_service.bridge.jvm import java_class

with init(backend="ij1") as fiji:
    java_class("ij.IJ").log("logged by Java")
    facts = {"backend": fiji.backend}
    fiji.run_macro('newImage("a", "32-bit noise", 400, 400, 1);'
                   'run("Gaussian Blur...", "sigma=3"); run("Median...", "radius=2");'
                   'print("printed by ImageJ"); close();')
    init().run_command("Clear Results")
    try:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        time.sleep(20)
        facts["interrupted"] = False
    except KeyboardInterrupt:
        facts["interrupted"] = True
print(json.dumps(facts))
"""

OWN_JAVA = """
import json, os, signal, threading, time
import scyjava
from deepflash_service.bridge import init
from deepflash_service.bridge.jars import find_imagej_jars

scyjava.config.endpoints.clear()
scyjava.config.set_java_constraints(fetch="auto", version="11")
scyjava.config.enable_headless_mode()
scyjava.config.add_classpath(*map(str, find_imagej_jars()))
scyjava.start_jvm()
facts = {"backend": init().backend}
try:
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    time.sleep(20)
except KeyboardInterrupt:
    facts["interrupted"] = True
print(json.dumps(facts))
"""

NO_IMAGE = """
import json
from deepflash_service.bridge import init
from deepflash_service.bridge.jvm import java_class
from deepflash_service.errors import MacroError

fiji = init(mode=%r)
sentences = []
for macro in ('saveAs("tiff", "no_such_folder/x.tif");', 'x = 1;\\ndoWand(1, 1);'):
    try:
        sentences.append(fiji.run_macro(macro))
    except MacroError as error:
        sentences.append(str(error))
try:
    fiji.run_command("Measure")
except MacroError as error:
    sentences.append(str(error))
works = fiji.run_macro('newImage("a", "8-bit", 9, 9, 1); doWand(1, 1); t = getTitle();'
                       'close(); return t;')
print(json.dumps({"sentences": sentences, "works": works}))
"""

WINDOWS = """
import json
import numpy as np
from deepflash_service.bridge import init
from deepflash_service.bridge.rois import labels_to_rois

labels = np.zeros((300, 300), np.int32)
labels[10:40, 10:40] = 1
labels[50:90, 50:90] = 2
with init(mode="interactive") as fiji:
    image = fiji.to_imageplus(np.zeros((300, 300), np.uint8), title="shown")
    image.show()
    rois = labels_to_rois(labels)
    fiji.to_roi_manager(rois[:1])
    manager = fiji.to_roi_manager(rois[1:])
    fiji.run_macro('selectImage("shown"); run("Gaussian Blur...", "sigma=2");')
    names = [str(roi.getName()) for roi in manager.getRoisAsArray()]
    print(json.dumps({"visible": bool(image.isVisible()), "rois": names}))
"""


def run_script(code: str, *, prefix: tuple[str, ...] = ()) -> tuple[Any, str, float]:
    """Run Python code in a process of its own; returns its JSON, its errors, its seconds."""
    start = time.monotonic()
    ended = subprocess.run(
        [*prefix, sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout), ended.stderr, time.monotonic() - start


def test_the_process_ends_by_itself_and_keeps_its_output_and_signals(plugin_jar: Path) -> None:
    """After a threaded filter Java would hang for ever; prints of ImageJ are no data."""
    assert plugin_jar.is_file()
    facts, errors, seconds = run_script(HEADLESS)
    assert facts == {"backend": "ij1", "interrupted": True}
    assert "printed by ImageJ" in errors
    assert "logged by Java" in errors
    assert seconds < 40


def test_java_that_somebody_else_started_gives_the_signals_back(require_jvm: Path) -> None:
    """Ctrl+C would end Python without a trace, and nothing in ``finally`` would run."""
    assert require_jvm.is_dir()
    assert run_script(OWN_JAVA)[0] == {"backend": "running", "interrupted": True}


def test_what_java_logs_is_no_data(require_jvm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own log goes to standard output, past everything that the program can redirect."""
    assert require_jvm.is_dir()
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xlog:class+load=info")
    code = "from deepflash_service.bridge import init\nprint('[\"' + init().backend + '\"]')"
    assert run_script(code)[0] == ["ij1"]


def run_file(folder: Path, macro: str, *arguments: str) -> tuple[int, str, str]:
    """Run a macro as a shell would: exit code, standard output, standard error."""
    (folder / "my macro.ijm").write_text(macro, encoding="utf-8")
    command = [sys.executable, "-W", "error", "-m", "deepflash_service.bridge", "my macro.ijm"]
    ended = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_a_macro_runs_from_a_shell(plugin_jar: Path, tmp_path: Path) -> None:
    """What it returns is on standard output alone, and only a macro that ran to its end is 0."""
    assert plugin_jar.is_file()
    macro = """
        newImage("a", "8-bit ramp", 64, 64, 1);
        run("Gaussian Blur...", "sigma=2");
        saveAs("tiff", "blurred.tif");
        print("printed");
        return "got " + getArgument();
    """
    code, output, errors = run_file(tmp_path, macro, "images=my images")
    assert (code, output) == (0, "got images=my images\n")
    assert errors.splitlines()[-1] == "printed"
    assert "Unrecognized" not in errors
    assert (tmp_path / "blurred.tif").is_file()
    code, output, errors = run_file(tmp_path, 'x = 1;\nrun("Quit");\nreturn "after";')
    assert (code, output) == (1, "")
    assert errors.splitlines()[-1].startswith('line 2: run("Quit") would end Python too.')


def check_no_image(facts: dict[str, object]) -> None:
    """Assert that each macro without an image was refused, and the next one worked."""
    sentence = "No image is open. Open one and run the command again."
    assert facts == {
        "sentences": [f"line 1: {sentence}", f"line 2: {sentence}", sentence],
        "works": "a",
    }


def test_a_macro_without_an_image_does_not_end_the_process(plugin_jar: Path) -> None:
    """ImageJ itself would call System.exit(0) there, and the script would vanish as if done."""
    assert plugin_jar.is_file()
    check_no_image(run_script(NO_IMAGE % "headless")[0])


@pytest.mark.xvfb
def test_a_macro_without_an_image_does_not_end_a_process_with_windows(
    plugin_jar: Path, require_xvfb: str
) -> None:
    """Without ImageJ's main window it would end there too."""
    assert plugin_jar.is_file()
    assert require_xvfb
    check_no_image(run_script(NO_IMAGE % "interactive", prefix=("xvfb-run", "-a"))[0])


@pytest.mark.xvfb
def test_windows_and_roi_manager_on_a_display(require_jvm: Path, require_xvfb: str) -> None:
    """With a display ROIs go to the ROI Manager, which is not cleared; the process ends."""
    assert require_jvm.is_dir()
    assert require_xvfb
    facts, _, seconds = run_script(WINDOWS, prefix=("xvfb-run", "-a"))
    assert facts == {"visible": True, "rois": ["roi-0001", "roi-0002"]}
    assert seconds < 40


def test_windows_without_a_display_are_refused(require_jvm: Path) -> None:
    """The sentence names two remedies."""
    assert require_jvm.is_dir()
    code = """
import json
from deepflash_service.bridge import init
from deepflash_service.errors import SetupError
try:
    init(mode="interactive")
except SetupError as error:
    print(json.dumps({"code": error.code, "message": error.message}))
"""
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment,
    )
    facts = json.loads(ended.stdout)
    assert facts["code"] == "no_display"
    assert "xvfb-run" in facts["message"]
