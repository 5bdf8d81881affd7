"""What the bridge promises holds for each way to start ImageJ.

The way over pyimagej needs a Fiji folder (``DEEPFLASH_FIJI``) that holds the jars of pyimagej, or
(``DEEPFLASH_IMAGEJ2``) a network that reaches the Maven repository of ImageJ2.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.jvm, pytest.mark.slow]

SESSION = Path(__file__).with_name("backend_session.py")


def find_pyimagej() -> list[str]:
    """Return the arguments that start the real pyimagej; skips where it cannot be resolved."""
    folder = os.environ.get("DEEPFLASH_FIJI", "")
    if folder:
        return ["pyimagej", folder]
    if os.environ.get("DEEPFLASH_IMAGEJ2"):
        return ["pyimagej"]
    pytest.skip(
        "pyimagej needs jars that Maven Central does not have: name a Fiji folder that holds them "
        "in DEEPFLASH_FIJI, or set DEEPFLASH_IMAGEJ2=1 where ImageJ2's Maven repository is reached"
    )


@pytest.fixture(scope="module", params=["ij1", "pyimagej"])
def facts(
    request: pytest.FixtureRequest, plugin_jar: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return what a process with ImageJ in it wrote, started this way."""
    assert plugin_jar.is_file()
    way = ["ij1"] if request.param == "ij1" else find_pyimagej()
    target = tmp_path_factory.mktemp("backend") / "facts.json"
    ended = subprocess.run(
        [sys.executable, SESSION, target, *way],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "the only line of standard output\n"
    found: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    assert found["backend"] == request.param
    assert found["gateway"] == (request.param == "pyimagej")
    return found


def test_pixels_come_back_unchanged(facts: dict[str, Any]) -> None:
    """Three types, and a hyperstack with named axes."""
    assert facts["round trips"] == dict.fromkeys(("uint8", "uint16", "float32", "TZCYX"), True)


def test_images_are_real_and_never_a_cached_copy(facts: dict[str, Any]) -> None:
    """An edit of all slices is one, leaves the array alone, and is what is read back."""
    assert facts["stacks"] == {
        "virtual": False,
        "inverted": True,
        "array untouched": True,
        "changed type": "uint16",
    }


def test_rois_survive_imagej_and_a_file(facts: dict[str, Any]) -> None:
    """Overlay to label image and back, in memory and through a TIFF file."""
    assert facts["overlays"] == {"kept": True, "saved": True}


def test_macros_that_fail_raise_with_the_cause(facts: dict[str, Any]) -> None:
    """A macro never ends in silence, and never ends the process."""
    answers = facts["macros"]
    assert answers["fine"] == "a 9"
    causes = {
        "exit": "the reason",
        "undefined": "Undefined variable",
        "no image": "No image is open",
        "unknown": "No Such Command",
    }
    for name, words in causes.items():
        assert answers[name].startswith("MacroError: "), answers
        assert words in answers[name], answers


def test_tables_keep_labels_numbers_and_text(facts: dict[str, Any]) -> None:
    """A column of text changes no type of another, and no column is lost."""
    assert facts["tables"] == {
        "Label": ["cell 0", "cell 1"],
        "Area": [0.5, 1.5],
        "Kind": ["k0", "k1"],
    }


def test_images_are_not_held(facts: dict[str, Any]) -> None:
    """720 MB go through a Java that has 512."""
    assert facts["memory"] == 80


def test_ctrl_c_stays_with_python(facts: dict[str, Any]) -> None:
    """Java takes over no signal."""
    assert facts["interrupted"] is True
