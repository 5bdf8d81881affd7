"""Dialogs in which ImageJ tells of a failure, where there is a display.

They wait for a click, and with them the script; under ``xvfb-run`` nobody can click. So they are
read and closed: some failures, as of a macro called by a macro, are told nowhere else.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from deepflash_service.bridge.jvm import java_class

if TYPE_CHECKING:
    from collections.abc import Iterator

_MACRO: Final = ("ij.macro.Interpreter", "showError")
_TELLERS: Final = frozenset({("ij.IJ", "error"), _MACRO})
# What ImageJ prints of the same failure where there is no display.
_PRINTED_AS: Final = "Macro Error: "
_LOOP: Final = ("java.awt.WaitDispatchSupport", "enter")
_LOOK_SECONDS: Final = 0.1


@contextmanager
def without_error_dialogs(told: list[str]) -> Iterator[None]:
    """Close what ImageJ opens to tell that the body failed; other dialogs stay.

    Parameters
    ----------
    told : list of str
        Gets the text of each dialog that was closed.
    """
    if java_class("java.awt.GraphicsEnvironment").isHeadless():
        yield
        return
    is_over = threading.Event()
    watcher = _Watcher(told)
    thread = threading.Thread(target=watcher.watch, args=(is_over,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


class _Watcher:
    """Looks again and again at the thread that made it."""

    def __init__(self, told: list[str]) -> None:
        self._told = told
        self._running = java_class("java.lang.Thread").currentThread()
        self._others = _list_dialogs()

    def watch(self, is_over: threading.Event) -> None:
        """Read and close the dialogs of failures until it is over."""
        while not is_over.wait(_LOOK_SECONDS):
            self._look()
        java_class("java.lang.Thread").detach()

    def _look(self) -> None:
        dialogs = _list_dialogs()
        frames = {
            (str(one.getClassName()), str(one.getMethodName()))
            for one in self._running.getStackTrace()
        }
        if _TELLERS.isdisjoint(frames):
            # Listed before the look at the thread, so none of these tells of its failure.
            self._others = dialogs
            return
        # One that is closed while it opens would block for ever.
        if _LOOP not in frames or "WAITING" not in str(self._running.getState()):
            return
        for dialog in dialogs:
            if dialog not in self._others and dialog.isModal() and dialog.isVisible():
                text = "\n".join(_read(dialog)).strip()
                self._told.append(_PRINTED_AS * (_MACRO in frames) + text)
                dialog.dispose()


def _list_dialogs() -> list[Any]:
    kind = java_class("java.awt.Dialog")
    return [one for one in java_class("java.awt.Window").getWindows() if isinstance(one, kind)]


def _read(container: Any) -> Iterator[str]:
    """Give the sentences in a dialog, without what stands on its buttons."""
    names = ("java.awt.Container", "ij.gui.MultiLineLabel", "javax.swing.text.JTextComponent")
    container_type, lines_type, editor_type = map(java_class, names)
    plain = tuple(map(java_class, ("java.awt.Label", "java.awt.TextComponent")))
    for part in container.getComponents():
        if isinstance(part, lines_type):
            field = lines_type.class_.getDeclaredField("lines")
            field.setAccessible(True)
            yield "\n".join(str(line) for line in field.get(part) if line is not None)
        elif isinstance(part, plain):
            yield str(part.getText())
        elif isinstance(part, editor_type):
            document = part.getDocument()
            yield str(document.getText(0, document.getLength()))
        elif isinstance(part, container_type):
            yield from _read(part)
