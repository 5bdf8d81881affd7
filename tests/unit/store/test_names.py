"""Names from users, and ids of our own."""

from __future__ import annotations

import pytest

from deepflash_service.errors import InputError
from deepflash_service.store.names import (
    check_expert,
    check_file_name,
    check_id,
    check_name,
    strip_extension,
)

TRAVERSALS = [
    "", ".", "..", "../a.tif", "a/b.tif", "a\\b.tif", "C:\\a.tif", "..\\x", "a:b", "a\x00b", "a\nb",
    "con", "NUL.tif", "com1.png", ".hidden", " a.tif", "a.tif ", "a.", "x" * 201, "a*?.tif",
]  # fmt: skip


@pytest.mark.parametrize("name", TRAVERSALS)
def test_names_that_leave_the_folder_are_refused(name: str) -> None:
    """Slashes of both kinds, drives, devices, dots and control characters never name a file."""
    with pytest.raises(InputError) as caught:
        check_file_name(name)
    assert caught.value.code == "invalid_name"


@pytest.mark.parametrize("name", ["0001_red.tif", "Ä b (1).png", "a.b.ome.tif", "x" * 150])
def test_usual_names_are_kept(name: str) -> None:
    """Blanks, umlauts and dots inside are fine."""
    assert check_file_name(name) == name


def test_experts_and_ids_are_checked() -> None:
    """Experts are folder names of at most 64 characters; ids hold small letters and digits."""
    assert check_expert("Anna B.  2nd") == "Anna B.  2nd"
    assert check_id("d-0a1b") == "d-0a1b"
    for wrong in ("../x", "x" * 65):
        with pytest.raises(InputError):
            check_expert(wrong)
    for wrong in ("..", "A", "a/b", "", "-a"):
        with pytest.raises(InputError):
            check_id(wrong)


def test_model_names_are_plain() -> None:
    """A model name is a plain word."""
    assert check_name("cFOS_Wue.v2") == "cFOS_Wue.v2"
    for wrong in ("", "../m", "a b", ".m", "nul", "x" * 65, "m."):
        with pytest.raises(InputError) as caught:
            check_name(wrong)
        assert caught.value.code == "invalid_name"


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.b.ome.tif", "a.b"), ("a.TIFF", "a"), ("a.v2", "a.v2"), ("x_RoiSet.zip", "x_RoiSet")],
)
def test_only_image_extensions_are_taken_off(name: str, stem: str) -> None:
    """Dots inside a name stay."""
    assert strip_extension(name) == stem
