"""Walks through the commands about the service itself, its models, macros and help."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

from tests.fiji.conftest import MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fiji.stage import Stage

CHANGING = ("Free disk", "Running", "Queue", "Log")


def set_up(stage: Stage) -> None:
    """Each field is stored as itself, by the dialog and by the replay; the token is in no macro."""
    command = "DFL Set Up..."
    facts = json.loads((stage.home / "service.json").read_text("utf-8"))
    wishes = {
        "service_url": facts["url"], "start_local": True, "python": str(stage.place / "my python"),
        "home": str(stage.home), "timeout_s": 45, "token": facts["token"],
    }  # fmt: skip
    filled = stage.choose(command, **wishes)
    assert set(filled) == set(wishes)
    shown = stage.answer()
    line = stage.recorded(command, filled)
    stored = read_settings(stage)
    assert stored == {**{key: str(value) for key, value in wishes.items()}, "start_local": "true"}
    stage.imagej.do("macro", 'run("DFL Set Up...", "timeout_s=30");')
    assert read_settings(stage)["home"] == ""
    stage.replay(line)
    told = stage.log()[-1]
    assert read_settings(stage) == {**stored, "token": ""}
    stage.imagej.do("macro", 'run("DFL Set Up...", "timeout_s=30");')
    assert told.startswith("Connected to DeepFLaSH ")
    assert told in shown


def read_settings(stage: Stage) -> dict[str, str]:
    """Return what ImageJ's preferences hold of the connection."""
    keys = ("service_url", "start_local", "python", "home", "timeout_s", "token")
    look = 'call("ij.Prefs.get", "deepflash.{}", "")'
    values = ' + "|" + '.join(look.format(key) for key in keys)
    answer = stage.imagej.do("macro", f"return {values};").removeprefix("done ")
    return dict(zip(keys, answer.split("|"), strict=True))


def check_service(stage: Stage) -> None:
    """The Log of the replay holds the report of the window."""
    shown = stage.open_window("DFL Check Service", "DeepFLaSH Service").splitlines()
    line = stage.recorded("DFL Check Service")
    stage.clear_log()
    stage.replay(line)
    told = stage.log()
    assert any(f"{MODEL}@1: cFOS, threshold 0.5" in row for row in told)
    lasting = [row for row in told if not row.startswith(CHANGING)]
    assert set(lasting) <= set(shown)
    assert len(lasting) > len(shown) / 2


def tell_model(stage: Stage) -> None:
    """What is known of a model stands in a window, and in the Log of the replay."""
    command = "DFL Model Library..."
    filled = stage.choose(command, action="info", model=MODEL, file="", new_name="")
    shown = stage.imagej.do("window", "DeepFLaSH Model")
    line = stage.recorded(command, filled)
    stage.imagej.do("close", "DeepFLaSH Model")
    stage.clear_log()
    stage.replay(line, tables="DeepFLaSH Models")
    told = stage.log()
    assert told
    assert set(told) <= set(shown.splitlines())
    assert [MODEL, "1"] in [row[:2] for row in stage.rows("DeepFLaSH Models")]


def extend_macros(stage: Stage) -> None:
    """By menu the functions are listed; the recorded line gives them to a macro."""
    shown = stage.open_window("DFL Macro Extensions", "DeepFLaSH Macro Extensions")
    line = stage.recorded("DFL Macro Extensions")
    names = stage.replay(line, "Ext.dflModels(names); return names;").split()
    assert MODEL in names
    assert line in shown
    assert "Ext.dflModels(names)" in shown


def show_help(stage: Stage) -> None:
    """The text of the window is in the Log of the replay."""
    shown = stage.open_window("DFL Help", "DeepFLaSH Help")
    line = stage.recorded("DFL Help")
    stage.clear_log()
    stage.replay(line)
    told = stage.log()
    assert told
    assert set(told) <= set(shown.splitlines())


def report(stage: Stage) -> None:
    """The two files hold the same parts and name the same versions."""
    command = "DFL Report a Problem"
    folders = [stage.place / "report one", stage.place / "report two"]
    filled = stage.choose(command, output_folder=folders[0])
    stage.answer()
    line = stage.recorded(command, filled)
    stage.replay(line.replace(str(folders[0]), str(folders[1])))
    first, second = (_read_report(folder) for folder in folders)
    assert list(first) == list(second)
    assert first["versions.txt"] == second["versions.txt"]


def _read_report(folder: Path) -> dict[str, bytes]:
    (file,) = folder.glob("DeepFLaSH-report-*.zip")
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
