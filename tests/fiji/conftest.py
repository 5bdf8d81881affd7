"""One service, one virtual display and one ImageJ for all tests of the Fiji side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from deepflash_service.bridge import connect
from tests.fiji.desktop import Desktop, open_display, start_imagej
from tests.fiji.tiny_model import store_threshold_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from deepflash_service.bridge.service import Service
    from tests.fiji.stage import Stage

pytest.register_assert_rewrite(
    "tests.fiji.stage",
    "tests.fiji.walks_of_annotations",
    "tests.fiji.walks_of_segmentations",
    "tests.fiji.walks_of_service",
    "tests.fiji.walks_of_trainings",
)

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


def await_that(look: Callable[[], Any], *, seconds: float = 2 * START_SECONDS) -> Any:
    """Return the first true answer of `look`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := look():
            return answer
        time.sleep(0.1)
    pytest.fail("what was awaited did not happen in time")


def await_recorded(imagej: Desktop, command: str) -> str:
    """Return the one recorded line of a command.

    ImageJ records a command when it has ended, so its window can be there before the line.
    """

    def find() -> list[str]:
        return [line for line in imagej.do("recorded").splitlines() if command in line]

    lines = await_that(find)
    assert len(lines) == 1, lines
    return str(lines[0])


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


@pytest.fixture(scope="session")
def training_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the home folder of a second service, whose library may grow."""
    home = tmp_path_factory.mktemp("training-home")
    store_threshold_model(home, name=MODEL)
    with run_service(home):
        yield home


@pytest.fixture(scope="session")
def training_service(training_home: Path) -> Iterator[Service]:
    """Return the client of the second service."""
    with connect(home=training_home, start=False) as client:
        yield client


@pytest.fixture
def service(training_service: Service) -> Iterator[Service]:
    """Return the client of the second service; trainings that a test leaves are cancelled."""
    yield training_service
    for job in training_service.jobs():
        if not job.has_ended:
            training_service.cancel(job)
    await_that(lambda: all(job.has_ended for job in training_service.jobs()))


@pytest.fixture
def open_imagej(
    display: str, require_jvm: Path, plugin_jar: Path, training_home: Path, tmp_path: Path
) -> Callable[..., Any]:
    """Return a function that opens one more ImageJ, by default at the second service."""

    def start(name: str, *, home: Path = training_home) -> Any:
        places = {"jars": require_jvm, "plugin_jar": plugin_jar, "home": home}
        return start_imagej(tmp_path / name, display=display, **places)

    return start


@pytest.fixture(scope="session")
def second_imagej(
    display: str,
    require_jvm: Path,
    plugin_jar: Path,
    training_home: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Desktop]:
    """Return an ImageJ at the second service."""
    folder = tmp_path_factory.mktemp("imagej-2")
    places = {"jars": require_jvm, "plugin_jar": plugin_jar, "home": training_home}
    with start_imagej(folder, display=display, **places) as imagej:
        yield imagej


@pytest.fixture
def imagej_2(second_imagej: Desktop) -> Iterator[Desktop]:
    """Return the ImageJ at the second service without images and with an empty Log."""
    second_imagej.do("closeall")
    yield second_imagej
    second_imagej.do("closeall")


@pytest.fixture
def clean_desktop(desktop: Desktop) -> Iterator[Desktop]:
    """Return ImageJ without images, and close what the test opened."""
    desktop.do("closeall")
    yield desktop
    desktop.do("closeall")


@pytest.fixture
def stage(
    imagej_2: Desktop, service: Service, training_home: Path, pictures: Path, tmp_path: Path
) -> Stage:
    """Return a person at the ImageJ of the second service, with an empty folder."""
    from tests.fiji.stage import Stage

    return Stage(imagej_2, service, home=training_home, place=tmp_path, pictures=pictures)
