"""Options and macro files, without Java."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepflash_service.bridge.macros import _find_trace, make_options, read_macro
from deepflash_service.bridge.segmentation import make_file_name
from deepflash_service.errors import InputError


def test_options_are_written_as_the_recorder_does() -> None:
    """True is a word, False and None are left out, blanks and empty text stand in brackets."""
    options = {
        "sigma": 2.5,
        "stack": True,
        "slow": False,
        "missing": None,
        "title": "my cells",
        "empty": "",
        "folder": Path("/data/my images"),
        "formula": "a=b",
    }
    assert make_options(options) == (
        "sigma=2.5 stack title=[my cells] empty=[] folder=[/data/my images] formula=[a=b]"
    )


def test_a_bracket_cannot_be_written() -> None:
    """ImageJ ends the value at the first closing bracket."""
    with pytest.raises(InputError, match="title="):
        make_options({"title": "a ] b"})


def test_macros_are_texts_or_files(tmp_path: Path) -> None:
    """A text of one line that ends like a macro file is a file."""
    path = tmp_path / "a.ijm"
    path.write_bytes(b"x = 1;\r\ny = 2;\r\n")
    assert read_macro(path) == read_macro(str(path)) == "x = 1;\ny = 2;\n"
    assert read_macro('return "a";') == 'return "a";'
    assert read_macro('x = 1;\nopen("a.txt')
    for missing in (tmp_path / "b.ijm", "no/such/macro.ijm"):
        with pytest.raises(InputError, match="cannot be read"):
            read_macro(missing)


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("hello\n", None),
        (
            "java.lang.IllegalStateException: bad\n\tat A.run(A.java:2)\n",
            "java.lang.IllegalStateException: bad",
        ),
        ("log\nx.E1Exception\n\tat A.b(C)\nCaused by: y.Z: deep\n\tat A.b(C)\n", "y.Z: deep"),
        ("Error: 3 of 5\nnothing else\n", None),
    ],
)
def test_the_trace_of_a_plugin_is_found_in_the_output(output: str, cause: str | None) -> None:
    """The deepest cause counts; a word like Error alone is no trace."""
    assert _find_trace(output) == cause


@given(st.text())
def test_titles_of_images_become_file_names(title: str) -> None:
    """Whatever a title is, the service takes the name."""
    name = make_file_name(title)
    stem = name.removesuffix(".tif")
    assert name.endswith(".tif")
    assert 0 < len(name.encode()) <= 120
    assert not set(stem) & set('/\\:*?"<>|')
    assert stem == stem.strip(" .")
    assert stem.isprintable()
