"""Which members of a model are kept for a resumed training."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from deepflash_service.records import ModelCard
from deepflash_service.store import runs
from deepflash_service.workflows import training_members
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.training_members import Course, train_members

COURSE = Course(filters=8, depth=1, epochs=9, folds=((0,), (1,), (2,)), seed=0)


def test_a_member_cut_short_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resumed training goes on with the member that the user stopped, not after it."""
    trained: list[int] = []
    kept: set[int] = set()

    class Member:
        def __init__(self, *_data: Any, number: int, **_facts: Any) -> None:
            self.number = number

        def restore(self, _folder: Path) -> Any:
            return f"member {self.number}" if self.number in kept else None

        def train(self, *_start: Any) -> tuple[Any, str]:
            trained.append(self.number)
            return f"member {self.number}", "this computer"

        def keep(self, *_network: Any, folder: Path) -> None:
            assert folder == job.checkpoints
            kept.add(self.number)

        def read_device(self, _folder: Path) -> str:
            return "this computer"

        def label_held_out(self, *_network: Any) -> dict[int, Any]:
            return {}

    monkeypatch.setattr(training_members, "_Member", Member)
    job = runs.create_run(tmp_path, "training", options={})
    facts: dict[str, Any] = {"card": ModelCard(name="m"), "job": job, "base": None}
    data = cast("Any", None)
    stopped = train_members(
        data, COURSE, hooks=Hooks(is_stopping=lambda: len(trained) == 2), **facts
    )
    assert stopped.networks == ["member 0", "member 1"]
    resumed = train_members(data, COURSE, hooks=Hooks(), **facts)
    assert resumed.networks == ["member 0", "member 1", "member 2"]
    assert trained == [0, 1, 1, 2]
