"""The folder from which ImageJ reads plugins, where no Fiji gives one."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from deepflash_service.bridge.options import JvmOptions

_made: Final[list[Path]] = []


def lay_out_plugins(options: JvmOptions) -> Path:
    """Return a folder whose ``plugins/`` holds the plugin jar, as ImageJ wants it."""
    if options.fiji is not None:
        return options.fiji
    folder = Path(tempfile.mkdtemp(prefix="deepflash-imagej-"))
    _made.append(folder)
    # Registered before the JVM's own exit handler, so it runs after it.
    atexit.register(remove_plugin_folder)
    (folder / "plugins").mkdir()
    if options.plugin_jar is not None:
        shutil.copy2(options.plugin_jar, folder / "plugins")
    return folder


def remove_plugin_folder() -> None:
    """Delete what :func:`lay_out_plugins` made; where Java holds it open, as far as that goes."""
    while _made:
        shutil.rmtree(_made.pop(), ignore_errors=True)
