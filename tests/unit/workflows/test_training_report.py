"""What a training tells: figures of the whole job, and a preview when there is a new one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepflash_service.network import devices
from deepflash_service.network.devices import Device
from deepflash_service.network.training import TrainingState
from deepflash_service.records import Progress
from deepflash_service.store.images import read_image
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.training_report import MemberReport

DEVICE = Device("a processor", "cpu", "tensorflow", "bfloat16")


@pytest.fixture(autouse=True)
def _memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "measure_memory", lambda: 5000)


@pytest.fixture
def told() -> list[Progress]:
    """Return the list that receives what is told."""
    return []


def make_report(told: list[Progress], folder: Path, *, number: int = 1) -> MemberReport:
    """Return the report of the second of three members."""
    return MemberReport(Hooks(report=told.append), number, members=3, results=folder)


def test_the_first_event_names_device_and_position(told: list[Progress], tmp_path: Path) -> None:
    """A resumed member tells where it goes on."""
    report = make_report(told, tmp_path)
    report.tell_start(DEVICE, epochs=40, state=None)
    state = TrainingState({"step": 34, "epoch": 3, "history": [{}, {}]}, {})
    report.tell_start(DEVICE, epochs=40, state=state)
    assert [one.message for one in told] == [
        "member 2 of 3, training on a processor in bfloat16",
        "member 2 of 3, training on a processor in bfloat16, goes on in epoch 3 after step 34",
    ]
    assert [(one.current, one.maximum) for one in told] == [(40, 120), (42, 120)]
    assert told[1].metrics == {
        "epoch": 2.0,
        "epochs": 40.0,
        "step": 34.0,
        "member": 2.0,
        "members": 3.0,
        "memory_bytes": 5000.0,
    }


def test_remaining_time_counts_later_members(told: list[Progress], tmp_path: Path) -> None:
    """The time left is that of the job, not of the member."""
    facts = {"epoch": 10.0, "loss": 0.5, "seconds_left": 300.0, "seconds_member": 400.0}
    make_report(told, tmp_path)(Progress("epoch 10 of 40", 10, 40, facts))
    make_report(told, tmp_path, number=2)(Progress("epoch 10 of 40", 10, 40, facts))
    assert [one.metrics["seconds_left"] for one in told] == [700.0, 300.0]
    assert [(one.current, one.maximum) for one in told] == [(50, 120), (90, 120)]
    assert "seconds_member" not in told[0].metrics
    assert told[0].metrics["loss"] == 0.5
    assert told[0].metrics["memory_bytes"] == 5000.0


def test_a_new_preview_is_told_once(told: list[Progress], tmp_path: Path) -> None:
    """The event of its epoch names it; the next does not."""
    report = make_report(told, tmp_path)
    labels = np.zeros((40, 50), np.int32)
    labels[5:20, 5:20] = 1
    report.draw(np.random.default_rng(0).integers(0, 200, (40, 50)), labels, labels)
    for epoch in (5.0, 6.0):
        facts = {"epoch": epoch, "seconds_left": 1.0, "seconds_member": 2.0}
        report(Progress("epoch", int(epoch), 40, facts))
    assert told[0].metrics["preview_epoch"] == 5.0
    assert "preview_epoch" not in told[1].metrics
    picture = read_image(tmp_path / "preview.png")
    assert picture.shape == (40, 108)
