"""Run the command line in this process and keep what it prints."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service import cli
from deepflash_service.store.images import write_image, write_labels, write_mask
from deepflash_service.store.models import list_models
from deepflash_service.workflows import prediction
from tests.unit.workflows.conftest import LABELS, SIZE, make_model


@dataclass(frozen=True)
class Outcome:
    """Exit code and the two outputs of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the home folder of the commands."""
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs ``deepflash`` with the home folder set."""
    monkeypatch.setenv("DEEPFLASH_HOME", str(home))

    def run_command(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = cli.run([str(one) for one in arguments])
        found = capfd.readouterr()
        return Outcome(code, found.out, found.err)

    return run_command


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder with ``images``, three experts ``a b c``, and ``truth``."""
    for name in ("x.tif", "y.tif"):
        pixels = ((LABELS > 0) * 200).astype(np.uint8)
        write_image(tmp_path / "data" / "images" / name, pixels, calibration=SIZE)
        for expert in "abc":
            write_mask(tmp_path / "data" / expert / name, LABELS > 0)
        write_labels(tmp_path / "data" / "truth" / name, LABELS)
    return tmp_path / "data"


@pytest.fixture
def fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every model name stand for a model that marks bright pixels, and that prints noise."""

    def load(home: Path, reference: str, **_choice: Any) -> prediction.LoadedModel:
        print(f"noise about {reference}")  # noqa: T201 - what libraries do
        os.write(1, b"noise of native code\n")
        os.write(2, b"more of it\n")
        known = list_models(home).get(reference.partition("@")[0], [])
        return make_model(weights_sha256=known[-1].weights_sha256 if known else [])

    monkeypatch.setattr(prediction, "load_model", load)
