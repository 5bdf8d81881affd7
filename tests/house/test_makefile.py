"""What `make` prints: plain text, wherever it goes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULE = "show: ; @$(MVN) $(MVN_FLAGS) --offline -f fiji_plugin/pom.xml validate"


@pytest.mark.jvm
@pytest.mark.usefixtures("require_maven")
def test_maven_leaves_no_escape_code_in_a_file() -> None:
    """Also none that resets the colours of a terminal."""
    command = ["make", "--no-print-directory", f"--eval={RULE}", "show"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
