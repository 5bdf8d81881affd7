"""A model that needs no network, and small data on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.core import bands
from deepflash_service.records import Calibration, ModelCard, NetworkCard
from deepflash_service.store.images import write_image, write_labels
from deepflash_service.workflows import huge, huge_outlines
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.prediction import LoadedModel

SIZE = Calibration(pixel_width=0.5, pixel_height=0.5, unit="µm")
LABELS = np.zeros((40, 50), np.int32)
LABELS[4:12, 4:12] = 1
LABELS[20:30, 20:32] = 2
LABELS[35, 45] = 3


def predict_bright(image: Any, hooks: Hooks) -> Any:
    """Return 0.9 where the (first) channel is above 100, 0.6 above 50, else 0.1."""
    hooks.check()
    pixels = image if image.ndim == 2 else image[..., 0]
    return np.where(pixels > 100, 0.9, np.where(pixels > 50, 0.6, 0.1)).astype(np.float32)


def make_model(**card: Any) -> LoadedModel:
    """Return a model that marks bright pixels."""
    channels = card.pop("channels", 1)
    facts = {"name": "bright", "network": NetworkCard(channels=channels), **card}
    return LoadedModel("bright@1", ModelCard(**facts), predict_bright, "this computer", "fake")


@pytest.fixture
def bright_model() -> LoadedModel:
    """Return a one-channel model that marks bright pixels."""
    return make_model()


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Return a folder with two images: two cells and a speck, and nothing."""
    folder = tmp_path / "images"
    pixels = ((LABELS > 0) * 200).astype(np.uint8)
    write_image(folder / "a.tif", pixels, calibration=SIZE)
    write_image(folder / "b.tif", pixels * 0, calibration=SIZE)
    return folder


@pytest.fixture
def truth_folder(tmp_path: Path) -> Path:
    """Return a folder with the truth of both images, the names with a suffix."""
    write_labels(tmp_path / "truth" / "a_cells.tif", LABELS)
    write_labels(tmp_path / "truth" / "b_cells.tif", LABELS * 0)
    return tmp_path / "truth"


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every image huge, and its bands and windows small."""
    monkeypatch.setattr(huge, "HUGE_PIXELS", 0)
    monkeypatch.setattr(bands, "BAND_VALUES", 9_000)
    monkeypatch.setattr(huge_outlines, "WINDOW_PIXELS", 60_000)
