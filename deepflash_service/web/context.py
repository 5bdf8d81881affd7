"""What the routes of one application share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.jobs.supervisor import Supervisor
    from deepflash_service.settings import Settings
    from deepflash_service.web.security import Access

EXTENSION = "deepflash"
_DECODERS = 2
_WAITERS = 8


@dataclass(slots=True)
class ServiceContext:
    """Settings, supervisor and keys of one running service.

    ``decoders`` bounds how many images are decoded at once (memory), ``waiters`` how many
    requests may wait for a job (threads).
    """

    settings: Settings
    supervisor: Supervisor
    access: Access
    decoders: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(_DECODERS)
    )
    waiters: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(_WAITERS)
    )

    @property
    def home(self) -> Path:
        """Home folder of the service."""
        return self.settings.home


def find_context() -> ServiceContext:
    """Return the context of the application that serves the present request."""
    return cast("ServiceContext", current_app.extensions[EXTENSION])
