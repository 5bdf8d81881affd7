"""Agreement and consensus of folders and data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepflash_service.core.kappa import cohen_kappa
from deepflash_service.core.rois import labels_to_rois
from deepflash_service.errors import InputError, NotFoundError
from deepflash_service.store import datasets
from deepflash_service.store.images import read_image, write_mask, write_roi_zip
from deepflash_service.workflows.agree import (
    AgreementOptions,
    agree_dataset,
    agree_folders,
    make_consensus,
    write_consensus,
)
from deepflash_service.workflows.pair_report import check_pairs
from tests.unit.store.image_samples import make_tiff
from tests.unit.workflows.conftest import LABELS

MASK = LABELS > 0


@pytest.fixture
def experts(tmp_path: Path) -> dict[str, Path]:
    """Return the folders of three experts; the third marks less and misses an image."""
    for name in ("x_cFOS.tif", "y_cFOS.tif"):
        write_mask(tmp_path / "a" / name, MASK)
        write_mask(tmp_path / "b" / name, MASK)
    write_mask(tmp_path / "c" / "x_b.tif", LABELS == 1)
    return {expert: tmp_path / expert for expert in "abc"}


def test_agreement_has_all_keys(experts: dict[str, Path]) -> None:
    """The object is the one that the command line promises."""
    result = agree_folders(experts, options=AgreementOptions("majority"))
    assert result["images"] == 2
    assert result["experts"] == ["a", "b", "c"]
    assert set(result["pairs"]) == {"pixel_jaccard", "dice", "roi_jaccard", "f1"}
    assert {(one["a"], one["b"]) for one in result["pairwise"]} == {
        ("a", "b"), ("a", "c"), ("b", "c")
    }  # fmt: skip
    found = result["consensus"]
    assert {"mean_f1", "median_f1", "worst_f1", "mean_dice", "per_expert", "per_image"} <= set(
        found
    )
    assert found["per_expert"]["a"]["f1"] == 1
    assert [one["image"] for one in found["per_image"]] == ["x_cFOS", "y_cFOS"]
    assert result["rois"] == {"a": 6, "b": 6, "c": 1, "consensus": 6}
    kappas = {(one["a"], one["b"]): one["kappa"] for one in result["pairwise"]}
    assert kappas["a", "b"] == pytest.approx(1)
    assert kappas["a", "c"] == kappas["b", "c"] == cohen_kappa(MASK, LABELS == 1)


def test_a_folder_can_be_the_consensus(experts: dict[str, Path], tmp_path: Path) -> None:
    """A given consensus is used as it is; a missing file is named."""
    write_mask(tmp_path / "gt" / "x.tif", LABELS == 1)
    options = AgreementOptions(tmp_path / "gt")
    with pytest.raises(InputError, match="no consensus for y_cFOS"):
        agree_folders(experts, options=options)
    write_mask(tmp_path / "gt" / "y.tif", LABELS == 1)
    found = agree_folders(experts, options=options)["consensus"]
    assert found["per_expert"]["c"]["f1"] == 1
    assert found["per_expert"]["a"]["f1"] == pytest.approx(2 / 4)


def test_names_that_only_differ_by_a_word_stay_apart(tmp_path: Path) -> None:
    """Images mouse_a and mouse_b are two images, not one with two masks."""
    for expert in ("a", "b"):
        for name in ("mouse_a.tif", "mouse_b.tif"):
            write_mask(tmp_path / expert / name, MASK)
    masks = {expert: tmp_path / expert for expert in "ab"}
    assert agree_folders(masks, options=AgreementOptions())["images"] == 2


def test_one_expert_is_no_agreement(experts: dict[str, Path]) -> None:
    """Without a second expert there is nothing to compare."""
    with pytest.raises(InputError, match="second expert"):
        agree_folders({"a": experts["a"]}, options=AgreementOptions())


def test_consensus_files_are_called_like_the_first_experts(
    experts: dict[str, Path], tmp_path: Path
) -> None:
    """8-bit masks of 0 and 255 under the stem of the first expert's file."""
    result = write_consensus(experts, method="majority", output=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "x_cFOS.tif", "y_cFOS.tif"
    ]  # fmt: skip
    pixels = read_image(tmp_path / "out" / "x_cFOS.tif").select()
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, MASK * np.uint8(255))
    assert [len(one["experts"]) for one in result["images"]] == [3, 2]


def test_roi_sets_take_the_size_of_the_masks_beside_them(
    experts: dict[str, Path], tmp_path: Path
) -> None:
    """One expert may give ROI sets where another gives masks."""
    write_roi_zip(tmp_path / "r" / "x_RoiSet.zip", labels_to_rois(LABELS))
    masks = {"r": tmp_path / "r", "a": experts["a"]}
    result = agree_folders(masks, options=AgreementOptions())
    assert result["pairs"]["f1"] == 1
    assert any("y_cFOS.tif" in text for text in result["warnings"])


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    """Return a data set: one image uploaded twice, once per expert, as in 2018; another once."""
    found = datasets.create_dataset(tmp_path, "d")
    pixels = (np.arange(2000) % 250).astype(np.uint8).reshape(40, 50)
    for name, image, mask in (
        ("0001.tif", pixels, MASK),
        ("0002.tif", pixels, LABELS == 1),
        ("0003.tif", pixels[::-1], MASK),
    ):
        datasets.put_image(tmp_path, found, name=name, data=make_tiff(image))
        data = make_tiff((mask * 255).astype(np.uint8))
        datasets.put_annotation(tmp_path, found, expert="masks", name=name, data=data)
    return found


def test_identical_images_are_one_image(tmp_path: Path, dataset: str) -> None:
    """The user is told, and the experts are kept apart."""
    result = check_pairs(tmp_path, dataset)
    assert result["pairs"] == [
        {"image": "0001.tif", "experts": ["masks", "masks (2)"]},
        {"image": "0003.tif", "experts": ["masks"]},
    ]
    assert any("identical pixels" in text for text in result["warnings"])
    assert agree_dataset(tmp_path, dataset, options=AgreementOptions())["images"] == 1


def test_consensus_of_a_data_set_is_a_tiff(tmp_path: Path, dataset: str) -> None:
    """The bytes are an 8-bit mask; unknown images are named."""
    pixels = read_image(make_consensus(tmp_path, dataset, name="0003", method="staple")).select()
    np.testing.assert_array_equal(pixels > 0, MASK)
    with pytest.raises(NotFoundError, match=r"0003\.tif"):
        make_consensus(tmp_path, dataset, name="7.tif")


def test_consensus_needs_the_annotations_of_that_image_alone(tmp_path: Path, dataset: str) -> None:
    """Those of images with identical pixels count; a damaged file of another one does not."""
    pairs = {one.name: one for one in datasets.open_dataset(tmp_path, dataset).pairs}
    pairs["0003.tif"].annotations["masks"].write_bytes(b"damaged")
    for name in ("0001.tif", "0002.tif"):
        data = make_consensus(tmp_path, dataset, name=name, method="union")
        np.testing.assert_array_equal(read_image(data).select() > 0, MASK)
        data = make_consensus(tmp_path, dataset, name=name, method="intersection")
        np.testing.assert_array_equal(read_image(data).select() > 0, LABELS == 1)
    with pytest.raises(InputError, match=r"0003\.tif|read"):
        make_consensus(tmp_path, dataset, name="0003.tif", method="union")


def test_empty_data_sets_have_no_pairs(tmp_path: Path) -> None:
    """Checking an empty data set is no fault."""
    found = datasets.create_dataset(tmp_path, "d")
    assert check_pairs(tmp_path, found)["pairs"] == []
    with pytest.raises(InputError):
        agree_dataset(tmp_path, found, options=AgreementOptions())


def test_the_consensus_never_overwrites_an_expert(experts: dict[str, Path], tmp_path: Path) -> None:
    """An output folder that holds an expert's masks is refused, and the masks stay."""
    before = {path: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    with pytest.raises(InputError, match="masks of a") as caught:
        write_consensus(experts, method="intersection", output=tmp_path / "c" / ".." / "a")
    assert caught.value.code == "invalid_options"
    assert {path: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before


def test_a_missing_expert_is_named(experts: dict[str, Path], tmp_path: Path) -> None:
    """Who has not annotated an image is told; an image of one expert has no consensus."""
    write_mask(tmp_path / "a" / "z.tif", MASK)
    found = agree_folders(experts, options=AgreementOptions("majority"))
    assert "y_cFOS.tif: no annotation by c." in found["warnings"]
    assert "z.tif: no annotation by b, c; left out." in found["warnings"]
    written = write_consensus(experts, method="majority", output=tmp_path / "out")
    assert [one["image"] for one in written["images"]] == ["x_cFOS", "y_cFOS"]
    assert not (tmp_path / "out" / "z.tif").exists()
    assert "z.tif: no annotation by b, c; left out." in written["warnings"]


def test_doubtful_names_are_the_reason_given(tmp_path: Path) -> None:
    """When no image has two experts, the error tells which names were in doubt."""
    for name in ("a/1.tif", "b/1_x.tif", "b/1_y.tif"):
        write_mask(tmp_path / name, MASK)
    masks = {"a": tmp_path / "a", "b": tmp_path / "b"}
    with pytest.raises(InputError, match="would fit more than one name") as caught:
        agree_folders(masks, options=AgreementOptions())
    assert caught.value.details["warnings"]


def test_no_expert_is_called_consensus(experts: dict[str, Path]) -> None:
    """The result has one place for the consensus."""
    with pytest.raises(InputError, match="consensus") as caught:
        agree_folders({**experts, "consensus": experts["a"]}, options=AgreementOptions())
    assert caught.value.code == "invalid_options"
