"""The one error tree of the product.

::

    DeepFlashError(Exception)
    ├── InputError(ValueError)                the user's input cannot be used
    ├── NotFoundError(LookupError)            a named thing does not exist
    ├── ConflictError                         the thing exists already, or is busy
    ├── ComputeError(RuntimeError)            the computation failed
    ├── SetupError(RuntimeError)        something on this computer is missing or broken
    ├── JobCancelled                          ends a job, is not a fault
    ├── MacroError(RuntimeError)              an ImageJ macro or command stopped early
    └── ServiceUnreachableError(ConnectionError)

Each error carries a stable ``code`` (clients test this, never the text), a ``message`` (one
sentence: what is wrong, what to do) and ``details`` (JSON-ready facts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAME_RULE = "take 1 to 64 letters, digits, '_', '-' or '.', beginning with a letter or digit"


class DeepFlashError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    message : str
        One sentence that names the cause and the remedy.
    code : str, optional
        Stable machine-readable key; each class has a default.
    details : mapping, optional
        JSON-ready facts behind the message.
    """

    default_code: ClassVar[str] = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.details: dict[str, object] = dict(details or {})


class InputError(DeepFlashError, ValueError):
    """What the user gave cannot be used (codes such as ``invalid_image``)."""

    default_code = "invalid_input"


class NotFoundError(DeepFlashError, LookupError):
    """A named model, job, data set or result does not exist."""

    default_code = "not_found"


class ConflictError(DeepFlashError):
    """The request does not fit the present state (exists already, finished, busy)."""

    default_code = "conflict"


class ComputeError(DeepFlashError, RuntimeError):
    """The computation failed (``out_of_memory``, ``training_diverged`` ...)."""

    default_code = "compute_failed"


class SetupError(DeepFlashError, RuntimeError):
    """Something on this computer is missing or broken (Java, a jar, disk space)."""

    default_code = "setup_fault"


class JobCancelled(DeepFlashError):  # noqa: N818 - an end, not an error
    """The user cancelled the job; not a fault."""

    default_code = "cancelled"


class MacroError(DeepFlashError, RuntimeError):
    """An ImageJ macro or command stopped before its end.

    Parameters
    ----------
    message : str
        What ImageJ said.
    line : int, optional
        Line of the macro, 1-based, where ImageJ tells it.
    """

    default_code = "macro_failed"

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line
        self.details["line"] = line


class ServiceUnreachableError(DeepFlashError, ConnectionError):
    """No service answers, or it refuses this client."""

    default_code = "service_unreachable"


def describe_fault(fault: Mapping[str, Any], *, known: Iterable[str]) -> dict[str, str]:
    """Return the field, and what is wrong with it in words for a person.

    Parameters
    ----------
    fault : mapping
        ``type``, ``loc`` and ``msg`` of a pydantic error.
    known : iterable of str
        The fields that there are.
    """
    text = str(fault["msg"])
    if fault["type"] == "extra_forbidden":
        text = f"there is no such option; there are {', '.join(known)}"
    elif fault["type"] == "string_pattern_mismatch":
        # Names are the only texts that have a pattern.
        text = NAME_RULE
    return {"field": ".".join(map(str, fault["loc"])) or "(all)", "fault": text}
