"""``deepflash train``: what is refused before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepflash_service import worker
from tests.unit.commands.conftest import Run


@pytest.mark.parametrize("name", ["tiny.", "aux", "m m"])
def test_model_names_are_checked_before_any_work(
    run: Run, data: Path, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A name that no model can have ends with 2 at once, and leaves no data set and no job."""
    monkeypatch.setattr(worker, "run_job", lambda *_a, **_k: pytest.fail("it began to train"))
    found = run("train", "--images", data / "images", "--masks", f"a={data / 'a'}",
                "--model", name)  # fmt: skip
    assert found.code == 2
    assert "cannot be used: take 1 to 64 letters" in found.err
    assert not list(home.glob("datasets/*"))
    assert not list(home.glob("runs/*"))
