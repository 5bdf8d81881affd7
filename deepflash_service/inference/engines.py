"""Engines that run a network on tiles: the Keras function, or OpenVINO, chosen by measurement."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from deepflash_service.errors import ComputeError

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.core.tiling import PredictTiles

EngineName = Literal["keras", "openvino"]
Precision = Literal["float32", "bfloat16"]
TOLERANCE = 0.01
PROBE_TILE = 256
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to run one network: where, how, and how fast (seconds per megapixel)."""

    name: EngineName
    precision: str
    device: str
    predict: PredictTiles
    seconds_per_megapixel: float


def choose_engine(
    network: object,
    reference: PredictTiles,
    *,
    channels: int,
    allowed: Sequence[EngineName] = ("keras", "openvino"),
    precisions: Sequence[str] = ("float32", "bfloat16"),
) -> Engine:
    """Measure the engines on a probe and return the fastest that agrees with the reference.

    OpenVINO is tried in the precision that the processor prefers (bfloat16 where it has units)
    and in float32; a variant counts only if no probability of the probe differs from the
    reference by more than 0.01.

    Parameters
    ----------
    network : keras.Model
        Only handed to ``openvino.convert_model``.
    reference : callable
        The network as a function of tiles, float32.
    channels : int
        Channels of the tiles.
    allowed : sequence of {"keras", "openvino"}, optional
        Engines to try.
    precisions : sequence of {"float32", "bfloat16"}, optional
        Types of the computation to try.

    Returns
    -------
    Engine

    Raises
    ------
    ComputeError
        Code ``engine_unavailable`` when no allowed engine runs.
    """
    probe = make_probe(channels)
    expected = reference(probe)
    found = []
    if "keras" in allowed and "float32" in precisions:
        seconds = _time(reference, probe)
        found.append(Engine("keras", "float32", "", reference, seconds))
    if "openvino" in allowed:
        found += _try_openvino(network, probe, expected, precisions=precisions)
    if not found:
        raise ComputeError(
            "No engine can run this network here. Run `deepflash doctor` to see what is missing.",
            code="engine_unavailable",
        )
    return min(found, key=lambda engine: engine.seconds_per_megapixel)


def make_probe(channels: int) -> npt.NDArray[np.float32]:
    """Return one tile (1, T, T, C) with spots of many sizes and strengths on noise, by seed."""
    rng = np.random.default_rng(0)
    axis = np.arange(PROBE_TILE, dtype=np.float32)
    tile = 0.15 * rng.standard_normal((PROBE_TILE, PROBE_TILE, channels), dtype=np.float32)
    for _ in range(40):
        row, column = rng.uniform(0, PROBE_TILE, 2)
        sigma, height = rng.uniform(2, 8), rng.uniform(0.2, 1.5)
        bell = [np.exp(-0.5 * ((axis - centre) / sigma) ** 2) for centre in (row, column)]
        tile += np.float32(height) * np.outer(*bell).astype(np.float32)[..., np.newaxis]
    return np.asarray(tile[np.newaxis], dtype=np.float32)


def compile_openvino(network: object, precision: Precision) -> PredictTiles:
    """Return a network, converted for OpenVINO on the CPU, as a function of tiles.

    Parameters
    ----------
    network : keras.Model
    precision : {"float32", "bfloat16"}
        Type of the computation inside OpenVINO.
    """
    return _compile(_convert(network), precision)


def load_openvino() -> Any:
    """Import OpenVINO without its usage statistics: nothing may leave this computer.

    Returns
    -------
    module
        Without its telemetry package the converter falls back to an empty stand-in of its own.
    """
    sys.modules.setdefault("openvino_telemetry", cast("Any", None))
    return import_module("openvino")


def _convert(network: object) -> Any:
    openvino = load_openvino()
    with warnings.catch_warnings():
        # the converter calls the network with a tuple, of which Keras warns
        warnings.simplefilter("ignore", UserWarning)
        return openvino.convert_model(network)


def _compile(model: Any, precision: Precision) -> PredictTiles:
    hints = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = load_openvino().Core().compile_model(model, "CPU", hints)
    request = compiled.create_infer_request()

    def predict(tiles: Any) -> Any:
        result = request.infer([np.ascontiguousarray(tiles, dtype=np.float32)])
        return np.array(result[compiled.output(0)][..., 0], dtype=np.float32)

    return predict


def _try_openvino(
    network: object, probe: Any, expected: Any, *, precisions: Sequence[str]
) -> list[Engine]:
    found: list[Engine] = []
    try:
        model = _convert(network)
        for precision in _list_precisions():
            if precision not in precisions:
                continue
            predict = _compile(model, precision)
            if float(np.abs(predict(probe) - expected).max()) <= TOLERANCE:
                seconds = _time(predict, probe)
                found.append(Engine("openvino", precision, _name_device(), predict, seconds))
    except Exception:  # noqa: BLE001 - any failure only means: not this engine
        return found
    return found


def _list_precisions() -> tuple[Precision, ...]:
    known = load_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ("float32", "bfloat16") if "BF16" in known else ("float32",)


def _name_device() -> str:
    return str(load_openvino().Core().get_property("CPU", "FULL_DEVICE_NAME")).strip()


def _time(predict: Callable[[Any], Any], probe: Any) -> float:
    predict(probe)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        predict(probe)
        times.append(time.perf_counter() - start)
    return float(min(times)) / float(probe.shape[1] * probe.shape[2]) * 1e6
