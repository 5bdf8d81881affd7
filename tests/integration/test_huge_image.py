"""A real network: tiles equal the image predicted at once, and pieces equal the ordinary way."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from deepflash_service.records import SegmentOptions
from deepflash_service.workflows import huge
from deepflash_service.workflows.prediction import EngineChoice, load_model
from deepflash_service.workflows.segment import segment_images

SIZE = 1400
CORNER = 448
PART = 576


@pytest.mark.keras
@pytest.mark.parametrize("engine", ["keras", "openvino"])
def test_pieces_tiles_and_the_untiled_image_agree(
    tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """All files are equal byte for byte; no pixel of the labels depends on the tiles."""
    monkeypatch.syspath_prepend(project_root)
    network: Any = import_module("benchmarks.huge_model")
    network.store_smooth_model(tmp_path)
    scene: Any = import_module("benchmarks.huge_scene")
    source = scene.write_scene(tmp_path / "scene.tif", SIZE)
    choice = EngineChoice("keras" if engine == "keras" else "openvino", "float32")
    model = load_model(tmp_path, network.MODEL, choice=choice)
    for name, limit in (("whole", 10**9), ("pieces", 0)):
        monkeypatch.setattr(huge, "HUGE_PIXELS", limit)
        options = SegmentOptions(model=network.MODEL)
        result = segment_images([source], model, options=options, output=tmp_path / name)
        assert result["images"][0]["rois"] > 100
    files = sorted((tmp_path / "whole").iterdir())
    assert len(files) == 8
    for path in files:
        assert path.read_bytes() == (tmp_path / "pieces" / path.name).read_bytes()
    _, untiled = network.predict_untiled(source, tmp_path, corner=CORNER, size=PART)
    part = slice(CORNER, CORNER + PART)
    tiled = tifffile.imread(tmp_path / "pieces" / "scene_probability.tif")[part, part]
    assert untiled.std() > 0.1
    np.testing.assert_allclose(tiled, untiled, atol=1e-5)
