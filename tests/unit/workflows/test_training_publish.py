"""A trained model is added to the library once, whenever the training was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from deepflash_service.errors import JobCancelled, SetupError
from deepflash_service.records import ModelCard
from deepflash_service.store import atomic, disk, model_trash, models, runs
from deepflash_service.workflows import training_publish
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.training_members import TrainedMembers
from deepflash_service.workflows.training_publish import publish_once


class Publisher:
    """Publishes stubs of one job."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.hooks = Hooks()
        self.run = runs.create_run(home, "training", options={})

    def publish(self, *steps: int) -> int:
        """Publish a model of members that took these steps; return its version."""
        trained = TrainedMembers(networks=["weights"] * len(steps), steps=list(steps))
        card = ModelCard(name="m", job=self.run.id, members=len(steps))
        data = cast("Any", None)
        return publish_once(
            self.home, self.run, card=card, data=data, trained=trained, hooks=self.hooks
        ).version


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """Return a publisher whose networks are texts."""
    write: Any = lambda network, path: path.write_text(network)  # noqa: E731 - a stub
    monkeypatch.setattr(training_publish, "write_weights", write)
    monkeypatch.setattr(training_publish, "measure_weights", len)
    monkeypatch.setattr(training_publish, "write_test_files", lambda *_, **__: None)
    return Publisher(tmp_path)


def test_the_same_work_is_published_once(publisher: Publisher) -> None:
    """Also when a stopped training goes on without taking a step."""
    assert [publisher.publish(60, 30), publisher.publish(60, 30)] == [1, 1]
    # it went on: another model
    assert [publisher.publish(60, 60), publisher.publish(60, 60)] == [2, 2]


def test_models_of_others_do_not_count(publisher: Publisher) -> None:
    """A version that another job added in the meantime is not taken for this one's."""
    publisher.publish(30)
    with models.stage_model(publisher.home) as folder:
        (folder / "member-1.weights.h5").write_text("others")
        models.publish_model(publisher.home, folder, card=ModelCard(name="m", job="other"))
    assert publisher.publish(60) == 3


def test_killed_before_the_model_was_there(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next attempt publishes it, and the version of an earlier stop is another model."""
    assert publisher.publish(30) == 1

    def fail(*_data: Any, **_facts: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training_publish, "publish_model", fail)
        with pytest.raises(KeyboardInterrupt):
            publisher.publish(60)
    assert [publisher.publish(60), publisher.publish(60)] == [2, 2]


@pytest.mark.parametrize("known", [0, 1])
@pytest.mark.parametrize("moment", ["while it is written", "as it appears"])
def test_a_model_of_a_cancelled_training_does_not_stay(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, *, known: int, moment: str
) -> None:
    """Asked just before and just after the model is in the library; others stay, none is seen."""
    for number in range(known):
        publisher.publish(number + 1)
    publisher.hooks = Hooks(is_cancelled=lambda: runs.is_cancel_requested(publisher.run))
    replace, sync = Path.rename, atomic._sync_folder

    def appear(source: Path, target: Path) -> Path:
        assert not runs.is_cancel_requested(publisher.run) or not target.name.isdecimal()
        found = replace(source, target)
        if moment == "as it appears":
            runs.request_cancel(publisher.run)
        return found

    def write(folder: Path) -> None:
        if moment == "while it is written" and folder.name.startswith(atomic.TEMPORARY_PREFIX):
            runs.request_cancel(publisher.run)
        sync(folder)

    monkeypatch.setattr(Path, "rename", appear)
    monkeypatch.setattr(atomic, "_sync_folder", write)
    with pytest.raises(JobCancelled):
        publisher.publish(60)
    versions = [card.version for card in models.list_models(publisher.home).get("m", [])]
    assert versions == list(range(1, known + 1))
    left = list((publisher.home / "models").rglob("*.h5"))
    assert len(left) == known


def test_too_little_space_for_the_model(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told before anything is written, and the next attempt adds the model."""
    with monkeypatch.context() as patch:
        patch.setattr(disk, "free_bytes", lambda _folder: disk.RESERVE + 6)
        with pytest.raises(SetupError) as caught:
            publisher.publish(60)
    assert caught.value.code == "disk_full"
    assert caught.value.details["needed_bytes"] == disk.RESERVE + len("weights")
    assert not list((publisher.home / "models").glob("**/*.h5"))
    assert publisher.publish(60) == 1


def test_a_removed_version_is_published_again(publisher: Publisher) -> None:
    """Who removed the model and resumes the training wants it back."""
    publisher.publish(60)
    model_trash.remove_model(publisher.home, "m")
    assert publisher.publish(60) == 2
