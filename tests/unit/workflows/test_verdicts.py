"""One verdict per image and expert, on files with each kind of fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.core.pairing import hash_pixels
from deepflash_service.store import datasets
from deepflash_service.store.images import read_annotation, write_image, write_labels, write_mask
from deepflash_service.workflows.agree import AgreementOptions, agree_dataset
from deepflash_service.workflows.pair_report import check_pairs
from tests.unit.workflows.conftest import LABELS

MASK = LABELS > 0
EXPERTS = ("a", "b")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return four 16-bit images with good annotations of two experts."""
    for name in ("1", "2", "3", "4"):
        pixels = np.random.default_rng(int(name)).integers(0, 200, MASK.shape).astype(np.uint16)
        write_image(tmp_path / "images" / f"{name}.tif", pixels)
        for expert in EXPERTS:
            write_mask(tmp_path / expert / f"{name}.tif", MASK)
    return tmp_path


def judge(folder: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the verdicts by image, expert and file."""
    masks = {expert: folder / expert for expert in EXPERTS}
    found = datasets.link_folders(folder / "home", folder / "images", masks=masks)
    verdicts = check_pairs(folder / "home", found, with_verdicts=True)["verdicts"]
    return {(one["image"], one["expert"], one["file"]): one for one in verdicts}


def find_faults(folder: Path) -> dict[tuple[str, str, str], str]:
    """Return the words of all that does not simply fit."""
    return {
        place: one["verdict"] for place, one in judge(folder).items() if one["verdict"] != "fits"
    }


def test_good_pairs_fit_and_tell_how_well_the_experts_agree(folder: Path) -> None:
    """F1 and pixel Jaccard of the experts stand beside each of their annotations."""
    write_labels(folder / "b" / "1.tif", np.where(LABELS <= 2, LABELS, 0))
    write_mask(folder / "b" / "2.tif", MASK)
    verdicts = judge(folder)
    assert len(verdicts) == 8
    assert {one["verdict"] for one in verdicts.values()} == {"fits"}
    assert {one["advice"] for one in verdicts.values()} == {""}
    for expert, rois in (("a", 3), ("b", 2)):
        one = verdicts["1.tif", expert, "1.tif"]
        assert one["rois"] == rois
        assert one["f1"] == pytest.approx(2 * 2 / (2 + 3))
        assert one["jaccard"] == pytest.approx((LABELS[MASK] <= 2).mean())
    assert verdicts["2.tif", "a", "2.tif"]["f1"] == 1


def test_experts_who_hardly_agree_are_told(folder: Path) -> None:
    """Below an F1 of 0.5 the image is to be looked at; both rows say so."""
    write_mask(folder / "b" / "1.tif", np.roll(MASK, 13, axis=1))
    verdicts = judge(folder)
    assert find_faults(folder) == {("1.tif", expert, "1.tif"): "agreement" for expert in EXPERTS}
    one = verdicts["1.tif", "a", "1.tif"]
    assert one["f1"] < 0.5
    assert f"mean F1 {one['f1']:.2f}" in one["advice"]


def test_what_is_missing_is_told_by_image_and_by_file(folder: Path) -> None:
    """An image without annotation, and an annotation without image, each with a remedy."""
    (folder / "b" / "3.tif").rename(folder / "b" / "30.tif")
    verdicts = judge(folder)
    assert find_faults(folder) == {
        ("3.tif", "b", ""): "missing",
        ("", "b", "30.tif"): "missing",
    }
    assert "Annotate the image" in verdicts["3.tif", "b", ""]["advice"]
    assert "Name the annotation like its image" in verdicts["", "b", "30.tif"]["advice"]
    assert verdicts["3.tif", "a", "3.tif"]["f1"] is None


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("size", "has 20 x 50 pixels"),
        ("empty", "marks nothing"),
        ("not binary", "looks like a probability map or an image"),
        ("unreadable", "1.tif"),
    ],
)
def test_a_broken_annotation_has_its_word(folder: Path, word: str, sentence: str) -> None:
    """Only the row of that annotation is concerned."""
    path = folder / "b" / "1.tif"
    if word == "size":
        write_mask(path, MASK[:20])
    elif word == "empty":
        write_mask(path, np.zeros_like(MASK))
    elif word == "not binary":
        write_image(path, np.random.default_rng(0).random(MASK.shape).astype(np.float32))
    else:
        path.write_bytes(path.read_bytes()[:40])
    faults = find_faults(folder)
    if word == "empty":
        assert faults.pop(("1.tif", "a", "1.tif")) == "agreement"
    assert faults == {("1.tif", "b", "1.tif"): word}
    assert sentence in judge(folder)["1.tif", "b", "1.tif"]["advice"]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("channel", "is an RGB image"),
        ("channel", "has 2 channels, most images have 1"),
        ("bit depth", "has 8 bit, most images have 16"),
        ("stack", "is a stack of 3 planes"),
        ("unreadable", "1.tif"),
    ],
)
def test_an_image_unlike_the_others_has_its_word(folder: Path, word: str, sentence: str) -> None:
    """All experts of that image are concerned, no other image."""
    import tifffile

    path = folder / "images" / "1.tif"
    eight = np.random.default_rng(9).integers(0, 255, MASK.shape).astype(np.uint8)
    if "RGB" in sentence:
        tifffile.imwrite(path, np.stack([eight, eight.T.reshape(MASK.shape), eight // 2], -1))
    elif "channels" in sentence:
        both = np.stack([eight, eight]).astype(np.uint16)
        tifffile.imwrite(path, both, imagej=True, metadata={"axes": "CYX"})
    elif word == "bit depth":
        tifffile.imwrite(path, eight)
    elif word == "stack":
        tifffile.imwrite(path, np.stack([eight] * 3), imagej=True, metadata={"axes": "ZYX"})
    else:
        path.write_bytes(path.read_bytes()[:40])
    assert find_faults(folder) == {("1.tif", expert, "1.tif"): word for expert in EXPERTS}
    assert sentence in judge(folder)["1.tif", "a", "1.tif"]["advice"]


def test_an_image_given_once_per_expert_is_compared_too(folder: Path) -> None:
    """As in 2018: two names, the same pixels, one mask each; the row tells their agreement."""
    (folder / "b" / "1.tif").unlink()
    (folder / "a" / "2.tif").unlink()
    (folder / "images" / "2.tif").write_bytes((folder / "images" / "1.tif").read_bytes())
    write_labels(folder / "b" / "2.tif", np.where(LABELS <= 2, LABELS, 0))
    verdicts = judge(folder)
    for place in (("1.tif", "a", "1.tif"), ("2.tif", "b", "2.tif")):
        assert verdicts[place]["f1"] == pytest.approx(0.8)
    assert [(place[:2], one["verdict"]) for place, one in verdicts.items()][:2] == [
        (("1.tif", "a"), "fits"),
        (("2.tif", "b"), "fits"),
    ]
    assert not find_faults(folder)


def test_an_expert_who_annotated_neither_of_two_equal_images_is_missed(folder: Path) -> None:
    """Both names of the image are listed, since the annotation may go to either."""
    for name in ("1.tif", "2.tif"):
        (folder / "b" / name).unlink()
    (folder / "images" / "2.tif").write_bytes((folder / "images" / "1.tif").read_bytes())
    assert find_faults(folder) == {
        ("1.tif", "b", ""): "missing",
        ("2.tif", "b", ""): "missing",
    }


def test_each_file_is_read_once_and_each_image_compared_twice_at_most(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client waits for the verdicts of all pairs: large images must not be gone over again."""
    read: list[str] = []
    hashed: list[int] = []

    def read_noted(path: Path, **options: Any) -> Any:
        read.append(f"{path.parent.name}/{path.name}")
        return read_annotation(path, **options)

    def hash_noted(pixels: Any) -> str:
        hashed.append(pixels.size)
        return hash_pixels(pixels)

    monkeypatch.setattr("deepflash_service.workflows.pairs.read_annotation", read_noted)
    monkeypatch.setattr("deepflash_service.core.pairing.hash_pixels", hash_noted)
    assert not find_faults(folder)
    assert sorted(read) == [f"{expert}/{name}.tif" for expert in EXPERTS for name in range(1, 5)]
    assert len(hashed) <= 2 * 4


def test_verdicts_come_with_the_agreement_of_the_experts(folder: Path) -> None:
    """One reading of all files answers all that Check Pairs asks."""
    write_mask(folder / "b" / "1.tif", LABELS == 1)
    masks = {expert: folder / expert for expert in EXPERTS}
    found = datasets.link_folders(folder / "home", folder / "images", masks=masks)
    report = check_pairs(folder / "home", found, with_verdicts=True)
    whole = agree_dataset(folder / "home", found, options=AgreementOptions())
    assert report["pairwise"] == whole["pairwise"]
    assert (report["pairwise"][0]["a"], report["pairwise"][0]["images"]) == ("a", 4)
    assert report["pairwise"][0]["f1"] < 1
    assert check_pairs(folder / "home", found)["pairwise"] == []


def test_experts_that_cannot_be_compared_are_a_warning(folder: Path) -> None:
    """One expert has nobody to agree with; one called consensus is told to choose another name."""
    alone = datasets.link_folders(folder / "home", folder / "images", masks={"a": folder / "a"})
    report = check_pairs(folder / "home", alone, with_verdicts=True)
    assert (report["pairwise"], report["warnings"]) == ([], [])
    masks = {"a": folder / "a", "consensus": folder / "b"}
    odd = datasets.link_folders(folder / "home", folder / "images", masks=masks)
    report = check_pairs(folder / "home", odd, with_verdicts=True)
    assert report["pairwise"] == []
    assert len(report["verdicts"]) == 8
    assert "Give that expert another name" in report["warnings"][-1]
