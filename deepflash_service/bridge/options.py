"""How ImageJ is to be started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Mode = Literal["headless", "interactive"]
Backend = Literal["auto", "pyimagej", "ij1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JvmOptions:
    """How the Java virtual machine is started.

    Parameters
    ----------
    fiji : Path, optional
        Folder of a Fiji installation.
    mode : {"headless", "interactive"}
        Without or with windows.
    backend : {"auto", "pyimagej", "ij1"}
        How ImageJ is started; see :func:`deepflash_service.bridge.jvm.start_imagej`.
    heap_gb : float, optional
        Largest Java heap; default is Java's own, a quarter of the memory.
    plugin_jar : Path, optional
        The DeepFLaSH plugin, put where ImageJ finds its commands.
    """

    fiji: Path | None = None
    mode: Mode = "headless"
    backend: Backend = "auto"
    heap_gb: float | None = None
    plugin_jar: Path | None = None
