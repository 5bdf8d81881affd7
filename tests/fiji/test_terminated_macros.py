"""A program that is ended from outside while its macro waits leaves no training behind."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from tests.fiji.conftest import await_that
from tests.fiji.desktop import command_headless
from tests.fiji.stub_service import StubService, serve_stub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.jvm

EVENTS = "GET /api/v1/jobs/j1/events?after=0"
CANCEL = "DELETE /api/v1/jobs/j1"


def describe(state: str) -> dict[str, str]:
    """Return the training of the stub in a state."""
    return {"id": "j1", "kind": "training", "model": "spots@1", "state": state}


def tell(stub: StubService, state: str) -> None:
    """Let the training be in a state."""
    stub.answers["GET /api/v1/jobs/j1"] = json.dumps(describe(state)).encode()
    stub.answers[EVENTS] = json.dumps({"events": [], "next": 0, "state": state}).encode()


@pytest.fixture
def stub() -> Iterator[StubService]:
    """Return a service that takes a training."""
    pairs = {"pairs": [{"image": "x.tif", "experts": ["a"]}], "warnings": []}
    with serve_stub() as service:
        service.answers["GET /api/v1/datasets/d1/pairs"] = json.dumps(pairs).encode()
        service.answers["POST /api/v1/trainings"] = json.dumps(describe("queued")).encode()
        tell(service, "running")
        yield service


def start_waiting(
    stub: StubService, jars: Path, plugin_jar: Path, folder: Path
) -> subprocess.Popen[str]:
    """Start a macro that trains and waits, in an ImageJ without a display."""
    for name in ("images", "a"):
        (folder / name).mkdir()
        tifffile.imwrite(folder / name / "x.tif", np.eye(32, dtype=np.uint8) * 255)
    macro = folder / "train.ijm"
    options = f"model=spots base=new image_folder=[{folder}/images] mask_folders=[a={folder}/a]"
    macro.write_text(
        f'call("org.deepflash.Macros.setUp", "service_url={stub.url} token=none");'
        f'return call("org.deepflash.Macros.train", "{options} wait");'
    )
    command = command_headless(jars, plugin_jar, folder=folder, macro=macro)
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def test_the_training_of_a_terminated_macro_is_cancelled(
    stub: StubService, require_jvm: Path, plugin_jar: Path, tmp_path: Path
) -> None:
    """SIGTERM ends the program soon, and the job with it; standard error says so."""
    with start_waiting(stub, require_jvm, plugin_jar, tmp_path) as process:
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
    with start_waiting(stub, require_jvm, plugin_jar, tmp_path) as process:
        await_that(lambda: EVENTS in stub.requests or process.poll() is not None)
        tell(stub, "done")
        output, _ = process.communicate(timeout=60)
    assert output.splitlines()[-1] == ">> j1"
    assert CANCEL not in stub.requests
