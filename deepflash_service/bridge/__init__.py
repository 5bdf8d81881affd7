"""The third door: the service and ImageJ from Python, without a display.

:func:`connect` finds or starts the service, :func:`init` starts ImageJ in this process.
Importing this package starts nothing and loads no Java; its parts are loaded when first named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from deepflash_service.bridge.client import connect
    from deepflash_service.bridge.fiji import FijiBridge
    from deepflash_service.bridge.jobs import Event, Job
    from deepflash_service.bridge.service import Service
    from deepflash_service.bridge.startup import init

__all__ = ["Event", "FijiBridge", "Job", "Service", "connect", "init"]

_PLACES: Final = {
    "Event": "jobs",
    "FijiBridge": "fiji",
    "Job": "jobs",
    "Service": "service",
    "connect": "client",
    "init": "startup",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
