"""A tiny model, many small images, and what an undivided segmentation makes of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepflash_service.records import SegmentOptions
from deepflash_service.store.image_records import FOLDER
from deepflash_service.store.images import write_image
from deepflash_service.workflows.prediction import EngineChoice, load_model
from deepflash_service.workflows.segment import segment_images
from tests.fiji.tiny_model import store_threshold_model

MODEL = "tiny"


@dataclass(frozen=True)
class Samples:
    """Home folder with the model, and the images."""

    home: Path
    images: Path

    def command(self, output: Path, *arguments: object) -> list[str]:
        """Return the command line that segments the images."""
        words = ["segment", self.images, "--model", MODEL, "--output", output, "--json"]
        words += ["--home", self.home, *arguments]
        return [sys.executable, "-m", "deepflash_service.cli", *map(str, words)]

    def start(self, output: Path, *arguments: object) -> subprocess.Popen[str]:
        """Start the command; its output goes to pipes."""
        return subprocess.Popen(
            self.command(output, *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, output: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        command = self.command(output, *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)

    def segment_undivided(self, output: Path, *, like: Path) -> None:
        """Segment all images in this process, with the engine that was chosen for ``like``."""
        chosen = next((like / FOLDER).glob("engine-*.json")).read_text()
        facts = {name: one for name, one in json.loads(chosen).items() if name != "key"}
        model = load_model(self.home, MODEL, choice=EngineChoice(**facts))
        sources = sorted(self.images.iterdir())
        segment_images(sources, model, options=SegmentOptions(model=MODEL), output=output)


def make_samples(folder: Path, *, count: int) -> Samples:
    """Store the model and write ``count`` images (64, 64) with zero to four spots."""
    store_threshold_model(folder / "home", name=MODEL)
    for number in range(count):
        rng = np.random.default_rng(number)
        image = rng.normal(100, 10, (64, 64))
        for row, column in rng.integers(4, 54, (number % 5, 2)):
            image[row : row + 7, column : column + 7] += 200
        write_image(folder / "images" / f"i{number:03d}.tif", image.astype(np.uint16))
    return Samples(folder / "home", folder / "images")


def list_records(output: Path) -> set[str]:
    """Return the names of the images that are done."""
    return {path.stem for path in (output / FOLDER / "images").glob("[!.]*.json")}


def await_that(is_so: Callable[[], bool], *, seconds: float = 120.0) -> None:
    """Wait until something is so, or fail."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def find_differences(found: Path, expected: Path, *, besides: Sequence[str] = ()) -> list[str]:
    """Return the names of files that only one folder has, or whose bytes differ."""
    ignored = {FOLDER, *besides}
    files = [
        {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in ignored}
        for folder in (found, expected)
    ]
    names = files[0].keys() | files[1].keys()
    return sorted(name for name in names if files[0].get(name) != files[1].get(name))
