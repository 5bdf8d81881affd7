"""The end of a process by a signal, where Java has no part in it."""

from __future__ import annotations

import signal
import sys
import threading

import pytest

from deepflash_service.bridge.ending import EndedError, end_process, run_beside, signals_raised


def test_a_signal_ends_the_wait_for_another_thread() -> None:
    """The handlers of before are back afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    is_over = threading.Event()

    def work() -> None:
        signal.raise_signal(signal.SIGTERM)
        is_over.wait(10)

    with pytest.raises(EndedError) as caught, signals_raised():
        run_beside(work)
    is_over.set()
    assert caught.value.exit_code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_failure_of_the_other_thread_is_raised_here() -> None:
    """As if it were called here."""
    with pytest.raises(ZeroDivisionError):
        run_beside(lambda: 1 // 0)
    assert run_beside(lambda: 5) == 5


def test_a_signal_that_is_ignored_stays_so() -> None:
    """A job of ``nohup``, or in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with signals_raised():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupted_import_is_not_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would fail half-way; Java does not run yet then."""
    handlers = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.delitem(sys.modules, "scyjava", raising=False)
    monkeypatch.setattr("builtins.__import__", lambda name, *_: pytest.fail(f"imports {name}"))
    try:
        end_process(130)
    finally:
        monkeypatch.undo()
        for name, handler in handlers.items():
            signal.signal(name, handler)
