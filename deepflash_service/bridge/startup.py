"""The one function that starts ImageJ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepflash_service.bridge.fiji import FijiBridge
from deepflash_service.bridge.jars import find_plugin_jar
from deepflash_service.bridge.jvm import start_imagej
from deepflash_service.bridge.options import Backend, JvmOptions, Mode
from deepflash_service.errors import SetupError

if TYPE_CHECKING:
    import os

    from deepflash_service.bridge.service import Service


def init(
    fiji: str | os.PathLike[str] | None = None,
    mode: Mode = "headless",
    *,
    backend: Backend = "auto",
    heap_gb: float | None = None,
    plugin_jar: Path | None = None,
    service: Service | None = None,
) -> FijiBridge:
    """Start ImageJ in this process and return the bridge to it.

    The first call decides; later ones return a bridge to what runs, because Java can be
    started only once in a process. It ends with the process.

    Parameters
    ----------
    fiji : path, optional
        Folder of a Fiji installation. Without it ImageJ is taken from the jars of the build,
        or resolved from the network.
    mode : {"headless", "interactive"}
        Without or with windows (needs a display).
    backend : {"auto", "pyimagej", "ij1"}
        ``pyimagej`` starts ImageJ2 with all of Fiji, ``ij1`` the small set that is enough for
        every method here; ``auto`` takes what is there.
    heap_gb : float, optional
        Largest Java heap.
    plugin_jar : Path, optional
        DeepFLaSH plugin; default is the one of the build or of the Fiji folder.
    service : Service, optional
        Used by :meth:`FijiBridge.segment`; default is one that ``connect()`` finds or starts.

    Returns
    -------
    FijiBridge
        Usable as a context manager.

    Raises
    ------
    SetupError
        Java or ImageJ is missing or cannot be started, or there is no display.
    InputError
        Code ``invalid_fiji``.
    """
    folder = None if fiji is None else Path(fiji).expanduser().absolute()
    options = JvmOptions(
        fiji=folder,
        mode=mode,
        backend=backend,
        heap_gb=heap_gb,
        plugin_jar=plugin_jar or find_plugin_jar(folder),
    )
    bridge = FijiBridge(start_imagej(options), service=service)
    if mode == "interactive" and bridge.is_headless:
        raise SetupError(
            "There is no display for ImageJ windows. Use mode='headless', or run the script "
            "under `xvfb-run -a`, in a process of its own.",
            code="no_display",
        )
    return bridge
