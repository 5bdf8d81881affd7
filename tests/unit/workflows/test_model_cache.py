"""The engine that a model was measured on is kept for the next worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepflash_service.errors import ComputeError
from deepflash_service.records import ModelCard
from deepflash_service.store import models
from deepflash_service.store.disk import prepare_home
from deepflash_service.workflows import model_cache
from deepflash_service.workflows.model_cache import ModelCache
from deepflash_service.workflows.prediction import FASTEST, EngineChoice, LoadedModel


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home folder with one model."""
    prepare_home(tmp_path)
    with models.stage_model(tmp_path) as folder:
        (folder / "member-1.weights.h5").write_bytes(b"x")
        models.publish_model(tmp_path, folder, card=ModelCard(name="m"))
    return tmp_path


def _load_with(monkeypatch: pytest.MonkeyPatch, *, fastest: str, broken: str = "") -> list[str]:
    """Let a measurement choose `fastest`; return the list of engines asked for."""
    asked: list[str] = []

    def load(_home: Path, reference: str, *, choice: EngineChoice = FASTEST) -> LoadedModel:
        asked.append(choice.engine)
        engine = fastest if choice.engine == "auto" else choice.engine
        if engine == broken:
            raise ComputeError("It does not run here.", code="engine_unavailable")
        card = ModelCard(name="m")
        return LoadedModel(reference, card, lambda image, _hooks: image, "cpu", engine, "float32")

    monkeypatch.setattr("deepflash_service.workflows.prediction.load_model", load)
    return asked


def test_a_new_worker_takes_the_engine_of_the_one_before(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another measurement, under another load, does not change the maps."""
    asked = _load_with(monkeypatch, fastest="openvino")
    assert ModelCache(home).load("m").engine == "openvino"
    _load_with(monkeypatch, fastest="keras")
    assert ModelCache(home).load("m@1").engine == "openvino"
    assert asked == ["auto"]


def test_an_engine_that_is_gone_is_measured_anew(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copied home folder, or a changed installation, is no fault."""
    _load_with(monkeypatch, fastest="openvino")
    ModelCache(home).load("m")
    asked = _load_with(monkeypatch, fastest="keras", broken="openvino")
    assert ModelCache(home).load("m").engine == "keras"
    assert asked == ["openvino", "auto"]
    ModelCache(home).load("m")
    assert asked[2:] == ["keras"]


def test_other_versions_and_computers_measure_for_themselves(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was fastest elsewhere need not be so here."""
    asked = _load_with(monkeypatch, fastest="openvino")
    ModelCache(home).load("m")
    monkeypatch.setattr(model_cache, "find_cpu_name", lambda: "another processor")
    ModelCache(home).load("m")
    monkeypatch.setattr(model_cache, "version", lambda _name: "99")
    ModelCache(home).load("m")
    assert asked == ["auto"] * 3


def test_a_damaged_note_is_no_fault(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is measured and written again."""
    asked = _load_with(monkeypatch, fastest="keras")
    (home / "devices").mkdir()
    (home / "devices" / "engines.json").write_text("[")
    ModelCache(home).load("m")
    ModelCache(home).load("m")
    assert asked == ["auto", "keras"]
