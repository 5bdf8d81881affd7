"""Device and precision."""

from __future__ import annotations

import pytest

from deepflash_service.network import devices

pytestmark = pytest.mark.keras


def test_device_is_described() -> None:
    """Name, kind, backend and precision are there."""
    device = devices.describe_device()
    assert device.name
    assert device.kind in {"cpu", "gpu"}
    assert device.engine in {"tensorflow", "jax"}
    assert device.precision in {"float32", "bfloat16", "float16"}


@pytest.mark.parametrize(
    ("seconds", "precision"), [((1.0, 0.5), "bfloat16"), ((1.0, 0.95), "float32")]
)
def test_cpu_precision_follows_the_measurement(
    monkeypatch: pytest.MonkeyPatch, seconds: tuple[float, float], precision: str
) -> None:
    """A CPU uses bfloat16 only where it is clearly faster."""
    times = dict(zip(("float32", "bfloat16"), seconds, strict=True))
    monkeypatch.setattr(devices, "_time_convolution", times.__getitem__)
    monkeypatch.setattr(devices, "_find_tensorflow", lambda: ("cpu", "a processor", (0, 0)))
    monkeypatch.setattr(devices, "_find_jax", lambda: ("cpu", "a processor", (0, 0)))
    assert devices.describe_device.__wrapped__().precision == precision


@pytest.mark.parametrize(
    ("capability", "precision"),
    [((9, 0), "bfloat16"), ((8, 0), "bfloat16"), ((7, 5), "float16"), ((6, 1), "float32")],
)
def test_gpu_precision_follows_its_generation(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], precision: str
) -> None:
    """bfloat16 from compute capability 8.0 on, float16 from 7.0 on."""
    for name in ("_find_tensorflow", "_find_jax"):
        monkeypatch.setattr(devices, name, lambda: ("gpu", "a card", capability))
    assert devices.describe_device.__wrapped__().precision == precision
