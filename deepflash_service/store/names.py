"""Names that come from users, and the ids that this program makes."""

from __future__ import annotations

import re

from deepflash_service.errors import NAME_RULE, InputError

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_DEVICES = re.compile(r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$", re.IGNORECASE)
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SUFFIXES = (".ome.tiff", ".ome.tif", ".ome.zarr")
_IMAGE_SUFFIXES = (
    ".tiff",
    ".tif",
    ".png",
    ".gif",
    ".bmp",
    ".jpg",
    ".jpeg",
    ".roi",
    ".zip",
    ".geojson",
    ".zarr",
)
_LONGEST_FILE_NAME = 200
_LONGEST_EXPERT_NAME = 64


def check_file_name(name: str, *, kind: str = "file") -> str:
    """Return `name` if it can be a file name on every system and leaves no folder.

    Parameters
    ----------
    name : str
        The name as the user's computer gave it.
    kind : str, optional
        What is named, for the message.

    Raises
    ------
    InputError
        Code ``invalid_name``.
    """
    fault = _find_fault(name)
    if fault:
        raise InputError(
            f"The {kind} name {name!r} cannot be used: it {fault}. Rename it and try again.",
            code="invalid_name",
            details={"name": name},
        )
    return name


def _find_fault(name: str) -> str:
    faults = {
        "is empty": not name.strip(". "),
        "contains a slash, colon, wildcard, quote or control character": _FORBIDDEN.search(name),
        "holds a character that is no UTF-8": "\ufffd" in name,
        "begins or ends with a blank or a dot": name != name.strip(" .") or name != name.strip(),
        "is reserved by Windows": _DEVICES.match(name),
        f"is longer than {_LONGEST_FILE_NAME} bytes": (
            len(name.encode(errors="replace")) > _LONGEST_FILE_NAME
        ),
    }
    return next((fault for fault, is_there in faults.items() if is_there), "")


def check_expert(name: str) -> str:
    """Return the name of an expert if it can be a folder name of at most 64 characters.

    Raises
    ------
    InputError
        Code ``invalid_name``.
    """
    check_file_name(name, kind="expert's")
    if len(name) > _LONGEST_EXPERT_NAME:
        raise InputError(
            f"The expert's name {name!r} is longer than {_LONGEST_EXPERT_NAME} characters; "
            "choose a shorter one.",
            code="invalid_name",
        )
    return name


def check_id(text: str) -> str:
    """Return `text` if it has the form of an id made by this program.

    Raises
    ------
    InputError
        Code ``invalid_id``.
    """
    if not _ID.fullmatch(text):
        raise InputError(
            f"{text!r} is not an id of this service; ids hold small letters, digits and hyphens.",
            code="invalid_id",
        )
    return text


def check_name(name: str, *, kind: str = "model name") -> str:
    """Return `name` if it can name a model.

    Parameters
    ----------
    name : str
        The name that the user chose.
    kind : str, optional
        What is named, for the message.

    Raises
    ------
    InputError
        Code ``invalid_name``.
    """
    if not _MODEL.fullmatch(name) or name.endswith(".") or _DEVICES.match(name):
        raise InputError(
            f"The {kind} {name!r} cannot be used: {NAME_RULE}.",
            code="invalid_name",
        )
    return name


def strip_extension(name: str) -> str:
    """Return a file name without its image extension (``a.b.ome.tif`` gives ``a.b``)."""
    lowered = name.lower()
    for suffix in (*_SUFFIXES, *_IMAGE_SUFFIXES):
        if lowered.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name
