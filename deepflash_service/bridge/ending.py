"""Ending a process from outside while Java works in it.

Java is asked for nothing by the signals of the system (``-Xrs``, so that Ctrl+C stays Python's),
and Python acts upon one only when its main thread is not in Java. So the work is done in another
thread, and the main thread ends the process by way of Java, whose shutdown hooks cancel a training
that a macro waits for.
"""

from __future__ import annotations

import signal
import sys
import threading
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from deepflash_service.bridge.jvm import java_class
from deepflash_service.bridge.plugin_folder import remove_plugin_folder
from deepflash_service.bridge.printing import end_capture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Answer = TypeVar("_Answer")
_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP")
_LOOK_SECONDS: Final = 0.2
_SIGNALLED: Final = 128


class EndedError(BaseException):
    """A signal asked the process to end; no ``except Exception`` may take it for a failure.

    Attributes
    ----------
    signal : signal.Signals
        The signal.
    exit_code : int
        What a shell calls the end by this signal.
    """

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        self.exit_code = _SIGNALLED + number
        super().__init__(self.signal.name)


@contextmanager
def signals_raised() -> Iterator[None]:
    """Raise :class:`EndedError` in the main thread for each signal that asks for an end.

    One that whoever started the process told it not to hear, as ``nohup`` does, stays unheard.
    """
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _raise_ended)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise_ended(number: int, _: object) -> None:
    raise EndedError(number)


def run_beside(task: Callable[[], _Answer]) -> _Answer:
    """Return what `task` returns; meanwhile this thread hears signals."""
    answer: Future[_Answer] = Future()

    def work() -> None:
        try:
            answer.set_result(task())
        except BaseException as error:  # noqa: BLE001 - raised again by the other thread
            answer.set_exception(error)

    threading.Thread(target=work, name="macro", daemon=True).start()
    # In one go Windows would not let the signal through.
    while not answer.done():
        wait([answer], timeout=_LOOK_SECONDS)
    return answer.result()


def end_process(exit_code: int) -> None:
    """End this process by way of Java if that runs, whatever another thread does in it.

    Shutdown hooks of Java run, and what it printed is on standard error; Python's own handlers
    would wait for the other thread. A further signal ends the process at once.
    """
    remove_plugin_folder()
    for name in _SIGNALS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    # A signal may have come in the midst of the import, which must not be done again.
    scyjava = sys.modules.get("scyjava")
    if scyjava is not None and scyjava.jvm_started():
        end_capture()
        java_class("java.lang.Runtime").getRuntime().exit(exit_code)
