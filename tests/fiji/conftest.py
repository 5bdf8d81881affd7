"""One service, one virtual display and one ImageJ for all tests of the Fiji side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from tests.fiji.desktop import Desktop, open_display, start_imagej
from tests.fiji.tiny_model import store_threshold_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MODEL = "Bright"
START_SECONDS = 60.0


def draw_spots(*, shape: tuple[int, int] = (96, 128), count: int = 6) -> NDArray[np.uint16]:
    """Return a 16-bit image with `count` bright discs on a dim ground, none touching another."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    image = np.full(shape, 300.0)
    for spot in range(count):
        row, column = 16 + 32 * (spot // 4), 16 + 32 * (spot % 4)
        image[(rows - row) ** 2 + (columns - column) ** 2 <= (6 + spot) ** 2] = 3000 + 100 * spot
    return image.astype(np.uint16)


@contextmanager
def run_service(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the service of a home folder, yield its process, and end it."""
    (home / "service.json").unlink(missing_ok=True)
    with (home / "service-test.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deepflash_service.cli", "serve", "--no-browser"],
            stdout=log,
            stderr=log,
            env={**os.environ, "DEEPFLASH_HOME": str(home)},
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (home / "service.json").is_file():
            assert process.poll() is None, (home / "service-test.log").read_text()
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.05)
        assert json.loads((home / "service.json").read_text())["api"] == 1
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="session")
def service_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the home folder of a running service with the model ``Bright``."""
    home = tmp_path_factory.mktemp("fiji-home")
    store_threshold_model(home, name=MODEL)
    with run_service(home):
        yield home


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a 16-bit image, an RGB image and a stack."""
    folder = tmp_path_factory.mktemp("pictures")
    spots = draw_spots()
    tifffile.imwrite(
        folder / "cells.tif", spots, imagej=True, resolution=(2, 2), metadata={"unit": "um"}
    )
    tifffile.imwrite(folder / "colour.tif", np.stack([spots.astype(np.uint8)] * 3, -1), imagej=True)
    stack = np.stack([draw_spots(count=count) for count in (2, 4, 6)])
    channels = np.stack([np.full_like(stack, 100), stack], 1)
    tifffile.imwrite(folder / "stack.tif", channels, imagej=True, metadata={"axes": "ZCYX"})
    tifffile.imwrite(folder / "dark.tif", np.full((64, 64), 7, np.uint8), imagej=True)
    return folder


@pytest.fixture(scope="session")
def display(require_xvfb: str) -> Iterator[str]:
    """Return the name of a virtual display."""
    with open_display(require_xvfb) as name:
        yield name


@pytest.fixture(scope="session")
def desktop(
    display: str,
    require_jvm: Path,
    plugin_jar: Path,
    service_home: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Desktop]:
    """Return a real ImageJ that finds the running service."""
    folder = tmp_path_factory.mktemp("imagej")
    with start_imagej(
        folder, display=display, jars=require_jvm, plugin_jar=plugin_jar, home=service_home
    ) as imagej:
        yield imagej


@pytest.fixture
def clean_desktop(desktop: Desktop) -> Iterator[Desktop]:
    """Return ImageJ without images, and close what the test opened."""
    desktop.do("closeall")
    yield desktop
    desktop.do("closeall")
