"""The service stays light: importing a floor never loads what belongs to another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

HEAVY = ("tensorflow", "keras", "openvino", "jpype", "imagej", "scyjava", "dask", "distributed")


@pytest.mark.parametrize(
    "module",
    [
        "deepflash_service.web.app",
        "deepflash_service.web.server",
        "deepflash_service.bridge",
        "deepflash_service.cli",
        "deepflash_service.worker",
        "deepflash_service.jobs.supervisor",
        "deepflash_service.workflows.segment",
        "deepflash_service.workflows.segment_shared",
        "deepflash_service.jobs.dask_executor",
        "deepflash_service.workflows.train",
    ],
)
def test_importing_a_module_loads_no_heavy_library(module: str) -> None:
    """Neither TensorFlow nor a JVM is loaded by an import."""
    code = f"import sys, {module}; print([n for n in {HEAVY!r} if n in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_the_import_contracts_hold() -> None:
    """The floors of docs/architecture.md are kept."""
    command = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert "8 kept, 0 broken" in result.stdout
