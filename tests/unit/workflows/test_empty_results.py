"""A result without ROIs comes with its reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from deepflash_service.store.images import PlaneLayout, write_image
from deepflash_service.workflows.empty_results import explain_nothing, tell_empty
from deepflash_service.workflows.hooks import Hooks
from tests.unit.workflows.conftest import make_model
from tests.unit.workflows.huge_samples import make_model as make_rows_model
from tests.unit.workflows.huge_samples import segment

NOISE = np.random.default_rng(0).normal(20, 5, (300, 300)).clip(0, 255).astype(np.uint8)
SPOT = NOISE.copy()
SPOT[100:103, 100:103] = 250


def _explain(image: np.ndarray, highest: float, *, smallest: int = 10) -> str:
    chances = np.full(image.shape[:2], 0.1, np.float32)
    chances[100:103, 100:103] = highest
    return explain_nothing(image, chances, threshold=0.5, smallest=smallest)


def test_blank_images_are_named() -> None:
    """One value everywhere."""
    assert _explain(np.zeros((300, 300)), 0.9) == "all pixels have the value 0."


def test_noise_is_named() -> None:
    """Noise in all channels; an image with structure is not called noise."""
    text = _explain(NOISE, 0.3)
    assert "hardly more than noise (its intensities span 5." in text
    assert text.endswith("the highest probability is 0.30, the threshold 0.5.")
    assert "noise" in _explain(np.stack([NOISE, NOISE], axis=-1), 0.3)
    rows = np.linspace(0, 200, 300)[:, None] + NOISE
    assert "noise" not in _explain(rows, 0.3)
    assert "noise" not in _explain(np.stack([NOISE, rows], axis=-1), 0.3)


def test_smooth_noise_is_named() -> None:
    """Noise that was filtered is noise too; a bright spot on it is not."""
    filtered = ndimage.median_filter(NOISE, 3)
    assert "hardly more than noise (its intensities span" in _explain(filtered, 0.3)
    filtered[100:103, 100:103] = 250
    assert "noise" not in _explain(filtered, 0.3)


def test_small_regions_are_named() -> None:
    """Regions that were found and left out."""
    text = _explain(SPOT, 0.9)
    assert "the largest of 1 regions has 9 pixels, the minimum ROI size is 10" in text


@pytest.mark.parametrize("is_huge", [False, True])
@pytest.mark.parametrize(
    ("image", "words"),
    [
        (NOISE * 0, "found nothing"),
        (NOISE, "the threshold 0.99."),
        (SPOT, "minimum ROI size"),
    ],
)
def test_segmentation_says_why(
    tmp_path: Path, image: np.ndarray, words: str, is_huge: bool, request: pytest.FixtureRequest
) -> None:
    """The reason is a warning, also for images that are segmented piece by piece."""
    if is_huge:
        request.getfixturevalue("small_pieces")
    write_image(tmp_path / "a.tif", image)
    warnings: list[str] = []
    model = make_rows_model(smallest=200) if is_huge else make_model(min_roi_size=200)
    threshold = 0.99 if words.startswith("the threshold") else None
    entry = segment(
        tmp_path / "a.tif", tmp_path / "out", model=model, threshold=threshold,
        hooks=Hooks(warn=warnings.append),
    )  # fmt: skip
    assert entry["rois"] == 0
    assert len(warnings) == 1
    assert warnings[0].startswith("a.tif: found nothing")
    assert words in warnings[0]


@pytest.mark.parametrize("is_huge", [False, True])
def test_empty_planes_of_a_stack_are_named(
    tmp_path: Path, is_huge: bool, request: pytest.FixtureRequest
) -> None:
    """One warning names all planes without ROI, also where others have some."""
    if is_huge:
        request.getfixturevalue("small_pieces")
    full = np.zeros((300, 300), np.uint8)
    full[100:140, 100:140] = 250
    planes = [full, NOISE * 0, NOISE * 0, full, NOISE * 0]
    write_image(tmp_path / "a.tif", np.stack(planes), layout=PlaneLayout(slices=5))
    warnings: list[str] = []
    model = make_rows_model(smallest=200) if is_huge else make_model(min_roi_size=200)
    hooks = Hooks(warn=warnings.append)
    segment(tmp_path / "a.tif", tmp_path / "out", model=model, hooks=hooks)
    told = [one for one in warnings if "found nothing" in one]
    assert len(told) == 1
    assert told[0].startswith("a.tif: found nothing in 3 of 5 planes (2-3, 5); in plane 2, ")
    segment(tmp_path / "a.tif", tmp_path / "one", model=model, hooks=hooks, planes=4)
    assert [one for one in warnings if "found nothing" in one] == told


def test_single_planes_are_named() -> None:
    """One plane alone needs no number."""
    assert tell_empty([1], 1, "why.") == "found nothing: why."
    assert tell_empty([3], 4, "why.") == "found nothing in plane 3 of 4: why."
