"""The same light gives the same ROIs, whatever the bit depth, gain, display range or door."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from deepflash_service.cli import run
from deepflash_service.store.images import read_image
from tests.fiji.tiny_model import store_threshold_model

pytestmark = pytest.mark.keras

SHAPE = (300, 340)
Segment = Callable[..., tuple[dict[str, Any], str]]


def _draw_cells() -> np.ndarray:
    """Return faint cells on noise, as a camera of 8 bits records them."""
    from scipy import ndimage

    rng = np.random.default_rng(3)
    points = np.zeros(SHAPE)
    points[rng.integers(20, 280, 40), rng.integers(20, 320, 40)] = 1
    light = 12 + 9000 * ndimage.gaussian_filter(points, 4) + rng.normal(0, 2, SHAPE)
    return np.asarray(light.clip(0, 255), dtype=np.uint8)


@pytest.fixture
def segment(home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Segment:
    """Segment all images of the folder; return the JSON and what else was told."""

    def segment(*options: str) -> tuple[dict[str, Any], str]:
        arguments = ["segment", str(tmp_path), "--home", str(home), "--model", "bright"]
        arguments += ["--engine", "keras", "--output", str(tmp_path / "out"), "--json", *options]
        assert run(arguments) == 0
        found = capfd.readouterr()
        return json.loads(found.out), found.err

    return segment


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a model that marks what is brighter than half the range."""
    folder = tmp_path_factory.mktemp("home")
    store_threshold_model(folder, name="bright")
    return folder


def test_bit_depth_and_display_range_do_not_matter(segment: Segment, tmp_path: Path) -> None:
    """8, 12 and 16 bit and float, and 8 bit with a narrow display range: equal label images."""
    cells = _draw_cells()
    wide = cells.astype(np.uint16)
    light = cells.astype(np.float32)
    images = {
        "8": cells,
        "12": 16 * wide,
        "16": 257 * wide,
        "float": light / 255,
        "gain": 3e5 * light,
    }
    for name, pixels in images.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels)
    tifffile.imwrite(
        tmp_path / "shown.tif", cells, imagej=True, metadata={"min": 30.0, "max": 40.0}
    )
    result, _ = segment()
    counts = {entry["image"]: entry["rois"] for entry in result["images"]}
    assert set(counts.values()) == {counts["8.tif"]}
    assert counts["8.tif"] > 20
    expected = read_image(tmp_path / "out" / "8_labels.tif").select()
    for name in (*images, "shown"):
        found = read_image(tmp_path / "out" / f"{name}_labels.tif").select()
        np.testing.assert_array_equal(found, expected, err_msg=name)


def test_nothing_gives_nothing_and_a_reason(segment: Segment, tmp_path: Path) -> None:
    """Zeros and noise of 1024 x 1024 have no ROI, and the command line says why."""
    noise = np.random.default_rng(0).normal(20, 5, (1024, 1024)).clip(0, 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "noise.tif", noise)
    tifffile.imwrite(tmp_path / "zeros.tif", 0 * noise)
    result, told = segment("--threshold", "0.95")
    assert [entry["rois"] for entry in result["images"]] == [0, 0]
    assert "zeros.tif: found nothing: all pixels have the value 0." in told
    assert "noise.tif: found nothing" in told


def test_the_pixel_size_can_be_given(segment: Segment, tmp_path: Path) -> None:
    """The option of the command line reaches the results; nonsense is refused."""
    tifffile.imwrite(tmp_path / "a.tif", _draw_cells())
    segment("--pixel-size", "0.25")
    size = read_image(tmp_path / "out" / "a_labels.tif").calibration
    assert (size.pixel_width, size.pixel_height, size.unit) == (0.25, 0.25, "µm")
    arguments = ["segment", str(tmp_path), "--model", "bright", "--output", str(tmp_path / "o")]
    for wrong in ("0", "-1", "nan", "x"):
        assert run([*arguments, "--pixel-size", wrong]) in {1, 2}, wrong
