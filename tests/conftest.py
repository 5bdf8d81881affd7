"""Fixtures shared by all tests: what this machine offers, and what must be there."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile(
    "house", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts into the background so, and programs started by tests inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _skip_or_fail(what: str, reason: str) -> None:
    """Skip, unless ``DEEPFLASH_REQUIRE`` names ``what``: then its absence is a failure."""
    required = os.environ.get("DEEPFLASH_REQUIRE", "").replace(" ", "").split(",")
    if what in required:
        pytest.fail(f"DEEPFLASH_REQUIRE asks for {what}, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Return the root folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder with the shared microscopy data (``../shared/data``)."""
    folder = Path(os.environ.get("DEEPFLASH_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "MANIFEST.csv").is_file():
        _skip_or_fail("data", f"the shared microscopy data is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def require_jvm() -> Path:
    """Return the folder with the ImageJ jars; needs a JDK and the built plugin."""
    jars = ROOT / "fiji_plugin" / "target" / "imagej"
    if shutil.which("java") is None:
        _skip_or_fail("jvm", "there is no java on the PATH")
    if not any(jars.glob("ij-*.jar")):
        _skip_or_fail("jvm", "the ImageJ jars are missing: run `make setup`")
    return jars


@pytest.fixture(scope="session")
def require_maven() -> str:
    """Return the Maven executable, which builds the plugin."""
    found = shutil.which("mvn")
    if found is None:
        _skip_or_fail("jvm", "there is no mvn on the PATH")
    return str(found)


@pytest.fixture(scope="session")
def plugin_jar(require_jvm: Path) -> Path:
    """Return the built plugin jar."""
    found = sorted(require_jvm.parent.glob("DeepFLaSH_Fiji-*.jar"))
    if not found:
        _skip_or_fail("jvm", "the plugin jar is missing: run `make setup`")
    return found[0]


@pytest.fixture(scope="session")
def script_languages(require_jvm: Path) -> Path:
    """Return the folder with the jars of Groovy and Jython."""
    folder = require_jvm.parent / "languages"
    if not any(folder.glob("jython-*.jar")):
        _skip_or_fail("jvm", "Groovy and Jython are missing: run `make test` once")
    return folder


@pytest.fixture(scope="session")
def require_xvfb() -> str:
    """Return the Xvfb executable."""
    found = shutil.which("Xvfb")
    if found is None:
        _skip_or_fail("xvfb", "Xvfb is not installed (Debian package xvfb)")
    return str(found)


@pytest.fixture(scope="session")
def require_browser() -> tuple[str, str]:
    """Return the executables of Chromium and ChromeDriver."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        _skip_or_fail(
            "browser", "Chromium or ChromeDriver is not installed (chromium, chromium-driver)"
        )
    return str(browser), str(driver)
