"""Pairing by names, and images given once per expert."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepflash_service.core.pairing import (
    find_identical,
    find_stem,
    pair_names,
    strip_suffix,
)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("1049.png", "1049"),
        ("a/b\\0001_img.tif", "0001_img"),
        ("x.ome.tiff", "x"),
        ("noextension", "noextension"),
        (".hidden", ".hidden"),
        ("1.5um.tif", "1.5um"),
    ],
)
def test_stems(name: str, stem: str) -> None:
    """Folders and the extension go."""
    assert find_stem(name) == stem


@pytest.mark.parametrize(
    ("stem", "base"),
    [
        ("1049_cFOS", "1049"),
        ("0001_img", "0001"),
        ("mouse_0001", "mouse_0001"),
        ("a_RoiSet", "a"),
        ("a_b_c", "a_b"),
        ("_word", "_word"),
        ("x_T1", "x"),
    ],
)
def test_one_word_is_taken_off(stem: str, base: str) -> None:
    """A word holds a letter, a number stays."""
    assert strip_suffix(stem) == base


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("0001_img.tif", "0001_msk.tif"),
        ("1049.png", "1049_cFOS.png"),
        ("1049_red.tif", "1049.png"),
        ("0001_img.tif", "0001_img_RoiSet.zip"),
        ("same.tif", "same.tif"),
        ("mouse_0001.tif", "mouse_0001_mask.tif"),
    ],
)
def test_names_of_the_data_we_know_are_paired(image: str, mask: str) -> None:
    """A suffix on the mask, on the image, on both, or on none."""
    pairing = pair_names([image], {"e1": [mask]})
    assert pairing.pairs == {image: {"e1": mask}}
    assert pairing.warnings == ()


def test_what_has_no_partner_is_named_and_left_out() -> None:
    """Masks without image and images without mask appear in warnings only."""
    pairing = pair_names(["a.tif", "b.tif"], {"e1": ["b.tif", "c.tif"], "e2": []})
    assert pairing.pairs == {"b.tif": {"e1": "b.tif"}}
    text = " ".join(pairing.warnings)
    assert "c.tif" in text
    assert "a.tif" in text


def test_closest_name_wins() -> None:
    """An equal stem comes before a stem that fits after a suffix is taken off."""
    pairing = pair_names(["1_a.tif", "1_b.tif"], {"e1": ["1_a.tif", "1_b.tif"]})
    assert pairing.pairs == {"1_a.tif": {"e1": "1_a.tif"}, "1_b.tif": {"e1": "1_b.tif"}}


def test_doubtful_names_are_never_guessed() -> None:
    """Two masks for one image, or two images for one mask, are left out and told."""
    for images, masks in (
        (["1.tif"], ["1_x.tif", "1_y.tif"]),
        (["1.tif", "1.png"], ["1_x.tif"]),
    ):
        pairing = pair_names(images, {"e1": masks})
        assert pairing.pairs == {}
        assert "more than one" in pairing.warnings[0]


def test_words_that_tell_files_apart_are_no_suffix() -> None:
    """The wells of a plate are never swapped, and both files are named."""
    images = ["plate_A1.tif", "plate_A2.tif", "plate_A3.tif"]
    pairing = pair_names(images, {"e": ["plate_A1.tif", "plate_A2.tif", "plate_A4.tif"]})
    assert set(pairing.pairs) == {"plate_A1.tif", "plate_A2.tif"}
    assert "plate_A4.tif" in pairing.warnings[0]
    assert "plate_A3.tif" in pairing.warnings[0]
    alone = pair_names(["0001_img.tif", "0002_img.tif"], {"e": ["0001_msk.tif"]})
    assert alone.pairs == {"0001_img.tif": {"e": "0001_msk.tif"}}


def test_long_lists_are_cut() -> None:
    """A warning names a few files and counts the rest."""
    pairing = pair_names([f"{index}.tif" for index in range(9)], {})
    assert "and 4 more" in pairing.warnings[0]


@given(st.sets(st.from_regex(r"[a-z]{1,3}_[0-9]{1,3}", fullmatch=True)), st.randoms())
def test_order_of_files_does_not_matter(stems: set[str], random: st.randoms) -> None:  # type: ignore[valid-type]  # a strategy
    """Each image finds its own mask in any order."""
    images = [f"{stem}.tif" for stem in stems]
    masks = [f"{stem}_mask.png" for stem in stems]
    random.shuffle(masks)  # type: ignore[attr-defined]  # a Random
    pairing = pair_names(images, {"e": masks})
    assert pairing.pairs == {f"{stem}.tif": {"e": f"{stem}_mask.png"} for stem in stems}


def test_identical_pixels_are_found() -> None:
    """Equal values in any number type; another shape or one other pixel is another image."""
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    other = image.copy()
    other[0, 0] = 9
    groups = find_identical(
        {
            "a": image,
            "b": other,
            "c": image.astype(np.uint16),
            "d": image.reshape(4, 3),
            "e": image.T.copy().T,
        }
    )
    assert groups == (("a", "c", "e"),)
