"""The third door: the service and ImageJ from Python, without a display.

:func:`connect` finds or starts the service, :func:`init` starts ImageJ in this process.
Importing this package starts nothing and loads no Java.
"""

from __future__ import annotations

from deepflash_service.bridge.client import connect
from deepflash_service.bridge.fiji import FijiBridge, init
from deepflash_service.bridge.jobs import Event, Job
from deepflash_service.bridge.service import Service

__all__ = ["Event", "FijiBridge", "Job", "Service", "connect", "init"]
