"""Turns on one GPU: a short job waits for a step, a training for a job, nobody for the dead."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from deepflash_service.errors import JobCancelled
from deepflash_service.store import lease as lease_module
from deepflash_service.store.lease import DeviceLease
from deepflash_service.store.locks import probe_lock

_HOLD = """
import sys
from pathlib import Path
from deepflash_service.store.lease import DeviceLease
lease = DeviceLease(Path(sys.argv[1]), who="segmentation dead", tell=print, check=int)
lease.hold()
print("held", flush=True)
sys.stdin.read()
"""


def _make(home: Path, who: str, told: list[str] | None = None) -> DeviceLease:
    return DeviceLease(
        home, who=who, tell=(told if told is not None else []).append, check=lambda: None
    )


def _await(condition: Callable[[], object]) -> None:
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.005)
    pytest.fail("what was awaited did not happen in time")


def test_a_training_gives_way_between_steps(tmp_path: Path) -> None:
    """A short job has the device after one step, and the next one after one step more."""
    order: list[str] = []
    training = _make(tmp_path, "training t")
    training.share()
    stop = threading.Event()
    line = tmp_path / "devices" / "next.lock"

    def compute(name: str) -> None:
        short = _make(tmp_path, f"segmentation {name}")
        short.hold()
        order.append(name)
        if name == "a":
            # the training waits in line, so the second job comes behind it
            _await(lambda: probe_lock(line))
            second.start()
            threading.Event().wait(0.05)
        short.release()

    def train() -> None:
        while not stop.is_set():
            training.share()
            order.append("step")
        training.release()

    first, second = (threading.Thread(target=compute, args=(name,)) for name in ("a", "b"))
    first.start()
    _await(lambda: probe_lock(line))
    trainer = threading.Thread(target=train)
    trainer.start()
    first.join(20)
    second.join(20)
    stop.set()
    trainer.join(20)
    assert order[0] == "a"
    assert order[1] == "step"
    assert "b" in order
    assert probe_lock(tmp_path / "devices" / "device.lock") is False


@pytest.mark.parametrize(
    ("holder", "sentence"),
    [
        ("training 7", "Waits for training 7 to pause."),
        ("segmentation 8", "Waits for segmentation 8 to leave the GPU."),
    ],
)
def test_who_waits_for_whom_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, holder: str, sentence: str
) -> None:
    """A wait that is long enough to be noticed is told, a short one is not."""
    monkeypatch.setattr(lease_module, "_SILENT_SECONDS", 0.02)
    first = _make(tmp_path, holder)
    first.hold()
    told: list[str] = []
    second = _make(tmp_path, "evaluation 9", told)
    thread = threading.Thread(target=second.hold)
    thread.start()
    _await(lambda: told)
    threading.Event().wait(0.1)
    first.release()
    thread.join(20)
    assert told == [sentence]
    second.share()
    second.release()
    assert told == [sentence]


def test_who_waits_may_be_cancelled(tmp_path: Path) -> None:
    """Its place in line is free again."""
    first = _make(tmp_path, "training t")
    first.hold()

    def check() -> None:
        raise JobCancelled("Cancelled.")

    second = DeviceLease(tmp_path, who="segmentation s", tell=lambda _text: None, check=check)
    with pytest.raises(JobCancelled):
        second.hold()
    assert probe_lock(tmp_path / "devices" / "next.lock") is False
    first.release()


def test_a_killed_process_holds_no_device(tmp_path: Path) -> None:
    """The next one goes on at once."""
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "held"
        waiting = _make(tmp_path, "training t")
        thread = threading.Thread(target=waiting.hold)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        child.kill()
    thread.join(20)
    assert not thread.is_alive()
    waiting.release()
