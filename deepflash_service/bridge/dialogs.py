"""Dialogs in which ImageJ tells of a failure, where there is a display.

They wait for a click, and with them the script; under ``xvfb-run`` nobody can click. The sentence
in them becomes an exception anyway.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from deepflash_service.bridge.jvm import java_class

if TYPE_CHECKING:
    from collections.abc import Iterator

_TELLERS: Final = frozenset({("ij.IJ", "error"), ("ij.macro.Interpreter", "showError")})
_LOOP: Final = ("java.awt.WaitDispatchSupport", "enter")
_LOOK_SECONDS: Final = 0.1


@contextmanager
def without_error_dialogs() -> Iterator[None]:
    """Close what ImageJ opens to tell that the body failed; other dialogs stay."""
    if java_class("java.awt.GraphicsEnvironment").isHeadless():
        yield
        return
    is_over = threading.Event()
    current = java_class("java.lang.Thread").currentThread()
    watcher = threading.Thread(target=_close_dialogs, args=(current, is_over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


def _close_dialogs(running: Any, is_over: threading.Event) -> None:
    dialog, window = java_class("java.awt.Dialog"), java_class("java.awt.Window")
    while not is_over.wait(_LOOK_SECONDS):
        if _waits_with_an_error(running):
            for one in window.getWindows():
                if isinstance(one, dialog) and one.isModal() and one.isVisible():
                    one.dispose()
    java_class("java.lang.Thread").detach()


def _waits_with_an_error(running: Any) -> bool:
    """Whether a dialog is open; one that is closed while it opens would block for ever."""
    if "WAITING" not in str(running.getState()):
        return False
    frames = {
        (str(one.getClassName()), str(one.getMethodName())) for one in running.getStackTrace()
    }
    return _LOOP in frames and not _TELLERS.isdisjoint(frames)
