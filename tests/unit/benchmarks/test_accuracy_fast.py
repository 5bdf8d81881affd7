"""The fast form of the accuracy protocols: few steps on real images, coarse bars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from benchmarks.accuracy_bench import Bench
from benchmarks.accuracy_data import find_set
from benchmarks.accuracy_scores import score_masks
from deepflash_service.core.agreement import dice
from deepflash_service.core.labels import label_rois, remove_small_rois
from deepflash_service.network import presets
from deepflash_service.network.presets import Plan
from deepflash_service.records import LabelImage
from deepflash_service.store.disk import prepare_home

IMAGES = ("1107", "1108", "1114", "1124")
EDGE = 512


@pytest.fixture
def cropped(tmp_path: Path, shared_data: Path) -> Path:
    """Return a folder with the middle of four images of lab-inns1 and of their consensus."""
    window = (slice(256, 256 + EDGE),) * 2
    for folder in ("images", "labels/est_GT"):
        target = tmp_path / "data" / "lab-inns1" / folder
        target.mkdir(parents=True)
        for name in IMAGES:
            (path,) = (shared_data / "lab-inns1" / folder).glob(f"{name}*")
            Picture.fromarray(np.asarray(Picture.open(path))[window]).save(target / path.name)
    return tmp_path / "data"


@pytest.mark.keras
@pytest.mark.slow
@pytest.mark.data
def test_thirty_steps_beat_a_threshold_without_learning(
    tmp_path: Path, cropped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two members of 8 filters, 30 steps each, find cells that they never saw better than Otsu."""
    plan = Plan(filters=8, depth=3, epochs=2, folds=2, members=2)
    monkeypatch.setitem(presets.PLANS, "quick", plan)
    prepare_home(tmp_path / "home")
    bench = Bench(home=tmp_path / "home", data=cropped, preset="quick")
    trained = bench.ensure(bench.plan("inns1", folds=2))
    assert [member.steps for member in trained.members] == [30, 30]
    scores = bench.score(trained)
    smallest = find_set(cropped, "inns1").min_roi_size
    rows = [_score_otsu(image.pixels, image.truth, smallest) for image in trained.data.images]
    otsu = dict(zip(("dice", "f1"), np.mean(rows, axis=0), strict=True))
    for name in ("dice", "f1"):
        assert scores["mean"][name] > otsu[name] + 0.05, (scores["mean"], otsu)


def _score_otsu(pixels: np.ndarray, truth: LabelImage, smallest: int) -> tuple[float, float]:
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    smooth = ndimage.gaussian_filter(pixels.astype(np.float32), 1.0)
    found = label_rois(smooth > threshold_otsu(smooth), min_roi_size=smallest)
    expected = remove_small_rois(truth, min_roi_size=smallest)
    return dice(found > 0, truth > 0), float(score_masks(found, expected)["f1"])
