"""Make result.png for the README from the folder that `make demo` left: demo/ by default."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from deepflash_service.core.rois import rois_to_labels
from deepflash_service.demo.pictures import MODEL_COLOUR, draw_contours, stretch_contrast
from deepflash_service.store.roi_files import read_rois

SIDE = 300
GAP = 16


def main(demo: Path, name: str = "unseen-01") -> None:
    """Put the model's outlines and the comparison with the truth side by side."""
    image = tifffile.imread(demo / f"{name}_overlay.tif")
    labels = rois_to_labels(read_rois(demo / f"{name}_RoiSet.zip"), image.shape)
    window = (slice(60, 60 + SIDE), slice(150, 150 + SIDE))
    outlines = draw_contours(stretch_contrast(image)[window], {MODEL_COLOUR: labels[window]})
    comparison = np.asarray(Image.open(demo / f"{name}_comparison.png").convert("RGB"))[window]
    comparison = comparison.repeat(2, axis=0).repeat(2, axis=1)
    gap = np.full((2 * SIDE, GAP, 3), 255, np.uint8)
    picture = Image.fromarray(np.hstack([outlines, gap, comparison]))
    small = picture.quantize(40, dither=Image.Dither.NONE)
    small.save(Path(__file__).with_name("result.png"), optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
