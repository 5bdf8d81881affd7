"""Tiles are drawn beside the network, in one thread or in several."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest

from deepflash_service.network import devices, fitting
from deepflash_service.network.devices import Device, count_tile_threads

if TYPE_CHECKING:
    from deepflash_service.core.sampling import Example
    from deepflash_service.network.presets import TrainSettings
    from deepflash_service.records import NetworkCard


@pytest.mark.keras
def test_the_number_of_threads_changes_nothing(
    tiny_card: NetworkCard,
    examples: list[Example],
    short_settings: TrainSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four threads give the same tiles in the same order as one."""
    losses = []
    for threads in (1, 4):
        monkeypatch.setattr(fitting, "count_tile_threads", lambda threads=threads: threads)
        fitter = fitting.Fitter(tiny_card, examples, settings=short_settings, precision="float32")
        with fitter:
            losses.append([fitter.take_step() for _ in range(9)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert len(set(losses[0])) == 9


@pytest.mark.parametrize(
    ("kind", "cores", "threads"), [("cpu", 16, 1), ("gpu", 16, 8), ("gpu", 4, 3), ("gpu", 1, 1)]
)
def test_a_gpu_gets_threads_from_the_cores_that_are_ours(
    monkeypatch: pytest.MonkeyPatch, kind: str, cores: int, threads: int
) -> None:
    """One beside a CPU that trains itself; beside a GPU all cores but one, eight at most."""
    device = Device("", kind, "tensorflow", "float32")  # type: ignore[arg-type]
    monkeypatch.setattr(devices, "describe_device", lambda: device)
    process = SimpleNamespace(cpu_affinity=lambda: list(range(cores)))
    monkeypatch.setattr(psutil, "Process", lambda: process)
    assert count_tile_threads() == threads
