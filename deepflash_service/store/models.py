"""The model library: immutable versions, movable labels.

``models/<name>/<version>/`` holds ``model.json`` (the card), ``member-K.weights.h5``, and
where they exist ``thumbnail.png``, ``test_image.tif`` and ``test_expected.tif``.
"""

from __future__ import annotations

import difflib
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from deepflash_service.errors import ConflictError, InputError, NotFoundError
from deepflash_service.records import ModelCard
from deepflash_service.store.atomic import TEMPORARY_PREFIX, rename_folder, write_json, write_text
from deepflash_service.store.clock import format_now
from deepflash_service.store.names import check_name
from deepflash_service.store.reading import hash_file, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CARD = "model.json"
LABELS = "labels.json"
TRASH = ".trash"
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One version of a model on disk."""

    card: ModelCard
    folder: Path

    @property
    def reference(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.card.name}@{self.card.version}"

    @property
    def weights(self) -> tuple[Path, ...]:
        """Weight files, one per member."""
        return tuple(
            self.folder / f"member-{member}.weights.h5"
            for member in range(1, self.card.members + 1)
        )

    @property
    def thumbnail(self) -> Path | None:
        """Picture of an example, where there is one."""
        return self._find("thumbnail.png")

    @property
    def test_image(self) -> Path | None:
        """Image of the test pair, where there is one."""
        return self._find("test_image.tif")

    @property
    def test_expected(self) -> Path | None:
        """Probability map that belongs to the test image, where there is one."""
        return self._find("test_expected.tif")

    def _find(self, name: str) -> Path | None:
        path = self.folder / name
        return path if path.is_file() else None


def list_models(home: Path) -> dict[str, list[ModelCard]]:
    """Return the cards of all versions, ascending, by model name; damaged ones are left out."""
    models: dict[str, list[ModelCard]] = {}
    for folder in sorted((home / "models").glob("[A-Za-z0-9]*/")):
        cards = [_load(folder / str(version)) for version in list_versions(folder)]
        found = [stored.card for stored in cards if stored is not None]
        if found:
            models[folder.name] = found
    return models


def find_model(home: Path, reference: str) -> StoredModel:
    """Return one version of a model.

    Parameters
    ----------
    home : Path
        Home folder.
    reference : str
        ``NAME`` (the newest version, or the one labelled ``recommended``), ``NAME@3`` or
        ``NAME@label``.

    Raises
    ------
    NotFoundError
        Code ``unknown_model``; names the known models and similar names.
    """
    name, _, wanted = reference.partition("@")
    version = _choose_version(home, name, wanted)
    stored = _load(home / "models" / name / str(version)) if version else None
    if stored is None:
        raise _refuse_unknown(home, reference)
    return stored


def _choose_version(home: Path, name: str, wanted: str) -> int | None:
    try:
        folder = home / "models" / check_name(name)
    except InputError:
        return None
    versions = list_versions(folder)
    labels = list_labels(home, name)
    if not wanted:
        newest = versions[-1] if versions else None
        return labels.get("recommended", newest)
    if wanted.isdecimal():
        return int(wanted) if int(wanted) in versions else None
    return labels.get(wanted)


def _refuse_unknown(home: Path, reference: str) -> NotFoundError:
    known = sorted(list_models(home))
    name = reference.partition("@")[0]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if name in known:
        remedy = f"`deepflash models show {name}` lists its versions."
    elif close:
        remedy = f"Did you mean {close[0]}?"
    elif known:
        remedy = f"Known models: {', '.join(known)}."
    else:
        remedy = "The library is empty: train a model or import a package."
    return NotFoundError(
        f"There is no model {reference!r}. {remedy} The library is that of {home} (DEEPFLASH_HOME "
        "or --home name another).",
        code="unknown_model",
        details={"model": reference, "known": known},
    )


@contextmanager
def stage_model(home: Path) -> Iterator[Path]:
    """Yield a temporary folder for weights and pictures; what is not published is removed."""
    (folder := home / "models" / f"{TEMPORARY_PREFIX}{uuid4().hex[:12]}").mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish_model(
    home: Path, folder: Path, *, card: ModelCard, check: Callable[[], None] | None = None
) -> StoredModel:
    """Give a staged folder the next version number of its model.

    Parameters
    ----------
    home : Path
        Home folder.
    folder : Path
        From :func:`stage_model`, with all weight files.
    card : ModelCard
        Version, hashes and (where empty) the date are filled in here.
    check : callable, optional
        Called just before the folder gets its number; may raise.

    Raises
    ------
    InputError
        Code ``damaged_model`` when a weight file is missing.
    ConflictError
        Code ``model_exists`` when other programs took every number tried.
    """
    members = [folder / f"member-{number}.weights.h5" for number in range(1, card.members + 1)]
    missing = [path.name for path in members if not path.is_file()]
    if missing:
        raise InputError(
            f"The model {card.name} lacks {', '.join(missing)}; export or train it again.",
            code="damaged_model",
        )
    hashes = [hash_file(path) for path in members]
    root = home / "models" / check_name(card.name)
    facts = {"weights_sha256": hashes, "created": card.created or format_now()}
    for _ in range(_ATTEMPTS):
        version = _next_version(home, card.name)
        final = card.model_copy(update={"version": version, **facts})
        write_text(folder / CARD, final.to_json() + "\n")
        root.mkdir(parents=True, exist_ok=True)
        try:
            rename_folder(folder, root / str(version), check=check)
        except (FileExistsError, FileNotFoundError):
            # another version came, or the last one went and took the folder with it
            continue
        return StoredModel(final, root / str(version))
    sentence = f"No version number of {card.name} is free; try again."
    raise ConflictError(sentence, code="model_exists")


def _next_version(home: Path, name: str) -> int:
    trashed = (home / "models" / TRASH).glob(f"{name}@*")
    used = [_read_number(path.name.rpartition("@")[2].partition(".")[0]) for path in trashed]
    return max([0, *list_versions(home / "models" / name), *used]) + 1


def verify_weights(model: StoredModel) -> None:
    """Compare the weight files with the hashes of the card.

    Raises
    ------
    InputError
        Code ``damaged_model``.
    """
    try:
        found = [hash_file(path) for path in model.weights]
    except OSError:
        found = []
    if found != model.card.weights_sha256:
        raise InputError(
            f"The weights of {model.reference} are damaged or were changed; import the model again "
            "or use another version.",
            code="damaged_model",
            details={"model": model.reference},
        )


def list_labels(home: Path, name: str) -> dict[str, int]:
    """Return the labels of a model with the version each points to."""
    try:
        labels = read_json(home / "models" / check_name(name) / LABELS)
    except FileNotFoundError:
        return {}
    there = list_versions(home / "models" / name)
    return {label: number for label, number in labels.items() if number in there}


def set_label(home: Path, name: str, *, label: str, version: int | None) -> None:
    """Let a label point to a version, or remove it (``version`` None).

    Raises
    ------
    InputError
        Code ``invalid_name`` for a label that is a number or not a plain word.
    NotFoundError
        Code ``unknown_model``.
    """
    if label.isdecimal():
        raise InputError(
            f"The label {label!r} looks like a version number; take a word.", code="invalid_name"
        )
    check_name(label, kind="label")
    find_model(home, name if version is None else f"{name}@{version}")
    labels = {key: number for key, number in list_labels(home, name).items() if key != label}
    if version is not None:
        labels[label] = version
    write_json(home / "models" / name / LABELS, labels)


def list_versions(folder: Path) -> list[int]:
    """Return the numbers of the versions in the folder of a model."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(number for path in found if (number := _read_number(path.name)) > 0)


def _read_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


def _load(folder: Path) -> StoredModel | None:
    try:
        card = ModelCard.from_json((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, InputError):
        return None
    return StoredModel(card, folder)
