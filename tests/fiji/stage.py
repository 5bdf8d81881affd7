"""A person who works through a command: its menu item, its dialog, what is recorded, the replay."""

from __future__ import annotations

import json
import os
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image

from tests.fiji.conftest import await_recorded, await_that

if TYPE_CHECKING:
    from deepflash_service.bridge.service import Service
    from tests.fiji.desktop import Desktop

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "fiji_plugin" / "src" / "main" / "resources" / "plugins.config"
README = ROOT / "macros" / "README.md"
HIDDEN = "token"  # the recorder never gets it
OPTION = re.compile(r"(\w+)(?:=(?:\[([^\]]*)\]|(\S*)))?(?:\s|$)")
TEXT_PIXELS = 500  # of a window that shows nothing but a text or a table
PATIENCE = 400.0  # seconds; the first job of a service waits for its worker


def list_commands() -> list[str]:
    """Return the commands of the menu, as the jar declares them."""
    lines = CONFIG.read_text("utf-8").splitlines()
    return [line.split('"')[1] for line in lines if line.startswith("Plugins>")]


def parse_options(line: str) -> dict[str, str]:
    """Return the keys and values of a recorded line; a box is ``true``."""
    found = re.fullmatch(r'run\("[^"]+"(?:, "(.*)")?\);', line)
    assert found, line
    options: dict[str, str] = {}
    for key, bracketed, bare in OPTION.findall(found[1] or ""):
        assert key not in options, f"{key} is recorded twice: {line}"
        has_value = f"{key}=" in line
        options[key] = (bracketed or bare) if has_value else "true"
    return options


def read_files(folder: Path) -> dict[str, Any]:
    """Return what the files of a folder say, without the time at which they were written."""
    contents: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".tif":
            pixels = tifffile.imread(path)
            contents[name] = (str(pixels.dtype), pixels.tolist())
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                contents[name] = {entry: archive.read(entry) for entry in archive.namelist()}
        elif path.suffix == ".json":
            facts = json.loads(path.read_text("utf-8"))
            contents[name] = {key: value for key, value in facts.items() if key != "saved"}
        elif path.is_file():
            contents[name] = path.read_text("utf-8")
    return contents


@dataclass
class Stage:
    """An ImageJ at a real service, a folder for the test, and what a person did there.

    Attributes
    ----------
    imagej : Desktop
        ImageJ with the plugin.
    service : Service
        Client of the service that it works with.
    home, place, pictures : Path
        Home folder of the service, an empty folder, and the folder of the example images.
    photographed, replayed : list of str
        The commands whose dialog or window was photographed, and those replayed.
    """

    imagej: Desktop
    service: Service
    home: Path
    place: Path
    pictures: Path
    photographed: list[str] = field(default_factory=list)
    replayed: list[str] = field(default_factory=list)

    def choose(self, command: str, *, kind: str = "", **wishes: object) -> dict[str, str]:
        """Choose a command, fill its dialog, photograph it, press OK; return what was set.

        Parameters
        ----------
        command : str
            As in the menu.
        kind : str, optional
            Which dialog of the command it is, where it has several; for the name of the picture.
        **wishes
            Macro key to value; what is not named stays as the dialog offers it.
        """
        self.imagej.do("record")
        self.imagej.do("item", command)
        self.imagej.do("dialog")
        self._check_keys(command)
        for key, value in wishes.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            self.imagej.do("fill", f"{key} {text}")
        self.photograph(command, kind=kind)
        filled = self._fields()
        self.imagej.do("press", "OK")
        self.imagej.do("idle", seconds=PATIENCE)
        return filled

    def open_window(self, command: str, title: str, *, until: str = "") -> str:
        """Choose a command without a dialog; return the words of its window, and close it.

        The words are read when the window says `until`.
        """
        self.imagej.do("record")
        self.imagej.do("item", command)
        await_that(lambda: until in self.imagej.do("window", title))
        self.photograph(command, title)
        self.imagej.do("idle", seconds=PATIENCE)
        shown = self.imagej.do("window", title)
        self.imagej.do("close", title)
        return shown

    def answer(self) -> str:
        """Read the message that a command ends with, see it whole, and close it."""
        self._take_picture("message", "")
        shown = self.imagej.do("dialog").replace("\n", " ")
        self.imagej.do("press", "OK")
        self.imagej.do("idle", seconds=PATIENCE)
        return shown

    def photograph(self, command: str, title: str = "", *, kind: str = "") -> None:
        """Keep a picture of the dialog, or of a window, in ``DEEPFLASH_PICTURES``, if set."""
        name = re.sub(r"\W+", "-", f"{command.removeprefix('DFL ').strip('.')} {kind}".strip())
        self._take_picture(name.lower(), title)
        self.photographed.append(command)

    def _take_picture(self, name: str, title: str) -> None:
        """See that a window shows all that it holds, in a picture of all of it."""
        assert not self.imagej.do("clipped", title), name
        folder = Path(os.environ.get("DEEPFLASH_PICTURES", self.place))
        folder.mkdir(parents=True, exist_ok=True)
        picture = folder / f"{name}.png"
        width, height, words = map(int, self.imagej.do("photo", f"{picture}|{title}").split())
        with Image.open(picture) as image:
            assert image.size == (width, height)
            grey = np.asarray(image.convert("L"))
        assert words or np.count_nonzero(grey < 128) > TEXT_PIXELS, picture

    def recorded(self, command: str, filled: dict[str, str] | None = None) -> str:
        """Return the one recorded line of a command; it must say what was set, and no more."""
        line = await_recorded(self.imagej, command)
        expected = {key: value for key, value in (filled or {}).items() if value != "false"}
        expected.pop(HIDDEN, None)
        told = parse_options(line)
        assert {key: value for key, value in told.items() if value or key not in expected} == {
            key: value for key, value in expected.items() if value
        }, line
        return line

    def replay(
        self, line: str, then: str = 'return "on";', *, before: str = "", tables: str = ""
    ) -> str:
        """Run a recorded line in batch mode and return the answer of what is run `then`.

        No window may open but those `tables` (titles with commas between), which are closed
        before, so that what they show afterwards is of the replay.
        """
        self.close_tables(tables)
        allowed = {*self.imagej.do("windows").splitlines(), *tables.split(","), "Log"}
        text = f"setBatchMode(true); {before} {line} {then}"
        answer = self.imagej.do("macro", text, seconds=PATIENCE)
        assert answer.startswith("done "), answer
        assert set(self.imagej.do("windows").splitlines()) <= allowed
        self.replayed.append(line.split('"')[1])
        return answer.removeprefix("done ")

    def close_tables(self, tables: str) -> None:
        """Close the tables of these titles, which have commas between, where they are open."""
        for title in tables.split(","):
            self.imagej.do("macro", f'if (isOpen("{title}")) close("{title}");')

    def rows(self, table: str) -> list[list[str]]:
        """Return the rows of a table that ImageJ shows, the headings first."""
        text = await_that(lambda: self.imagej.do("rows", table))
        return [row.strip().split("\t") for row in text.splitlines()]

    def clear_log(self) -> None:
        """Empty ImageJ's Log."""
        self.imagej.do("macro", 'print("\\\\Clear");')

    def log(self) -> list[str]:
        """Return the lines of ImageJ's Log that say something."""
        return [line for line in self.imagej.do("log").splitlines() if line.strip()]

    def _fields(self) -> dict[str, str]:
        lines = self.imagej.do("fields").split("\n")
        pairs = [line.split("\t") for line in lines if line]
        keys = [pair[0] for pair in pairs]
        assert len(set(keys)) == len(keys), f"two fields have one key: {keys}"
        return {pair[0]: pair[1] for pair in pairs}

    def _check_keys(self, command: str) -> None:
        """Each key of the dialog is a word, there once, and told in macros/README.md."""
        text = README.read_text("utf-8")
        for key in self._fields():
            assert re.fullmatch(r"[a-z][a-z0-9_]*", key), f"{command}: {key}"
            assert f"`{key}`" in text, f"{command}: {key} is missing in {README}"


def make_masks(folder: Path, images: dict[str, Any], *, expert: str, columns: int) -> None:
    """Write what an expert marked who saw only the left `columns` of each image."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "masks" / expert).mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        mask = (image > 1000).astype(np.uint8) * 255
        mask[:, columns:] = 0
        tifffile.imwrite(folder / "images" / f"{name}.tif", image)
        tifffile.imwrite(folder / "masks" / expert / f"{name}.tif", mask)
