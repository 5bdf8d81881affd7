"""Write the figures of a benchmark, with the computer that made them."""

from __future__ import annotations

import json
import platform
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from deepflash_service.network.devices import describe_device, name_processor

RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = ("tensorflow", "jax", "keras", "openvino", "numpy", "scipy")


def name_cpu() -> str:
    """Return the name of the processor as OpenVINO reads it, or as the system tells it."""
    try:
        from deepflash_service.inference.engines import load_openvino

        return str(load_openvino().Core().get_property("CPU", "FULL_DEVICE_NAME")).strip()
    except ImportError:
        return name_processor()


def name_device() -> str:
    """Return what the networks computed on, or nothing where none was loaded."""
    if "keras" not in sys.modules:
        return ""
    device = describe_device()
    return f"{device.name}, {device.engine}, {device.precision}"


def list_versions() -> dict[str, str]:
    """Return the versions of the packages that compute, as far as they are installed."""
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def record_result(name: str, figures: dict[str, Any], *, folder: Path = RESULTS) -> Path:
    """Write ``NAME.json``: figures, processor, versions; no names of folders."""
    computer = {
        "cpu": name_cpu(),
        "cores": psutil.cpu_count(),
        "device": name_device(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": list_versions(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"computer": computer, **figures}, indent=2) + "\n", "utf-8")
    print(f"wrote {path.name}")
    return path
