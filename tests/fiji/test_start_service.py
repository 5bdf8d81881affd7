"""The service is started from Fiji with one click, and outlives Fiji."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from deepflash_service.workflows.install import install_into_fiji
from tests.fiji.conftest import MODEL, await_recorded, run_service
from tests.fiji.desktop import run_headless, start_imagej

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fiji.desktop import Desktop

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
    """No service: the dialog's first button starts one, the command goes on, Fiji may end.

    Which Python starts it was noted by the installation: nobody has set up anything.
    """
    home = tmp_path / "home"
    places = {"jars": require_jvm, "plugin_jar": plugin_jar, "home": home}
    try:
        with start_imagej(tmp_path / "imagej", display=display, **places) as imagej:
            install_into_fiji(tmp_path / "imagej")
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


def fill_in_home(imagej: Desktop, home: Path) -> None:
    """Enter the home folder in the dialog of Set Up, which waits."""
    labels = imagej.do("dialog").splitlines()
    assert {"Home folder", "Timeout (seconds)"} <= set(labels)
    assert not imagej.do("clipped")
    imagej.do("type", f"2 {home}")
    imagej.do("press", "OK")


def test_home_folder_is_set_up_by_menu_and_replayed(
    display: str, require_jvm: Path, plugin_jar: Path, service_home: Path, tmp_path: Path
) -> None:
    """A Fiji that looks in the wrong place is told the right one; the recorder writes it.

    Where Set Up is opened by the button of another command, only that command is recorded.
    """
    places = {"jars": require_jvm, "plugin_jar": plugin_jar, "home": tmp_path / "elsewhere"}
    with start_imagej(tmp_path / "imagej", display=display, **places) as imagej:
        imagej.do("record")
        imagej.do("menu", "DFL Jobs...")
        imagej.do("dialog")
        imagej.do("press", "Set up")
        fill_in_home(imagej, service_home)
        assert "Action" in imagej.do("dialog")
        imagej.do("press", "OK")
        jobs = await_recorded(imagej, "DFL")
        assert jobs == 'run("DFL Jobs...", "action=list job=latest");'
        imagej.do("macro", 'run("DFL Set Up...", "timeout_s=30");')
        imagej.do("record")
        imagej.do("menu", "DFL Set Up...")
        fill_in_home(imagej, service_home)
        assert "Connected to DeepFLaSH" in imagej.do("dialog")
        imagej.do("press", "OK")
        line = await_recorded(imagej, "DFL")
        assert line == f'run("DFL Set Up...", "home={service_home} timeout_s=30");'
        imagej.do("macro", 'run("DFL Set Up...", "timeout_s=30");')
        replayed = f'{line} return call("org.deepflash.Macros.models", "");'
        assert imagej.do("macro", replayed) == f"done {MODEL}\n"


def test_without_menus_the_installation_is_found_beside_the_jar(
    require_jvm: Path,
    plugin_jar: Path,
    service_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ImageJ without a display does not know its plugins folder; its home is the one noted."""
    plugins = tmp_path / "Fiji.app" / "plugins"
    plugins.mkdir(parents=True)
    install_into_fiji(tmp_path / "Fiji.app", home=service_home)
    (plugins / "test-classes").symlink_to(plugin_jar.parent / "test-classes")
    macro = tmp_path / "models.ijm"
    macro.write_text('return call("org.deepflash.Macros.models", "");')
    monkeypatch.delenv("DEEPFLASH_HOME", raising=False)
    jar = plugins / plugin_jar.name
    done = run_headless(require_jvm, jar, folder=tmp_path, macro=macro)
    assert f">> {MODEL}\n" in done.stdout


def test_a_python_that_is_gone_is_named_with_the_file_that_names_it(
    display: str, require_jvm: Path, plugin_jar: Path,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Where the button cannot start a service, and where a macro that may start one cannot."""
    java = str(shutil.which("java"))
    monkeypatch.setenv("PATH", str(tmp_path))  # no deepflash beside this Python either
    places = {"jars": require_jvm, "plugin_jar": plugin_jar, "home": tmp_path / "home"}
    noted = tmp_path / "imagej" / "plugins" / "DeepFLaSH" / "installation.json"
    with start_imagej(tmp_path / "imagej", display=display, java=java, **places) as imagej:
        noted.parent.mkdir()
        noted.write_text(json.dumps({"python": str(tmp_path / "gone"), "home": ""}))
        imagej.do("menu", "DFL Check Service")
        imagej.do("dialog")
        imagej.do("press", "Start service")
        told = imagej.do("dialog").replace("\n", " ")
        imagej.do("press", "OK")
        imagej.do("dialog")
        imagej.do("press", "Close")
        macro = 'run("DFL Set Up...", "start_local timeout_s=30"); run("DFL Check Service");'
        answer = imagej.do("macro", macro)
    for text in (told, answer):
        assert f"The Python {tmp_path / 'gone'}, which {noted} names, is not there any more" in text
        assert "Run DFL Set Up..." in text


def test_an_empty_library_names_what_to_do_in_fiji(
    display: str, require_jvm: Path, plugin_jar: Path, pictures: Path, tmp_path: Path
) -> None:
    """Not commands of a terminal, which a person in Fiji may never have seen."""
    places = {"jars": require_jvm, "plugin_jar": plugin_jar, "home": tmp_path / "home"}
    (tmp_path / "home").mkdir()
    with (
        run_service(tmp_path / "home"),
        start_imagej(tmp_path / "imagej", display=display, **places) as imagej,
    ):
        imagej.do("open", str(pictures / "cells.tif"))
        imagej.do("menu", "DFL Segment...")
        told = imagej.do("dialog").replace("\n", " ")
        assert "Train one with DFL Train..., or import one with DFL Model Library..." in told
        imagej.do("press", "OK")
        answer = imagej.do("macro", 'run("DFL Segment...", "model=mine");')
        assert "There is no model mine. The library has no model yet." in answer


def test_paths_of_windows_are_recorded_with_slashes(
    display: str, require_jvm: Path, plugin_jar: Path, service_home: Path, tmp_path: Path
) -> None:
    """A backslash would be lost in the text of the macro."""
    places = {"jars": require_jvm, "plugin_jar": plugin_jar, "home": service_home}
    with start_imagej(tmp_path / "imagej", display=display, **places) as imagej:
        imagej.do("record")
        imagej.do("menu", "DFL Model Library...")
        imagej.do("dialog")
        imagej.do("type", "0 D:\\my models\\a.zip")
        imagej.do("press", "OK")
        line = await_recorded(imagej, "DFL Model Library...")
        assert "file=[D:/my models/a.zip]" in line
        assert imagej.do("macro", f'{line} return "on";') == "done on"
