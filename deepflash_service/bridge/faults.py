"""What Java throws, as errors of this package."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from deepflash_service.bridge.jvm import imagej_lock
from deepflash_service.errors import ComputeError, DeepFlashError, InputError, SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_MEMORY: Final = (
    "ImageJ ran out of memory. Close images that are not needed, or start with more: "
    "init(heap_gb=8)."
)
_NO_DISPLAY: Final = (
    "ImageJ needs a display for this. Use the overlay in place of windows and the ROI Manager, "
    "or start with init(mode='interactive')."
)


@contextmanager
def alone_in_imagej() -> Iterator[None]:
    """Run the body while no other thread is in ImageJ, its Java exceptions as ours.

    Raises
    ------
    ComputeError
        Codes ``out_of_memory``, and ``imagej_failed`` with the words of Java.
    SetupError
        Code ``no_display``.
    """
    import jpype

    with imagej_lock:
        try:
            yield
        except jpype.JException as error:
            raise explain_java(error) from error


@contextmanager
def uncollected() -> Iterator[None]:
    """Run a short body as :func:`alone_in_imagej` does, without Python's garbage collector.

    JPype answers each garbage collection of Java, and an image of some MB causes one, with a full
    one of Python: 50 ms with pandas loaded, a second in a large program, in the midst of a loop
    of 10 ms. What was put off is collected as soon as Python makes objects again.
    """
    with alone_in_imagej():
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_enabled:
                gc.enable()


def check_kind(value: Any, method: str, *, code: str, sentence: str) -> None:
    """Refuse a value that has not a method, and so is not of the kind of Java.

    Parameters
    ----------
    value : object
        What was given.
    method : str
        Name of a method that this kind has.
    code, sentence : str
        Of the error; ``{kind}`` in the sentence is the type of the value.

    Raises
    ------
    InputError
    """
    if not hasattr(value, method):
        raise InputError(sentence.format(kind=type(value).__name__), code=code)


def explain_java(error: Exception) -> DeepFlashError:
    """Return the error of this package for a Java exception."""
    text = " ".join(str(error).split())
    if "OutOfMemoryError" in text:
        return ComputeError(NO_MEMORY, code="out_of_memory", details={"java": text})
    if "HeadlessException" in text:
        return SetupError(_NO_DISPLAY, code="no_display", details={"java": text})
    return ComputeError(
        f"ImageJ failed: {text}. Check the image and the values given.",
        code="imagej_failed",
        details={"java": text},
    )
