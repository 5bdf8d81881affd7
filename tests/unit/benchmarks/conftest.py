"""A small image set, laid out like the shared microscopy data, and trainings that take seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from deepflash_service.core.synthetic import make_samples
from deepflash_service.network import presets
from deepflash_service.network.presets import Plan

NAMES = ("0001", "0002", "0003", "0004")


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a lab-wue1 of four images of 128 x 128 pixels and two experts."""
    root = tmp_path_factory.mktemp("data")
    samples = make_samples(len(NAMES), experts=2, test_images=0, shape=(128, 128), bits=8)
    for name, sample in zip(NAMES, samples.train, strict=True):
        _write(root / "lab-wue1" / "images" / f"{name}.png", sample.image)
        labels = root / "lab-wue1" / "labels"
        truth = samples.train_truth[sample.name]
        _write(labels / "est_GT" / f"{name}_cFOS.png", np.uint8(255) * (truth > 0))
        for expert, annotation in sample.experts.items():
            _write(labels / expert / f"{name}_cFOS.png", np.uint8(255) * (annotation > 0))
    return root


@pytest.fixture
def tiny_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make preset quick a network of 4 filters that learns for one epoch."""
    plan = Plan(filters=4, depth=2, epochs=1, folds=3, members=1)
    monkeypatch.setitem(presets.PLANS, "quick", plan)
    monkeypatch.setitem(presets.FINE_TUNE_EPOCHS, "quick", 1)


def _write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path)
