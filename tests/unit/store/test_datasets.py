"""Data sets: uploads, links, pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepflash_service.core.rois import labels_to_rois
from deepflash_service.errors import InputError, NotFoundError
from deepflash_service.store import datasets
from tests.unit.store.image_samples import make_png, make_tiff

IMAGE = (np.arange(600) % 251).astype(np.uint8).reshape(20, 30)
MASK = np.zeros((20, 30), np.uint8)
MASK[3:6, 3:6] = 255
MASK[10:14, 3:6] = 255


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    """Return the id of a data set with one image and two experts."""
    found = datasets.create_dataset(tmp_path, "mice")
    datasets.put_image(tmp_path, found, name="0001.tif", data=make_tiff(IMAGE))
    for expert in ("anna", "ben"):
        datasets.put_annotation(
            tmp_path, found, expert=expert, name="0001_cFOS.png", data=make_png(MASK)
        )
    return found


def test_uploads_are_answered_with_facts(tmp_path: Path, dataset: str) -> None:
    """An image answers its size, an annotation its number of ROIs."""
    image = datasets.put_image(tmp_path, dataset, name="0002.tif", data=make_tiff(IMAGE))
    assert image.shape == (20, 30)
    assert len(image.sha256) == 64
    stored = datasets.put_annotation(
        tmp_path, dataset, expert="anna", name="0002.tif", data=make_tiff(MASK)
    )
    assert stored.rois == 2


def test_pairs_follow_the_names(tmp_path: Path, dataset: str) -> None:
    """A suffix that the image lacks does not matter."""
    found = datasets.open_dataset(tmp_path, dataset)
    assert found.images == ("0001.tif",)
    assert found.experts == ("anna", "ben")
    assert [sorted(pair.annotations) for pair in found.pairs] == [["anna", "ben"]]
    assert found.to_json()["pairs"] == [{"image": "0001.tif", "experts": ["anna", "ben"]}]
    assert [one.id for one in datasets.list_datasets(tmp_path)] == [dataset]


def test_leftovers_are_named(tmp_path: Path, dataset: str) -> None:
    """An image without mask, and a mask without image, are told and left out."""
    datasets.put_image(tmp_path, dataset, name="0002.tif", data=make_tiff(IMAGE))
    datasets.put_annotation(tmp_path, dataset, expert="ben", name="9.tif", data=make_tiff(MASK))
    found = datasets.open_dataset(tmp_path, dataset)
    assert len(found.pairs) == 1
    assert "0002.tif" in " ".join(found.warnings)
    assert "9.tif" in " ".join(found.warnings)


def test_sizes_must_agree(tmp_path: Path, dataset: str) -> None:
    """A mask of another size is refused at once, and not kept."""
    with pytest.raises(InputError) as caught:
        datasets.put_annotation(
            tmp_path, dataset, expert="anna", name="0001.tif", data=make_tiff(MASK.T.copy())
        )
    assert caught.value.code == "shape_mismatch"
    assert len(datasets.open_dataset(tmp_path, dataset).pairs[0].annotations) == 2


def test_roi_sets_are_annotations(tmp_path: Path, dataset: str) -> None:
    """A single ROI file is drawn on the size of its image."""
    roi = labels_to_rois((MASK > 0).astype(np.int32))[0]
    stored = datasets.put_annotation(tmp_path, dataset, expert="cleo", name="0001.roi", data=roi)
    assert stored.rois == 1


@pytest.mark.parametrize("data", [b"", b"text", make_tiff(IMAGE)[:-50]])
def test_bad_uploads_leave_nothing(tmp_path: Path, dataset: str, data: bytes) -> None:
    """What cannot be read is not stored under any name."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError):
        datasets.put_image(tmp_path, dataset, name="bad.tif", data=data)
    with pytest.raises(InputError):
        datasets.put_annotation(tmp_path, dataset, expert="anna", name="bad.tif", data=data)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["../evil.tif", "a\\b.tif", "NUL", ""])
def test_names_cannot_leave_the_folder(tmp_path: Path, dataset: str, name: str) -> None:
    """Neither image nor expert nor annotation names a path."""
    data = make_tiff(IMAGE)
    with pytest.raises(InputError):
        datasets.put_image(tmp_path, dataset, name=name, data=data)
    with pytest.raises(InputError):
        datasets.put_annotation(tmp_path, dataset, expert=name, name="0001.tif", data=data)
    with pytest.raises(InputError):
        datasets.read_file(tmp_path, dataset, name=name)


def test_hashes_follow_the_content(tmp_path: Path, dataset: str) -> None:
    """Another mask gives another hash under its expert and name, the same mask the same."""
    before = datasets.open_dataset(tmp_path, dataset).hash_files()
    put = {"expert": "anna", "name": "0001_cFOS.png"}
    datasets.put_annotation(tmp_path, dataset, data=make_png(MASK), **put)
    assert datasets.open_dataset(tmp_path, dataset).hash_files() == before
    datasets.put_annotation(tmp_path, dataset, data=make_png(MASK[::-1]), **put)
    after = datasets.open_dataset(tmp_path, dataset).hash_files()
    assert after["image"] == before["image"]
    names = set(after["annotation"])
    assert names == set(before["annotation"])
    changed = {name for name in names if after["annotation"][name] != before["annotation"][name]}
    assert changed == {"anna/0001_cFOS.png"}


def test_files_can_be_read_and_deleted(tmp_path: Path, dataset: str) -> None:
    """Images and annotations are files again; deleted ones are gone."""
    path = datasets.read_file(tmp_path, dataset, name="0001_cFOS.png", expert="anna")
    assert path.read_bytes() == make_png(MASK)
    datasets.delete_annotation(tmp_path, dataset, expert="anna", name="0001_cFOS.png")
    assert datasets.open_dataset(tmp_path, dataset).experts == ("ben",)
    datasets.delete_image(tmp_path, dataset, name="0001.tif")
    with pytest.raises(NotFoundError):
        datasets.delete_image(tmp_path, dataset, name="0001.tif")
    datasets.delete_dataset(tmp_path, dataset)
    with pytest.raises(NotFoundError) as caught:
        datasets.open_dataset(tmp_path, dataset)
    assert caught.value.code == "unknown_dataset"


def test_folders_are_linked_not_copied(tmp_path: Path) -> None:
    """The command line refers to folders where they lie."""
    for part in ("images", "a", "b"):
        (tmp_path / part).mkdir()
    (tmp_path / "images" / "x.tif").write_bytes(make_tiff(IMAGE))
    (tmp_path / "a" / "x_msk.tif").write_bytes(make_tiff(MASK))
    masks = {"anna": tmp_path / "a", "ben": tmp_path / "b"}
    found = datasets.link_folders(tmp_path / "home", tmp_path / "images", masks=masks)
    opened = datasets.open_dataset(tmp_path / "home", found)
    assert opened.pairs[0].image == (tmp_path / "images" / "x.tif").resolve()
    assert opened.experts == ("anna", "ben")
    with pytest.raises(InputError, match="refers to folders outside"):
        datasets.put_image(tmp_path / "home", found, name="y.tif", data=make_tiff(IMAGE))
    with pytest.raises(InputError):
        datasets.link_folders(tmp_path / "home", tmp_path / "nothing", masks=masks)
