"""Models as one file that can be mailed: a ZIP of the version's folder."""

from __future__ import annotations

import re
import zipfile
from contextlib import ExitStack
from typing import TYPE_CHECKING

from deepflash_service.errors import ConflictError, InputError
from deepflash_service.records import ModelCard
from deepflash_service.store.atomic import open_atomic
from deepflash_service.store.models import (
    CARD,
    StoredModel,
    find_model,
    list_models,
    publish_model,
    stage_model,
    verify_weights,
)
from deepflash_service.store.names import check_name
from deepflash_service.store.roi_files import ZIP_FAULTS
from deepflash_service.store.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_MEMBER = re.compile(
    r"model\.json|member-([1-9]|1[0-6])\.weights\.h5|thumbnail\.png|test_(image|expected)\.tif"
)
_LARGEST_CARD = 4 * 1024 * 1024
_MOST_BYTES = 4 * 1024 * 1024 * 1024
_HIGHEST_RATIO = 200
_CHUNK = 1024 * 1024


def export_package(home: Path, reference: str, *, output: Path) -> Path:
    """Write one model version as a package file.

    Parameters
    ----------
    home : Path
        Home folder.
    reference : str
        As in :func:`deepflash_service.store.models.find_model`.
    output : Path
        The file to write, or a folder for ``NAME-VERSION.deepflash.zip``.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    NotFoundError
        Code ``unknown_model``.
    InputError
        Code ``damaged_model``.
    """
    model = find_model(home, reference)
    verify_weights(model)
    if output.is_dir() or not output.suffix:
        output /= f"{model.card.name}-{model.card.version}.deepflash.zip"
    with (
        open_atomic(output) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for path in sorted(model.folder.iterdir()):
            if _MEMBER.fullmatch(path.name):
                archive.write(path, path.name)
    return output


def import_package(
    home: Path,
    source: Path | bytes,
    *,
    check: Callable[[StoredModel], None] | None = None,
    name: str | None = None,
) -> StoredModel:
    """Add a package file to the library as a new version.

    Nothing of the package is executed or deserialised here; members are checked by name, count,
    expanded size and hash.

    Parameters
    ----------
    home : Path
        Home folder.
    source : Path or bytes
        The package.
    check : callable, optional
        Called with the staged model before it is published; raises to refuse it.
    name : str, optional
        Name in this library; the package's own without it.

    Raises
    ------
    InputError
        Codes ``invalid_package``, ``damaged_model``, ``invalid_options``.
    ConflictError
        Code ``model_exists`` when the library has these very weights under this name.
    """
    origin = Source.of(source, None)
    with ExitStack() as stack:
        stream = stack.enter_context(origin.open())
        folder = stack.enter_context(stage_model(home))
        try:
            archive = stack.enter_context(zipfile.ZipFile(stream))
            _check_members(archive.infolist(), origin)
            _extract(archive, folder)
        except InputError:
            raise
        except ZIP_FAULTS as error:
            raise _refuse(origin, "it is not a ZIP file, or it is damaged") from error
        card = ModelCard.from_json((folder / CARD).read_bytes())
        card = card.model_copy(update={"name": check_name(name or card.name)})
        model = StoredModel(card, folder)
        verify_weights(model)
        _refuse_twin(home, card)
        if check is not None:
            check(model)
        return publish_model(home, folder, card=card)


def _check_members(members: Sequence[zipfile.ZipInfo], source: Source) -> None:
    names = [one.filename for one in members]
    foreign = [one for one in names if not _MEMBER.fullmatch(one)]
    if foreign:
        raise _refuse(source, f"it contains the unexpected file {foreign[0]!r}")
    if CARD not in names or len(set(names)) != len(names):
        raise _refuse(source, "it must hold model.json once and every other file once")
    for one in members:
        limit = _LARGEST_CARD if one.filename == CARD else _MOST_BYTES
        if one.file_size > limit or one.file_size > _HIGHEST_RATIO * max(one.compress_size, 1000):
            raise _refuse(source, f"{one.filename} would expand to {one.file_size:,} bytes")
    if sum(one.file_size for one in members) > _MOST_BYTES:
        raise _refuse(source, "it would expand to more than 4 GB")


def _extract(archive: zipfile.ZipFile, folder: Path) -> None:
    for one in archive.infolist():
        with archive.open(one) as packed, (folder / one.filename).open("wb") as stream:
            left = one.file_size
            while left and (chunk := packed.read(min(_CHUNK, left))):
                stream.write(chunk)
                left -= len(chunk)


def _refuse_twin(home: Path, card: ModelCard) -> None:
    for other in list_models(home).get(card.name, []):
        if other.weights_sha256 == card.weights_sha256:
            raise ConflictError(
                f"The library has this model already: {other.name}@{other.version}. Import it "
                "under another name if you need a copy.",
                code="model_exists",
                details={"model": f"{other.name}@{other.version}"},
            )


def _refuse(source: Source, reason: str) -> InputError:
    return InputError(
        f"{source.name} is not a model package of DeepFLaSH: {reason}. Export the model again with "
        "`deepflash models export`.",
        code="invalid_package",
        details={"name": source.name},
    )
