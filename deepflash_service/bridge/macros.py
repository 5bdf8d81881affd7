"""Running macros and commands so that every early end is an error.

ImageJ tells in five different ways that a macro went wrong, none of them by itself enough:
the interpreter's message, a Java exception, the last message of ``IJ.error``, a stack trace on
the output (a plugin failed, the macro went on), or ``Macro Error`` there (a macro called by
the macro), which with a display is a dialog. All are looked at after each run. What the macro
prints itself is none of them.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deepflash_service.bridge.dialogs import without_error_dialogs
from deepflash_service.bridge.faults import NO_MEMORY
from deepflash_service.bridge.images import check_image_plus
from deepflash_service.bridge.jvm import imagej_lock, java_class
from deepflash_service.bridge.printing import Printed, capture
from deepflash_service.bridge.quitting import CANNOT_QUIT, UNKNOWN_QUIT, without_quit
from deepflash_service.bridge.virtual_stacks import (
    LASTING,
    find_lost_edits,
    warn_of_lost_edits,
)
from deepflash_service.errors import InputError, MacroError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LINE: Final = re.compile(r"^Macro Error: (?P<cause>.*?) in line (?P<line>\d+)", re.M | re.S)
_TRACE: Final = re.compile(
    r"^(?P<cause>\S*(?:Exception|Error)\b[^\n]*)(?:\n[^\n]*){0,3}?\n\s+at \S+\(", re.M
)
_CAUSED: Final = re.compile(r"^Caused by: (?P<cause>[^\n]+)", re.M)
_CANCELED: Final = "Macro canceled"
_ABORTED: Final = "[aborted]"
_NO_IMAGE: Final = "No image is open. Open one and run the command again."
_NO_IMAGE_WORDS: Final = ("There are no images open", "No image is open")
_NO_PICTURE: Final = (
    "The file that is opened is none that ImageJ can read as an image: it takes it for text, to be "
    "shown in a window. Check the path and the file."
)
_TEXT_WINDOW: Final = ("ij.io.Opener.open", "ij.plugin.frame.Editor")
_NO_DISPLAY: Final = (
    "{cause} It needs a display: give its values as arguments, use the overlay instead of the "
    "ROI Manager, or start with init(mode='interactive')."
)


@dataclass(slots=True)
class _Run:
    """What one call left behind."""

    value: str | None = None
    failure: Exception | None = None
    fault: str | None = None
    error: str | None = None
    line: int | None = None
    lost: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    printed: Printed = field(default_factory=Printed)


def read_macro(macro: str | Path) -> str:
    """Return the text of a macro given as text or as the path of a file.

    Raises
    ------
    InputError
        Code ``unknown_macro`` when the file is not there, or it is neither.
    """
    if not isinstance(macro, str | Path):
        raise InputError(
            f"A macro is its text or the path of a file, not {type(macro).__name__}.",
            code="unknown_macro",
        )
    is_path = isinstance(macro, Path) or ("\n" not in macro and macro.endswith((".ijm", ".txt")))
    if not is_path:
        return str(macro)
    try:
        return Path(macro).read_text(encoding="utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise InputError(
            f"The macro {macro} cannot be read ({error.strerror}). Check the path.",
            code="unknown_macro",
        ) from error


def run_macro(text: str, argument: str = "", *, image: Any = None) -> str:
    """Run the text of a macro and return what it returns (empty when nothing).

    Parameters
    ----------
    text : str
        The macro; ``getArgument()`` in it gives `argument`.
    argument : str
        Passed to the macro.
    image : ij.ImagePlus, optional
        The macro's current image.

    Raises
    ------
    MacroError
        The macro stopped early, or a command in it failed; with line and cause.
    """
    with _observed(image) as run:
        interpreter = java_class("ij.macro.Interpreter")()
        try:
            value = interpreter.run(text, str(argument))
            run.value = None if value is None else str(value)
        finally:
            # Not wasError(): a plugin that ends the macro itself may have to suppress that flag.
            message = interpreter.getErrorMessage()
            run.fault = None if message is None else str(message)
            if run.value is None:
                run.line = int(interpreter.getLineNumber())
            _forget_interpreter()
    _raise_fault(run)
    warn_of_lost_edits(run.lost)
    return run.value or ""


def _forget_interpreter() -> None:
    """End the interpreter that a Java exception left behind.

    ImageJ would take the next command for a part of that macro, and its failure for the macro's,
    which is over and hears nothing of it.
    """
    import jpype

    interpreter = java_class("ij.macro.Interpreter")
    if interpreter.getInstance() is not None:
        interpreter().run(";")
    # Older versions of ImageJ have no such field.
    with suppress(jpype.JException):
        last = java_class("ij.IJ").class_.getDeclaredField("macroInterpreter")
        last.setAccessible(True)
        last.set(None, None)


def run_command(command: str, options: str = "", *, image: Any = None) -> None:
    """Run a menu command, as ``IJ.run`` does.

    Parameters
    ----------
    command : str
        Label of the menu entry, such as ``Gaussian Blur...``.
    options : str
        What the macro recorder writes as the second argument.
    image : ij.ImagePlus, optional
        The image to work on.

    Raises
    ------
    MacroError
        The command is unknown or failed.
    InputError
        Code ``invalid_options``: `command` is no label.
    """
    if not (command and isinstance(command, str)):
        raise InputError(
            "A command is the label of a menu entry, such as 'Gaussian Blur...'.",
            code="invalid_options",
        )
    with _observed(image) as run:
        if image is None:
            java_class("ij.IJ").run(command, options)
        else:
            java_class("ij.IJ").run(image, command, options)
    run.line = None
    _raise_fault(run)
    if command not in LASTING:
        warn_of_lost_edits(run.lost)


def make_options(inputs: Mapping[str, object]) -> str:
    """Return values as the option string of a command: ``sigma=2 stack title=[my cells]``.

    Raises
    ------
    InputError
        Code ``invalid_options``: ImageJ cannot hold a ``]`` in a value.
    """
    words = []
    for key, value in inputs.items():
        if value is None or value is False:
            continue
        if value is True:
            words.append(key)
            continue
        text = value.as_posix() if isinstance(value, Path) else str(value)
        if "]" in text:
            raise InputError(
                f"{key}={text!r} holds a ']', which ImageJ cannot read in an option. Rename it.",
                code="invalid_options",
            )
        words.append(f"{key}={text}" if re.fullmatch(r"[^\s\[=]+", text) else f"{key}=[{text}]")
    return " ".join(words)


@contextmanager
def _observed(image: Any) -> Iterator[_Run]:
    """Run the body alone in ImageJ, with its output, its exception and its message kept."""
    import jpype

    if image is not None:
        check_image_plus(image)
    run = _Run()
    with imagej_lock:
        _find_plugins_from_here()
        ij, windows = java_class("ij.IJ"), java_class("ij.WindowManager")
        before = windows.getTempCurrentImage()
        ij.getErrorMessage()
        if image is not None:
            windows.setTempCurrentImage(image)
        edited = find_lost_edits(windows.getCurrentImage(), run.lost)
        try:
            with without_error_dialogs(run.told), without_quit(), edited, capture(run.printed):
                yield run
        except jpype.JException as error:
            run.failure = error
        finally:
            if image is not None:
                windows.setTempCurrentImage(before)
            message = ij.getErrorMessage()
            run.error = None if message is None else str(message)


def _find_plugins_from_here() -> None:
    """Let a thread that Python made load plugins; ImageJ asks the thread's class loader."""
    thread = java_class("java.lang.Thread").currentThread()
    if thread.getContextClassLoader() is None:
        thread.setContextClassLoader(java_class("java.lang.ClassLoader").getSystemClassLoader())


def _raise_fault(run: _Run) -> None:
    told = "\n".join(run.told)
    nested = _LINE.search(run.printed.faults) or _LINE.search(told)
    line = int(nested["line"]) if nested else run.line
    cause = run.fault or (_describe(run) if run.failure is not None else None)
    cause = cause or (run.error and " ".join(run.error.split()))
    cause = cause or (nested and nested["cause"]) or _find_trace(run.printed.faults)
    cause = cause or " ".join(told.split()) or None
    if cause is None and run.value == _ABORTED:
        cause = "The macro was aborted."
    if cause is not None and any(words in cause for words in _NO_IMAGE_WORDS):
        cause = _NO_IMAGE
    if cause is not None and UNKNOWN_QUIT in cause:
        cause = CANNOT_QUIT
    if cause is not None:
        raise MacroError(cause, line=line) from run.failure


def _describe(run: _Run) -> str:
    text = str(run.failure)
    if "HeadlessException" in text and _opens_a_text(run.failure):
        return _NO_PICTURE
    if "OutOfMemoryError" in text:
        return NO_MEMORY
    if "HeadlessException" in text or "headless dialog" in text:
        return _NO_DISPLAY.format(cause=text.removeprefix("java.lang.RuntimeException: ") + ".")
    if _CANCELED not in text:
        return text
    last = [row.strip() for row in run.printed.output.splitlines() if row.strip()]
    return (run.error and " ".join(run.error.split())) or (last[-1] if last else "exit was called.")


def _opens_a_text(failure: Any) -> bool:
    trace = str(failure.stacktrace())
    return all(words in trace for words in _TEXT_WINDOW)


def _find_trace(output: str) -> str | None:
    trace = _TRACE.search(output)
    if trace is None:
        return None
    caused = _CAUSED.findall(output)
    return str(caused[-1] if caused else trace["cause"]).strip()
