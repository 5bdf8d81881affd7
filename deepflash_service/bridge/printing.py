"""What ImageJ prints while a macro runs, with the macro's own words told apart.

ImageJ reports a failed plugin by printing its stack trace, by the same way and to the same
stream as the ``print`` of a macro. Only who wrote tells one from the other.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from deepflash_service.bridge.jvm import java_class

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUSPECT: Final = re.compile(rb"^\s+at \S+\(|^Macro Error: ", re.M)
_AUTOFLUSH: Final = True
_LOG: Final = ("ij.IJ", "log")
_INTERPRETER: Final = ("ij.macro.Interpreter", "ij.macro.Functions")
# The macro function that prints the trace of the Java method that it called.
_CALL: Final = ("ij.macro.Functions", "call")
# Java's own two streams, and what is kept in place of them.
_captures: Final[list[tuple[Any, Any]]] = []


class Printed:
    """Text in the order in which it was printed."""

    def __init__(self) -> None:
        self._chunks: list[tuple[bytes, bool]] = []

    def add(self, chunk: bytes) -> None:
        """Keep one piece, written by the Java code that is running."""
        is_quoted = _SUSPECT.search(chunk) is not None and _is_macro_print()
        self._chunks.append((chunk, is_quoted))

    @property
    def output(self) -> str:
        """Everything."""
        return _decode(chunk for chunk, _ in self._chunks)

    @property
    def faults(self) -> str:
        """Everything but what reads like a failure and was printed by the macro itself."""
        return _decode(chunk for chunk, is_quoted in self._chunks if not is_quoted)


def _decode(chunks: Iterator[bytes]) -> str:
    return b"".join(chunks).decode("utf-8", errors="replace")


def _is_macro_print() -> bool:
    """Whether the running Java code is the ``print`` of a macro, and no command that fails."""
    frames = java_class("java.lang.Thread").currentThread().getStackTrace()
    calls = [(str(frame.getClassName()), str(frame.getMethodName())) for frame in frames]
    callers = calls[calls.index(_LOG) :] if _LOG in calls else []
    caller = next((call for call in callers if call != _LOG), _LOG)
    return caller != _CALL and caller[0] in _INTERPRETER


class _Channel:
    """A stream of Java, as the ``java.nio.channels.WritableByteChannel`` that it ends in."""

    def __init__(self, printed: Printed, shown: Any) -> None:
        self._printed = printed
        self._shown = shown

    def write(self, buffer: Any) -> int:
        import jpype

        chunk = jpype.JArray(jpype.JByte)(int(buffer.remaining()))
        buffer.get(chunk)
        self._printed.add(bytes(memoryview(chunk)))
        self._shown.write(chunk, 0, len(chunk))
        self._shown.flush()
        return len(chunk)

    def isOpen(self) -> bool:  # noqa: N802 - the name in Java
        return True

    def close(self) -> None:
        """Nothing to close."""


@contextmanager
def capture(printed: Printed) -> Iterator[None]:
    """Keep what Java prints meanwhile, and pass it on to standard error at once."""
    import jpype

    system = java_class("java.lang.System")
    _captures.append((system.out, system.err))
    channel = jpype.JProxy(
        "java.nio.channels.WritableByteChannel", inst=_Channel(printed, system.err)
    )
    stream = java_class("java.nio.channels.Channels").newOutputStream(channel)
    both = java_class("java.io.PrintStream")(stream, _AUTOFLUSH, "UTF-8")
    system.setOut(both)
    system.setErr(both)
    try:
        yield
    finally:
        end_capture()


def end_capture() -> None:
    """Give Java its output back, also while the body of :func:`capture` runs in another thread."""
    if not _captures:
        return
    out, err = _captures.pop()
    system = java_class("java.lang.System")
    system.setOut(out)
    system.setErr(err)
