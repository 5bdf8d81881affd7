"""Failures of macros where there is a display: ImageJ tells them in dialogs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.test_bridge_process import run_script

pytestmark = [pytest.mark.jvm, pytest.mark.xvfb]

FAILURES = """
import json, tempfile
from pathlib import Path
from deepflash_service.bridge import init
from deepflash_service.errors import MacroError

fiji = init(mode="interactive")
folder = Path(tempfile.mkdtemp())
inner, picture = folder / "inner.ijm", folder / "picture.png"
inner.write_text("x = 1;\\ny = zz;")
picture.write_bytes(b"\\x89PNG\\r\\n\\x1a\\n and no more")
sentences = []
for macro in ("x = 1;\\ny = z;", "x = (;", 'run("No Such Command");', 'run("Quit");',
              'newImage("a", "8-bit", 9, 9, 1); run("Enlarge...", "enlarge=3");',
              f'runMacro("{inner}"); return "after";', 'eval("x=y;"); return "after";',
              'close("*"); eval("getDimensions(a, b, c, d, e);"); return "after";',
              f'open("{picture}"); return "after";'):
    try:
        sentences.append(fiji.run_macro(macro))
    except MacroError as error:
        sentences.append(str(error))
try:
    fiji.run_command("No Such Command")
except MacroError as error:
    sentences.append(str(error))
print(json.dumps(sentences))
"""

BESIDE = """
import json, threading
from deepflash_service.bridge import init
from deepflash_service.bridge.jvm import java_class
from deepflash_service.errors import MacroError

fiji = init(mode="interactive")
dialog = java_class("java.awt.Dialog")(java_class("java.awt.Frame")(), "mine", True)
waiting = threading.Thread(target=dialog.setVisible, args=(True,), daemon=True)
waiting.start()
while not dialog.isVisible():
    waiting.join(0.05)
try:
    sentence = fiji.run_macro("x = y;")
except MacroError as error:
    sentence = str(error)
print(json.dumps([sentence, bool(dialog.isVisible())]))
dialog.dispose()
waiting.join()
"""


def test_failures_wait_for_nobody(plugin_jar: Path, require_xvfb: str) -> None:
    """Under a virtual display nobody could ever close a dialog; what it says is the error."""
    assert plugin_jar.is_file()
    assert require_xvfb
    told = run_script(FAILURES, prefix=("xvfb-run", "-a"))[0]
    expected = [
        "line 2: Undefined variable",
        "line 1: Number or numeric function expected",
        'line 1: Unrecognized command: "No Such Command"',
        'line 1: run("Quit") would end Python too.',
        "line 1: This command requires an area selection",
        "line 2: Undefined variable",
        "line 1: Undefined variable",
        "line 1: No image is open. Open one and run the command again.",
        "javax.imageio.IIOException",
        'Unrecognized command: "No Such Command"',
    ]
    for sentence, start in zip(told, expected, strict=True):
        assert sentence.startswith(start)


def test_a_dialog_that_was_open_before_stays(plugin_jar: Path, require_xvfb: str) -> None:
    """Only the one that tells of the failure is closed."""
    assert plugin_jar.is_file()
    assert require_xvfb
    told = run_script(BESIDE, prefix=("xvfb-run", "-a"))[0]
    assert told == ["line 1: Undefined variable", True]
