"""The one jar runs under every Java of this computer, from the one that built it to the newest."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from deepflash_service.core.rois import labels_to_rois
from tests.fiji.desktop import start_imagej
from tests.fiji.stub_service import StubService, serve_stub

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm]

OPEN = 'newImage("dark", "16-bit black", 32, 32, 1);'


def read_version(java: Path) -> int:
    """Return the number of a Java, 0 when it does not run."""
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    return int(found.group(1)) if found else 0


def list_javas() -> dict[int, str]:
    """Return the Java executables of this computer, one per version."""
    folders = [Path("/usr/lib/jvm"), Path("/Library/Java/JavaVirtualMachines")]
    found = [java for folder in folders for java in folder.glob("**/bin/java")]
    usual = shutil.which("java")
    all_javas = {
        read_version(java): str(java) for java in [*found, *([Path(usual)] if usual else [])]
    }
    return {version: java for version, java in sorted(all_javas.items()) if version >= 8}


JAVAS = list_javas()


@pytest.fixture
def stub() -> Iterator[StubService]:
    """Return a service that finds two ROIs in any image."""
    labels = np.zeros((32, 32), np.int32)
    labels[4:9, 5:11], labels[20:28, 15:25] = 1, 2
    with serve_stub(labels_to_rois(labels)) as service:
        yield service


def test_the_newest_java_is_among_them() -> None:
    """Fiji moves on to newer Java versions; a computer with one Java alone shows too little."""
    if len(JAVAS) < 2:
        pytest.skip("this computer has only one Java")
    assert max(JAVAS) >= 21


@pytest.mark.parametrize("version", JAVAS)
def test_a_command_by_menu_and_by_macro(
    display: str,
    require_jvm: Path,
    plugin_jar: Path,
    tmp_path: Path,
    stub: StubService,
    version: int,
) -> None:
    """Dialog, recorder, HTTP, ROI Manager, table and Ext functions work; ROIs are the same."""
    places = {"jars": require_jvm, "plugin_jar": plugin_jar, "home": tmp_path / "home"}
    folder = tmp_path / "imagej"
    with start_imagej(folder, display=display, java=JAVAS[version], **places) as imagej:
        answer = imagej.do("macro", f'run("DFL Set Up...", "service_url={stub.url} token=none");')
        assert answer.startswith("done")
        imagej.do("macro", OPEN)
        imagej.do("menu", "DFL Segment...")
        assert "DFL Segment" in imagej.do("dialog")
        imagej.do("press", "OK")
        imagej.do("idle")
        rois = imagej.do("rois", "dark").splitlines()
        assert [roi.split(" ")[1] for roi in rois] == ["5,4,6,5", "15,20,10,8"]
        answer = imagej.do(
            "macro",
            'run("DFL Macro Extensions"); Ext.dflSegment(getImageID(), "model=Stub table", n);'
            "return d2s(n, 0);",
        )
        assert answer == "done 2"
        running = imagej.do(
            "macro", 'return call("java.lang.System.getProperty", "java.specification.version");'
        )
        assert running.removeprefix("done ") in {str(version), f"1.{version}"}


@pytest.mark.parametrize("version", JAVAS)
def test_without_a_display(
    require_jvm: Path, plugin_jar: Path, stub: StubService, tmp_path: Path, version: int
) -> None:
    """The functions for scripts segment and write the ROI set."""
    macro = tmp_path / "segment.ijm"
    macro.write_text(
        f'{OPEN} call("org.deepflash.Macros.setUp", "service_url={stub.url} token=none");'
        f'return call("org.deepflash.Macros.segment", "model=Stub output_folder=[{tmp_path}]");'
    )
    path = os.pathsep.join(
        [f"{require_jvm}/*", str(plugin_jar), f"{plugin_jar.parent}/test-classes"]
    )
    flags = ["-Djava.awt.headless=true", f"-Duser.home={tmp_path}", "-cp", path]
    if version >= 9:
        flags.insert(0, "--add-opens=java.base/java.lang=ALL-UNNAMED")
    done = subprocess.run(
        [JAVAS[version], *flags, "org.deepflash.driver.HeadlessDriver", str(macro), ""],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ">> 2" in done.stdout
    assert (tmp_path / "dark_RoiSet.zip").is_file()
