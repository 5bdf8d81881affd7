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


def test_running_out_of_memory_is_told_from_other_faults() -> None:
    """TensorFlow's error is known by its class, whose text need not say so."""
    import tensorflow as tf

    text = "OOM when allocating tensor with shape[4,256]"
    assert devices.is_out_of_memory(tf.errors.ResourceExhaustedError(None, None, text))
    assert devices.is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: 2 GiB"))
    assert devices.is_out_of_memory(MemoryError())
    assert not devices.is_out_of_memory(ValueError("another shape"))


def test_memory_of_a_gpu_grows_as_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a training and a segmentation fit on one GPU; too late is no fault."""
    import tensorflow as tf

    asked: list[str] = []

    def set_growth(gpu: str, enable: bool) -> None:
        assert enable
        asked.append(gpu)
        if gpu == "late":
            raise RuntimeError("GPUs are in use")

    config = tf.config
    monkeypatch.setattr(config.experimental, "set_memory_growth", set_growth)
    monkeypatch.setattr(config, "list_physical_devices", lambda _kind: ["first", "late"])
    details = {"compute_capability": (9, 0), "device_name": "a card"}
    monkeypatch.setattr(config.experimental, "get_device_details", lambda _gpu: details)
    assert devices._find_tensorflow() == ("gpu", "a card", (9, 0))
    assert asked == ["first", "late"]


def test_memory_is_measured() -> None:
    """A process with TensorFlow holds more than 100 MB."""
    assert devices.measure_memory() > 10**8
