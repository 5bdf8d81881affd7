"""A program that is ended from outside while its macro waits leaves no training behind."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from tests.fiji.conftest import await_that
from tests.fiji.desktop import command_headless
from tests.fiji.stub_service import CANCEL, StubService, serve_stub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.jvm

LIMIT_SECONDS = 20.0
EVENTS = "GET /api/v1/jobs/j1/events?after=0"


def describe(state: str) -> dict[str, str]:
    """Return the training of the stub in a state."""
    return {"id": "j1", "kind": "training", "model": "spots@1", "state": state}


def tell(stub: StubService, state: str) -> None:
    """Let the training be in a state."""
    stub.answers["GET /api/v1/jobs/j1"] = json.dumps(describe(state)).encode()
    stub.answers[EVENTS] = json.dumps({"events": [], "next": 0, "state": state}).encode()


@contextmanager
def serve_training() -> Iterator[StubService]:
    """Run a service that takes a training."""
    pairs = {"pairs": [{"image": "x.tif", "experts": ["a"]}], "warnings": []}
    with serve_stub() as service:
        service.answers["GET /api/v1/datasets/d1/pairs"] = json.dumps(pairs).encode()
        service.answers["POST /api/v1/trainings"] = json.dumps(describe("queued")).encode()
        tell(service, "running")
        yield service


@pytest.fixture
def stub() -> Iterator[StubService]:
    """Return a service that takes a training."""
    with serve_training() as service:
        yield service


def annotate(folder: Path) -> str:
    """Write an image and its annotation; return the options of a training on them."""
    for name in ("images", "a"):
        (folder / name).mkdir()
        tifffile.imwrite(folder / name / "x.tif", np.eye(32, dtype=np.uint8) * 255)
    return f"model=spots base=new image_folder=[{folder}/images] mask_folders=[a={folder}/a]"


def start_waiting(
    stub: StubService, jars: Path, plugin_jar: Path, *, folder: Path, token: str = "none"
) -> subprocess.Popen[str]:
    """Start a macro that trains and waits, in an ImageJ without a display."""
    macro = folder / "train.ijm"
    macro.write_text(
        f'call("org.deepflash.Macros.setUp", "service_url={stub.url} token={token}");'
        f'return call("org.deepflash.Macros.train", "{annotate(folder)} wait");'
    )
    command = command_headless(jars, plugin_jar, folder=folder, macro=macro)
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def test_the_training_of_a_terminated_macro_is_cancelled(
    stub: StubService, require_jvm: Path, plugin_jar: Path, tmp_path: Path
) -> None:
    """SIGTERM ends the program soon, and the job with it; standard error says so."""
    with start_waiting(stub, require_jvm, plugin_jar, folder=tmp_path) as process:
        await_that(lambda: EVENTS in stub.requests or process.poll() is not None)
        process.terminate()
        output, said = process.communicate(timeout=60)
    assert stub.requests.count(CANCEL) == 1, output
    assert "DeepFLaSH: Job j1 was cancelled, as the program that waited for it was ended." in said
    assert process.returncode != 0


def test_a_training_that_has_ended_is_left_alone(
    stub: StubService, require_jvm: Path, plugin_jar: Path, tmp_path: Path
) -> None:
    """After the wait nothing is cancelled when the program ends."""
    with start_waiting(stub, require_jvm, plugin_jar, folder=tmp_path) as process:
        await_that(lambda: EVENTS in stub.requests or process.poll() is not None)
        tell(stub, "done")
        output, _ = process.communicate(timeout=60)
    assert output.splitlines()[-1] == ">> j1"
    assert CANCEL not in stub.requests


def test_a_service_that_does_not_answer_keeps_no_program_alive(
    stub: StubService, require_jvm: Path, plugin_jar: Path, tmp_path: Path
) -> None:
    """The wait for the answer to the cancellation is short, whatever the limit of the set-up."""
    token = "freeze@cancel"
    with start_waiting(stub, require_jvm, plugin_jar, folder=tmp_path, token=token) as process:
        await_that(lambda: EVENTS in stub.requests or process.poll() is not None)
        start = time.monotonic()
        process.terminate()
        process.communicate(timeout=60)
    assert CANCEL in stub.requests
    assert time.monotonic() - start < LIMIT_SECONDS


@pytest.mark.xvfb
@pytest.mark.parametrize("first", ["", "setBatchMode(true);"], ids=["shown", "batch"])
def test_with_windows_a_training_goes_on(
    stub: StubService, open_imagej: Callable[..., Any], tmp_path: Path, first: str
) -> None:
    """Closing Fiji changes nothing about a training, in batch mode too: a person did it."""
    set_up = f"service_url={stub.url} token=none timeout_s=30"
    options = annotate(tmp_path)
    with open_imagej("fiji", home=tmp_path / "home") as imagej:
        assert imagej.do("macro", f'run("DFL Set Up...", "{set_up}");').startswith("done")
        imagej.begin("macro", f'{first} run("DFL Train...", "{options} wait");')
        await_that(lambda: EVENTS in stub.requests)
        imagej.terminate()
    assert CANCEL not in stub.requests
