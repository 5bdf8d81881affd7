"""No unfinished word is left in the package."""

from __future__ import annotations

from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "deepflash_service"
UNFINISHED = ("TODO", "FIXME", "XXX")


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_nothing_is_left_to_do(path: Path) -> None:
    """What is not finished is an issue, not a word in the code."""
    text = path.read_text(encoding="utf-8")
    assert [word for word in UNFINISHED if word in text] == []
