"""Which device computes, and in which precision."""

from __future__ import annotations

import platform
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal

import psutil

Precision = Literal["float32", "bfloat16", "float16"]
SPEED_UP = 1.2
MOST_TILE_THREADS = 8


@dataclass(frozen=True, slots=True)
class Device:
    """What trains and predicts: name, kind, Keras backend (``engine``) and precision."""

    name: str
    kind: Literal["cpu", "gpu"]
    engine: str
    precision: Precision


@cache
def describe_device() -> Device:
    """Find the device that Keras computes on and the fastest safe precision there.

    On a CPU, bfloat16 is chosen when a convolution really runs faster in it than in float32
    (processors without such units emulate it slowly). On a GPU, bfloat16 from compute
    capability 8.0 on, float16 from 7.0 on.

    Returns
    -------
    Device
    """
    import keras

    backend = str(keras.backend.backend())
    kind, name, capability = _find_jax() if backend == "jax" else _find_tensorflow()
    if kind == "cpu":
        return Device(name, "cpu", backend, "bfloat16" if _is_bfloat16_faster() else "float32")
    if capability >= (8, 0):
        return Device(name, "gpu", backend, "bfloat16")
    return Device(name, "gpu", backend, "float16" if capability >= (7, 0) else "float32")


def name_processor() -> str:
    """Return the name of the processor as far as Python knows it."""
    return platform.processor() or platform.machine() or "CPU"


def count_tile_threads() -> int:
    """Return how many threads draw training tiles: one beside a CPU that computes itself.

    A GPU takes a step in less time than one thread needs to draw its tiles.
    """
    if describe_device().kind == "cpu":
        return 1
    process = psutil.Process()
    # what this process may use, which is less in a container or on a cluster; macOS tells none
    own = len(process.cpu_affinity() or ()) if hasattr(process, "cpu_affinity") else 0
    return max(1, min(MOST_TILE_THREADS, (own or psutil.cpu_count() or 2) - 1))


def make_deterministic() -> None:
    """Let equal trainings give equal weights where that costs no time: on a CPU.

    On a GPU the deterministic kernels are up to several times slower, so trainings there differ
    in the last digits.
    """
    import keras

    if keras.backend.backend() == "tensorflow" and describe_device().kind == "cpu":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def measure_memory() -> int:
    """Return the bytes in use: the peak of the GPU's memory, else of this process now."""
    import keras

    if keras.backend.backend() == "tensorflow" and describe_device().kind == "gpu":
        import tensorflow as tf

        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    return int(psutil.Process().memory_info().rss)


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether a computation failed because the device, or the computer, has no room left."""
    text = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "ResourceExhaustedError"
        or "RESOURCE_EXHAUSTED" in text
        or "out of memory" in text.lower()
    )


def _find_tensorflow() -> tuple[Literal["cpu", "gpu"], str, tuple[int, int]]:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "cpu", name_processor(), (0, 0)
    _share_memory(gpus)
    details = tf.config.experimental.get_device_details(gpus[0])
    capability = details.get("compute_capability") or (0, 0)
    return "gpu", str(details.get("device_name", "GPU")), tuple(capability)


def _share_memory(gpus: list[Any]) -> None:
    """Let TensorFlow take memory as it needs it, so that two processes fit on one GPU."""
    import tensorflow as tf

    # refused once the GPU is in use; what came first has decided then
    with suppress(RuntimeError):
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, enable=True)


def _find_jax() -> tuple[Literal["cpu", "gpu"], str, tuple[int, int]]:
    device = import_module("jax").devices()[0]
    if device.platform == "cpu":
        return "cpu", name_processor(), (0, 0)
    version = str(getattr(device, "compute_capability", "8.0")).split(".")
    return "gpu", str(device.device_kind), (int(version[0]), int(version[-1]))


def _is_bfloat16_faster() -> bool:
    return _time_convolution("float32") > SPEED_UP * _time_convolution("bfloat16")


def _time_convolution(dtype: str) -> float:
    import keras

    layer: Any = keras.layers.Conv2D(256, 3, padding="same", dtype=dtype)
    images = keras.ops.ones((1, 64, 64, 256), dtype=dtype)
    times = []
    for _ in range(6):
        # processor time, so that other programs on the computer do not decide
        start = time.process_time()
        keras.ops.convert_to_numpy(keras.ops.cast(keras.ops.max(layer(images)), "float32"))
        times.append(time.process_time() - start)
    return min(times)
