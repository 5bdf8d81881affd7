"""Data sets: images, and for each expert the annotations of these images.

A data set holds its own copies (uploads), or links to folders (command line).
"""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from deepflash_service.core.pairing import pair_names
from deepflash_service.errors import InputError, NotFoundError
from deepflash_service.store.atomic import stage_folder, write_bytes, write_json
from deepflash_service.store.clock import format_now
from deepflash_service.store.dataset_records import (
    Dataset,
    PairFiles,
    StoredAnnotation,
    StoredImage,
    list_lonely,
)
from deepflash_service.store.images import (
    list_images,
    list_stored,
    list_uploads,
    read_annotation,
    read_image,
)
from deepflash_service.store.links import read_links
from deepflash_service.store.names import check_expert, check_file_name, check_id
from deepflash_service.store.reading import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = [
    "Dataset",
    "PairFiles",
    "StoredAnnotation",
    "StoredImage",
    "create_dataset",
    "delete_annotation",
    "delete_dataset",
    "delete_image",
    "link_folders",
    "list_datasets",
    "list_image_files",
    "open_dataset",
    "put_annotation",
    "put_image",
    "read_file",
]

_FACTS = "dataset.json"


def create_dataset(home: Path, name: str) -> str:
    """Make an empty data set and return its id."""
    return _create(home, name, {})


def link_folders(home: Path, images: Path, *, masks: Mapping[str, Path]) -> str:
    """Make a data set that refers to folders outside the home folder; nothing is copied.

    Parameters
    ----------
    home : Path
        Home folder.
    images : Path
        Folder of the images.
    masks : mapping of str to Path
        Folder of each expert's annotations.

    Raises
    ------
    InputError
        Codes ``unreadable_file`` and ``invalid_name``.
    """
    list_images(images)
    for expert, folder in masks.items():
        check_expert(expert)
        list_images(folder, with_rois=True)
    links = {
        "images": str(images.resolve()),
        "masks": {expert: str(folder.resolve()) for expert, folder in masks.items()},
    }
    return _create(home, images.resolve().name, {"links": links})


def _create(home: Path, name: str, extra: dict[str, Any]) -> str:
    dataset_id = f"d-{uuid4().hex[:12]}"
    facts = {"id": dataset_id, "name": name[:200], "created": format_now(), **extra}
    with stage_folder(home / "datasets" / dataset_id) as folder:
        (folder / "images").mkdir()
        (folder / "annotations").mkdir()
        write_json(folder / _FACTS, facts)
    return dataset_id


def open_dataset(home: Path, dataset_id: str) -> Dataset:
    """Return the contents of a data set.

    Raises
    ------
    NotFoundError
        Code ``unknown_dataset``.
    """
    folder = _find_folder(home, dataset_id)
    facts = read_json(folder / _FACTS)
    images, masks = read_links(facts, folder)
    is_linked = "links" in facts
    image_paths = _map_names(list_images(images) if is_linked else list_stored(images))
    mask_paths = {
        expert: _map_names(list_images(one, with_rois=True) if is_linked else list_uploads(one))
        for expert, one in sorted(masks.items())
    }
    pairing = pair_names(list(image_paths), {key: list(one) for key, one in mask_paths.items()})
    pairs = tuple(
        PairFiles(image, image_paths[image], {one: mask_paths[one][chosen[one]] for one in chosen})
        for image, chosen in pairing.pairs.items()
    )
    return Dataset(
        id=dataset_id,
        name=str(facts.get("name", "")),
        images=tuple(image_paths),
        experts=tuple(expert for expert, one in mask_paths.items() if one or is_linked),
        pairs=pairs,
        warnings=tuple(pairing.warnings),
        created=str(facts.get("created", "")),
        lonely=list_lonely(pairing, mask_paths),
    )


def list_image_files(home: Path, dataset_id: str) -> list[Path]:
    """Return the paths of all images, annotated or not, sorted by name.

    Raises
    ------
    NotFoundError
        Code ``unknown_dataset``.
    InputError
        Code ``empty_dataset``.
    """
    folder = _find_folder(home, dataset_id)
    facts = read_json(folder / _FACTS)
    images, _ = read_links(facts, folder)
    found = list_images(images) if "links" in facts else list_stored(images)
    if not found:
        raise InputError(
            f"The data set {dataset_id} holds no images yet; upload some first.",
            code="empty_dataset",
            details={"dataset": dataset_id},
        )
    return found


def _map_names(paths: Sequence[Path]) -> dict[str, Path]:
    return {path.name: path for path in paths}


def list_datasets(home: Path) -> list[Dataset]:
    """Return all readable data sets, oldest first."""
    found = []
    for folder in sorted((home / "datasets").glob("d-*/")):
        try:
            found.append(open_dataset(home, folder.name))
        except (InputError, NotFoundError):
            continue
    return sorted(found, key=lambda one: one.created)


def put_image(home: Path, dataset_id: str, *, name: str, data: bytes) -> StoredImage:
    """Store an image; an earlier one of the same name is replaced.

    Raises
    ------
    InputError
        Codes ``invalid_name``, ``invalid_image``, ``image_too_large``.
    NotFoundError
        Code ``unknown_dataset``.
    """
    folder = _find_own_folder(home, dataset_id)
    check_file_name(name, kind="image")
    image = read_image(data, name=name)
    write_bytes(folder / "images" / name, data)
    return StoredImage(name, image.shape, hashlib.sha256(data).hexdigest())


def put_annotation(
    home: Path, dataset_id: str, *, expert: str, name: str, data: bytes
) -> StoredAnnotation:
    """Store one expert's annotation of one image; an earlier one of this name is replaced.

    Raises
    ------
    InputError
        Codes ``invalid_name``, ``invalid_annotation``, ``shape_mismatch``.
    NotFoundError
        Code ``unknown_dataset``.
    """
    folder = _find_own_folder(home, dataset_id)
    check_expert(expert)
    check_file_name(name, kind="annotation")
    labels = read_annotation(data, shape=_find_shape(folder, name), name=name)
    write_bytes(folder / "annotations" / expert / name, data)
    return StoredAnnotation(name, expert, np.unique(labels[labels > 0]).size)


def delete_image(home: Path, dataset_id: str, *, name: str) -> None:
    """Remove an image.

    Raises
    ------
    NotFoundError
        Code ``unknown_file``.
    """
    read_file(home, dataset_id, name=name).unlink()


def delete_annotation(home: Path, dataset_id: str, *, expert: str, name: str) -> None:
    """Remove an annotation.

    Raises
    ------
    NotFoundError
        Code ``unknown_file``.
    """
    read_file(home, dataset_id, name=name, expert=expert).unlink()


def delete_dataset(home: Path, dataset_id: str) -> None:
    """Move a data set to the trash.

    Raises
    ------
    NotFoundError
        Code ``unknown_dataset``.
    """
    folder = _find_folder(home, dataset_id)
    trash = home / "datasets" / ".trash"
    trash.mkdir(exist_ok=True)
    shutil.move(folder, trash / dataset_id)


def read_file(home: Path, dataset_id: str, *, name: str, expert: str | None = None) -> Path:
    """Return the path of an uploaded image, or of an expert's annotation.

    Raises
    ------
    NotFoundError
        Codes ``unknown_dataset`` and ``unknown_file``.
    """
    folder = _find_own_folder(home, dataset_id)
    check_file_name(name)
    part = folder / "images" if expert is None else folder / "annotations" / check_expert(expert)
    path = part / name
    if not path.is_file():
        raise NotFoundError(
            f"The data set {dataset_id} has no file {name!r}; upload it first.",
            code="unknown_file",
            details={"name": name, "expert": expert},
        )
    return path


def _find_folder(home: Path, dataset_id: str) -> Path:
    try:
        folder = home / "datasets" / check_id(dataset_id)
    except InputError:
        folder = None
    if folder is None or not (folder / _FACTS).is_file():
        raise NotFoundError(
            f"There is no data set {dataset_id!r}; create it or choose another one.",
            code="unknown_dataset",
            details={"dataset": dataset_id},
        )
    return folder


def _find_own_folder(home: Path, dataset_id: str) -> Path:
    folder = _find_folder(home, dataset_id)
    if "links" in read_json(folder / _FACTS):
        raise InputError(
            f"The data set {dataset_id} refers to folders outside; change the files there.",
            code="linked_dataset",
        )
    return folder


def _find_shape(folder: Path, name: str) -> tuple[int, int] | None:
    names = [path.name for path in list_stored(folder / "images")]
    pairs = pair_names(names, {"expert": [name]}).pairs
    return read_image(folder / "images" / next(iter(pairs))).shape if pairs else None
