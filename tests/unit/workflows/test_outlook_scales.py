"""What is expected of images of another pixel size than those of the training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from deepflash_service.core.forecast import fit_forecast
from deepflash_service.core.image_traits import measure_image_traits
from deepflash_service.core.scaling import Scale
from deepflash_service.core.separation import Cut
from deepflash_service.records import ModelCard
from deepflash_service.workflows.outlook import Judge

CUT = Cut(0.5, 4)


def judge(model: ModelCard, image: Any, mask: Any, scale: Scale) -> tuple[str, ...]:
    """Return the flags of an image whose map is sure of a mask."""
    probability = np.where(mask, 0.9, 0.1).astype(np.float32)
    judge = Judge(model, CUT, CUT, scale)
    return judge.judge(image, probability, members=[probability], labels=mask * 1).flags


def draw_cells(pixel: float, *, noise: float = 15.0, seed: int = 0) -> tuple[Any, Any]:
    """Return the same 60 cells through a camera with pixels of a size, and where they are."""
    size = round(256 / pixel)
    spots = np.zeros((size, size))
    spots[tuple(np.random.default_rng(1).uniform(0, size, (2, 60)).astype(int))] = 1
    cells = ndimage.gaussian_filter(spots, 4 / pixel)
    cells /= cells.max()
    light = np.random.default_rng(seed).normal(100, noise, cells.shape)
    return light + 200 * cells, cells > 0.3


def learn(*images: Any, diameter: float) -> ModelCard:
    """Return a model that was trained on images whose ROIs have a diameter."""
    row = {
        "stability": 1.0,
        "uncertainty": 0.36,
        "diameter": float(np.log(diameter)),
        "density": -2.4,
    }
    traits = [measure_image_traits(image) for image in images]
    return ModelCard(name="m", forecast=fit_forecast([row] * 6, [0.8] * 6, images=traits))


def test_scale_is_taken_out() -> None:
    """ROIs that are twice as large because pixels are half as large are no other scale."""
    mask = np.pad(np.ones((20, 20), bool), 30)
    model = learn(diameter=11.3)
    assert judge(model, mask * 200.0, mask, Scale()) == ("scale",)
    assert judge(model, mask * 200.0, mask, Scale(0.5, 0.5)) == ()


@pytest.mark.parametrize("factor", [0.5, 0.77, 1.15, 1.3, 2.0])
def test_another_pixel_size_alone_is_no_flag(factor: float) -> None:
    """A coarser or finer camera with the same noise per pixel makes no strange images."""
    model = learn(*(draw_cells(1.0, seed=seed)[0] for seed in range(1, 7)), diameter=11.0)
    scale = Scale(factor, factor)
    assert judge(model, *draw_cells(factor), scale) == ()
    assert judge(model, *draw_cells(factor, noise=0.5), scale) == ("intensity",)
