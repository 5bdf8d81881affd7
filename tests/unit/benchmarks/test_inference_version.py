"""The name of the code that makes probability maps."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks import inference_version
from benchmarks.inference_version import FIRST, collect_modules, find_version, strip_docstrings


def test_all_that_makes_maps_is_followed() -> None:
    """Normalisation, tiling, mirrored views, network: whatever the prediction imports."""
    names = {name.removeprefix("deepflash_service.") for name in collect_modules(FIRST)}
    assert {
        "workflows.prediction", "core.normalization", "core.noise", "core.tiling",
        "inference.predictor", "network.architecture", "network.layers", "network.prediction",
    } <= names  # fmt: skip
    assert not {"core.tuning", "network.fitting", "records"} & names


def _collect(folder: Path, noise: str) -> str:
    package = folder / "service"
    (package / "core").mkdir(parents=True, exist_ok=True)
    first = "def load():\n    from deepflash_service.core.noise import FLOOR\n    return FLOOR\n"
    (package / "start.py").write_text(first, "utf-8")
    (package / "core" / "noise.py").write_text(noise, "utf-8")
    found = collect_modules("deepflash_service.start", package)
    assert set(found) == {"deepflash_service.start", "deepflash_service.core.noise"}
    return ast.dump(strip_docstrings(found["deepflash_service.core.noise"]))


def test_code_counts_and_words_do_not(tmp_path: Path) -> None:
    """A constant of an imported module changes the name; a docstring or a comment does not."""
    usual = _collect(tmp_path, '"""Noise."""\nFLOOR = 6.5\n')
    assert _collect(tmp_path, '"""Grain."""\n# why\nFLOOR = 6.5  # because\n') == usual
    assert _collect(tmp_path, '"""Noise."""\nFLOOR = 8.0\n') != usual


def test_packages_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of a package below gives another name, as other code does."""
    usual = find_version()
    for name, other in (("list_versions", dict), ("COMPUTING", ("core",))):
        find_version.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(inference_version, name, other)
            assert find_version() != usual
    find_version.cache_clear()
    assert find_version() == usual
