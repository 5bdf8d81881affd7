"""Make result.png for the README from the folder that `make demo` left: demo/ by default."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from deepflash_service.core.rois import rois_to_labels
from deepflash_service.demo.pictures import (
    MODEL_COLOUR,
    choose_crop,
    draw_contours,
    stretch_contrast,
)
from deepflash_service.store.roi_files import read_rois

SIDE = 300
GAP = 16


def main(demo: Path, name: str = "unseen-01") -> None:
    """Put the model's outlines and the comparison with the truth side by side."""
    image = tifffile.imread(demo / f"{name}_overlay.tif")
    labels = rois_to_labels(read_rois(demo / f"{name}_RoiSet.zip"), image.shape)
    window = choose_crop(labels, SIDE)
    outlines = draw_contours(stretch_contrast(image)[window], {MODEL_COLOUR: labels[window]})
    comparison = np.asarray(Image.open(demo / f"{name}_comparison.png").convert("RGB"))[window]
    comparison = comparison.repeat(2, axis=0).repeat(2, axis=1)
    gap = np.full((2 * SIDE, GAP, 3), 255, np.uint8)
    save_small(np.hstack([outlines, gap, comparison]), Path(__file__).with_name("result.png"))


def save_small(picture: np.ndarray, path: Path) -> None:
    """Save with 64 greys and the few pure colours, a third of the size of full colour."""
    flat = picture.reshape(-1, 3)
    is_grey = (flat == flat[:, :1]).all(axis=1)
    colours, numbers = np.unique(flat[~is_grey], axis=0, return_inverse=True)
    indices = flat[:, 0] // 4
    indices[~is_grey] = 64 + numbers
    greys = np.linspace(0, 255, 64).round().astype(np.uint8)[:, np.newaxis].repeat(3, axis=1)
    image = Image.fromarray(indices.reshape(picture.shape[:2])).convert("P")
    image.putpalette(np.vstack([greys, colours]).ravel().tolist())
    image.save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
