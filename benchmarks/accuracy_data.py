"""The annotated microscopy sets of the accuracy protocols: folders, smallest ROIs, experts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepflash_service.core.pairing import pair_names
from deepflash_service.store.datasets import link_folders
from deepflash_service.store.images import list_images, read_annotation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepflash_service.records import ConsensusMethod, LabelImage


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Images with annotations.

    Attributes
    ----------
    name : str
        Short name, as in the names of protocols and models.
    images : Path
        Folder of the images.
    masks : dict of str to Path
        Folders that a training gets: the published consensus as the only expert, or all experts.
    experts : dict of str to Path
        Folders of the single experts, for their scores; empty where there are none.
    min_roi_size : int
        ROIs with fewer pixels are left out of the scores.
    consensus : str
        How a training joins its masks.
    """

    name: str
    images: Path
    masks: dict[str, Path]
    experts: dict[str, Path]
    min_roi_size: int
    consensus: ConsensusMethod = "auto"


_FOLDERS = {
    "wue1": ("lab-wue1", 30),
    "mue": ("lab-mue", 30),
    "inns1": ("lab-inns1", 16),
    "parv": ("lab-wue1-parv", 61),
    "dsb2018": ("dsb2018", 0),
}


def find_set(data: Path, name: str) -> ImageSet:
    """Return one set of the data folder: wue1, parv, mue, inns1 or dsb2018."""
    folder, smallest = _FOLDERS[name]
    root = data / folder
    if not (root / "images").is_dir():
        raise SystemExit(f"{root} is not there: name the folder with the data sets by --data.")
    if name == "dsb2018":
        return ImageSet(name, root / "images", {"labels": root / "masks"}, {}, smallest)
    experts = {one.name: one for one in sorted((root / "labels").glob("expert_*"))}
    published = root / "labels" / "est_GT"
    if published.is_dir():
        return ImageSet(name, root / "images", {"consensus": published}, experts, smallest)
    return ImageSet(name, root / "images", experts, experts, smallest, "staple")


def link_set(home: Path, images: ImageSet, *, only: Sequence[str] = ()) -> str:
    """Make a data set of the folders, or of the images named ``only``; return its id."""
    if not only:
        return link_folders(home, images.images, masks=images.masks)
    part = home / "parts" / f"{images.name}-{len(only)}-{'-'.join(Path(one).stem for one in only)}"
    masks = {}
    _link_files([images.images / name for name in only], part / "images")
    for expert, folder in images.masks.items():
        masks[expert] = part / expert
        paired = _pair(images.images, {expert: folder})
        _link_files([folder / paired[name][expert] for name in only], masks[expert])
    return link_folders(home, part / "images", masks=masks)


def read_experts(images: ImageSet) -> dict[str, dict[str, LabelImage]]:
    """Return the annotations of the single experts by file name of the image."""
    paired = _pair(images.images, images.experts)
    return {
        name: {
            expert: read_annotation(images.experts[expert] / mask)
            for expert, mask in chosen.items()
        }
        for name, chosen in paired.items()
    }


def _pair(images: Path, masks: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    names = [path.name for path in list_images(images)]
    found = {expert: [one.name for one in list_images(path)] for expert, path in masks.items()}
    return {name: dict(chosen) for name, chosen in pair_names(names, found).pairs.items()}


def _link_files(paths: Sequence[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        target = folder / path.name
        if not target.exists():
            target.symlink_to(path.resolve())
