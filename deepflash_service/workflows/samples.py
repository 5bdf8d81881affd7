"""The demonstration data set as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepflash_service.core.rois import labels_to_rois
from deepflash_service.core.synthetic import make_samples
from deepflash_service.errors import InputError
from deepflash_service.records import Calibration
from deepflash_service.store.images import write_image, write_labels, write_roi_zip

if TYPE_CHECKING:
    from pathlib import Path

_CALIBRATION = Calibration(pixel_width=0.62, pixel_height=0.62, unit="µm")


def write_samples(
    folder: Path, *, images: int = 8, experts: int = 4, seed: int = 0
) -> dict[str, Any]:
    """Write simulated images, the annotations of simulated experts, and unseen test images.

    Parameters
    ----------
    folder : Path
        Receives ``train/images``, ``train/masks/expert_K``, ``train/rois/expert_K``,
        ``test/images`` and ``test/truth``.
    images : int, optional
        Number of training images.
    experts : int, optional
        Number of experts.
    seed : int, optional
        Same seed, same files.

    Returns
    -------
    dict
        ``{"folder", "train", "test", "experts"}``.

    Raises
    ------
    InputError
        Code ``invalid_options``.
    """
    if images < 1 or experts < 1:
        raise InputError("Ask for at least one image and one expert.", code="invalid_options")
    samples = make_samples(images, experts, seed)
    names: set[str] = set()
    for sample in samples.train:
        write_image(
            _find(folder, "train/images", sample.name), sample.image, calibration=_CALIBRATION
        )
        for expert, labels in sample.experts.items():
            names.add(expert)
            write_labels(_find(folder, f"train/masks/{expert}", sample.name), labels)
            rois = folder / "train/rois" / expert / f"{sample.name}_RoiSet.zip"
            write_roi_zip(rois, labels_to_rois(labels))
    for unseen in samples.test:
        write_image(
            _find(folder, "test/images", unseen.name), unseen.image, calibration=_CALIBRATION
        )
        write_labels(
            _find(folder, "test/truth", unseen.name), unseen.truth, calibration=_CALIBRATION
        )
    return {
        "folder": str(folder),
        "train": [sample.name for sample in samples.train],
        "test": [sample.name for sample in samples.test],
        "experts": sorted(names),
    }


def _find(folder: Path, part: str, name: str) -> Path:
    return folder / part / f"{name}.tif"
