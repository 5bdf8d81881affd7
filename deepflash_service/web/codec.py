"""Requests in, files out: bodies, parts, names and result files, all within limits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Request, request, send_file
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from deepflash_service.errors import InputError, SetupError
from deepflash_service.store.disk import free_bytes
from deepflash_service.web.context import find_context

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flask import Response
    from werkzeug.datastructures import FileStorage

    from deepflash_service.store.runs import InputPart

_CONTENT_TYPES = {
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".zip": "application/zip",
    ".roi": "application/octet-stream",
    ".geojson": "application/geo+json",
    ".png": "image/png",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
}


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file part of a multipart request, not read yet."""

    part: InputPart
    name: str
    storage: FileStorage

    def read(self) -> bytes:
        """Return the bytes of the file."""
        self.storage.stream.seek(0)
        return self.storage.stream.read()


class LimitedRequest(Request):
    """A request whose JSON body is bounded on every route, also where a schema reads it."""

    def get_json(self, *arguments: Any, **options: Any) -> Any:
        """Return the JSON body; arguments as in Flask.

        Raises
        ------
        RequestEntityTooLarge
            For a body longer than ``options_bytes``.
        BadRequest
            For a body that is no JSON, or nested beyond any use.
        """
        _check_json_length(self)
        try:
            return super().get_json(*arguments, **options)
        except RecursionError:
            raise BadRequest from None


def _check_json_length(received: Request) -> None:
    if (received.content_length or 0) > find_context().settings.options_bytes:
        raise RequestEntityTooLarge


def read_body() -> bytes:
    """Return the raw body of an upload, if there is room for it on disk."""
    check_space()
    return request.get_data(cache=False)


def check_space() -> None:
    """Refuse an upload that would fill the disk.

    Raises
    ------
    SetupError
        Code ``disk_full``; the message says how much is free.
    """
    context = find_context()
    free = free_bytes(context.home)
    needed = 2 * (request.content_length or 0) + context.settings.min_free_bytes
    if free < needed:
        raise SetupError(
            f"Only {free // 2**20} MB are free below {context.home}, and {needed // 2**20} MB are "
            "needed. Make room or choose another home folder, then repeat the request.",
            code="disk_full",
            details={"free_bytes": free, "needed_bytes": needed},
        )


def read_json_body() -> dict[str, Any]:
    """Return the JSON object of the body, at most ``options_bytes`` long."""
    _check_json_length(request)
    return parse_object(request.get_data(cache=False))


def parse_object(data: bytes | str) -> dict[str, Any]:
    """Return a JSON object.

    Raises
    ------
    InputError
        Code ``bad_request`` for broken JSON, ``invalid_options`` for another JSON value.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise InputError(
            "The options are no JSON text. Send one JSON object in UTF-8.", code="bad_request"
        ) from None
    if not isinstance(value, dict):
        raise InputError("The options must be one JSON object, such as {}.", code="invalid_options")
    return value


def read_options() -> dict[str, Any]:
    """Return the options of a job request: the JSON body, or the part ``options``.

    Raises
    ------
    InputError
        Codes ``missing_part``, ``bad_request``, ``unsupported_media_type``.
    """
    if request.mimetype == "application/json":
        return read_json_body()
    if request.mimetype != "multipart/form-data":
        raise InputError(
            f"The content type {request.mimetype or 'none'!r} is not taken here. "
            "Send multipart/form-data with a part 'options'.",
            code="unsupported_media_type",
        )
    if "boundary" not in request.mimetype_params:
        raise BadRequest
    limit = find_context().settings.options_bytes
    text: bytes | str | None = request.form.get("options")
    if text is None and "options" in request.files:
        text = request.files["options"].stream.read(limit + 1)
    if text is not None and len(text) > limit:
        raise RequestEntityTooLarge
    if text is None:
        raise InputError(
            "The part 'options' is missing. Add it as application/json.", code="missing_part"
        )
    return parse_object(text)


def list_uploads(parts: Sequence[InputPart], *, dataset: str | None = None) -> list[UploadedFile]:
    """Return the file parts of a multipart request.

    Parameters
    ----------
    parts : sequence of str
        Names of parts, each of which must be there at least once.
    dataset : str, optional
        Data set that the options name in place of files.

    Raises
    ------
    InputError
        Code ``invalid_options`` for files beside a data set.
        Codes ``missing_part`` (none of a name, or a part without file name) and
        ``duplicate_name`` (two files of a part share name or stem).
    """
    if dataset is not None:
        if any(request.files.getlist(part) for part in parts):
            raise InputError(
                f"The request holds files and names the data set {dataset!r} too. Send either "
                "files or a data set, not both.",
                code="invalid_options",
            )
        return []
    check_space()
    return [upload for part in parts for upload in _list_part(part)]


def _list_part(part: InputPart) -> Iterator[UploadedFile]:
    storages = request.files.getlist(part)
    if not storages or not all(storage.filename for storage in storages):
        raise InputError(
            f"The part {part!r} is missing, or has no file name. "
            "Send at least one file under that name, or name a data set in options.dataset.",
            code="missing_part",
            details={"part": part},
        )
    seen: set[str] = set()
    for storage in storages:
        name = storage.filename or ""
        stem = _strip(name).casefold()
        if stem in seen:
            raise InputError(
                f"Two files of the part {part!r} are called {stem!r}. Rename one of them.",
                code="duplicate_name",
                details={"name": name},
            )
        seen.add(stem)
        yield UploadedFile(part, name, storage)


def _strip(name: str) -> str:
    from deepflash_service.store.names import strip_extension

    return strip_extension(name)


def send_path(path: Path, *, name: str | None = None) -> Response:
    """Return a file of the home folder, with ranges, type and download name."""
    kind = _CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")
    response = send_file(path, mimetype=kind, download_name=name or path.name, conditional=True)
    response.headers["Content-Type"] = kind
    return response
