"""ImageJ for the integration tests: one virtual machine in a pytest process."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepflash_service.bridge import FijiBridge, init


@pytest.fixture(scope="session")
def fiji(require_jvm: Path, plugin_jar: Path) -> FijiBridge:
    """Return ImageJ, started headless from the jars of the build."""
    assert require_jvm.is_dir()
    return init(backend="ij1", plugin_jar=plugin_jar)
