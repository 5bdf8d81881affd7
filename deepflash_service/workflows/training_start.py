"""The start of a training: what it begins with, and whether that is still so when it resumes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import ConflictError, NotFoundError
from deepflash_service.records import Ancestor
from deepflash_service.store.checkpoints import read_note, write_note
from deepflash_service.store.datasets import open_dataset
from deepflash_service.store.models import StoredModel, find_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from deepflash_service.records import TrainOptions
    from deepflash_service.store.datasets import Dataset
    from deepflash_service.store.runs import Run

    Hashes = Mapping[str, Mapping[str, str]]

_NOTE = "data"
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a training began with.

    Attributes
    ----------
    fingerprint : str
        SHA-256 of all names and file contents of the data set.
    files : dict of str to str
        SHA-256 of each file, keyed ``images/NAME`` and ``annotations/EXPERT/NAME``.
    base : StoredModel or None
        The version of the base model that was meant when the training began.
    """

    fingerprint: str
    files: dict[str, str]
    base: StoredModel | None

    def list_ancestors(self) -> list[Ancestor]:
        """Return all models from which this training descends, the base model last."""
        if self.base is None:
            return []
        card = self.base.card
        before = card.ancestors
        if not before and card.base != "new":
            before = [Ancestor(model=card.base)]
        names = [*card.training_images, *card.held_out_images]
        images = _select_images(card.data_sha256) or dict.fromkeys(names, "")
        return [*before, Ancestor(model=self.base.reference, images=images)]

    def list_known_images(self) -> set[str]:
        """Return the names of the images from which an ancestor has learnt, by their contents."""
        known = {digest for one in self.list_ancestors() for digest in one.images.values()}
        return {name for name, digest in _select_images(self.files).items() if digest in known}

    def list_doubts(self) -> list[str]:
        """Return warnings that images may be known, where the hashes of an ancestor are not."""
        names = _select_images(self.files).keys() - self.list_known_images()
        warnings = []
        for one in self.list_ancestors():
            alike = [name for name, digest in one.images.items() if not digest and name in names]
            if not one.images:
                warnings.append(
                    f"It is not known which images {one.model}, from which this model descends, "
                    "has learnt from. If some of these were among them, the scores are too good."
                )
            elif alike:
                warnings.append(
                    f"{one.model}, from which this model descends, has learnt from images that "
                    f"were called {_name_some(alike)}. If these are the same, the scores are too "
                    "good."
                )
        return warnings


def _select_images(files: Mapping[str, str]) -> dict[str, str]:
    """Return the hashes of the images by name, without those of annotations."""
    head = "images/"
    return {name[len(head) :]: one for name, one in files.items() if name.startswith(head)}


def begin_training(home: Path, run: Run, *, dataset: Dataset, options: TrainOptions) -> Beginning:
    """Note what the training begins with, or compare it with what was noted before.

    Parameters
    ----------
    home : Path
        Home folder.
    run : Run
        Job folder.
    dataset : Dataset
        As it is now.
    options : TrainOptions
        What the user chose.

    Raises
    ------
    ConflictError
        Code ``data_changed``, with the names of what was ``added``, ``removed`` and ``changed``
        in the details; also when the base model of that name has other weights, as on another
        computer. What was kept stays.
    NotFoundError
        Code ``unknown_model`` (base model).
    """
    files = dataset.hash_files()
    note = read_note(run, _NOTE)
    if note is None:
        base = None if options.base == "new" else find_model(home, options.base)
        write_note(run, _NOTE, facts={**files, **_describe_base(base)})
    else:
        _compare({kind: dict(note.get(kind, {})) for kind in files}, files)
        reference = str(note.get("base", options.base))
        base = None if reference == "new" else find_model(home, reference)
        _compare_base(note, base)
    text = json.dumps(files, sort_keys=True)
    names = {f"{kind}s/{name}": digest for kind in files for name, digest in files[kind].items()}
    return Beginning(hashlib.sha256(text.encode()).hexdigest(), names, base)


def open_training_data(home: Path, run: Run, *, dataset: str) -> Dataset:
    """Return the data set of a training.

    Raises
    ------
    NotFoundError
        Code ``unknown_dataset``; a training that has begun needs that very data set.
    """
    try:
        return open_dataset(home, dataset)
    except NotFoundError as error:
        if read_note(run, _NOTE) is None:
            raise
        raise NotFoundError(
            f"The data set {dataset} with which this training began is not in {home}. Copy the "
            f"folder datasets/{dataset} from where it was, then resume job {run.id}.",
            code=error.code,
            details=error.details,
        ) from error


def _describe_base(base: StoredModel | None) -> dict[str, Any]:
    if base is None:
        return {"base": "new"}
    return {"base": base.reference, "base_weights": base.card.weights_sha256}


def _compare_base(note: Mapping[str, Any], base: StoredModel | None) -> None:
    if base is None or note.get("base_weights", base.card.weights_sha256) == (
        base.card.weights_sha256
    ):
        return
    raise ConflictError(
        f"The base model {base.reference} here has other weights than the one with which this "
        "training began, so it cannot go on. Bring that model here, or start a new training.",
        code="data_changed",
        details={"changed": [f"base model {base.reference}"]},
    )


def _compare(before: Hashes, now: Hashes) -> None:
    found: dict[str, list[str]] = {"added": [], "removed": [], "changed": []}
    for kind, names in now.items():
        old = before[kind]
        found["added"] += [f"{kind} {name}" for name in names if name not in old]
        found["removed"] += [f"{kind} {name}" for name in old if name not in names]
        found["changed"] += [
            f"{kind} {name}" for name in names if old.get(name, names[name]) != names[name]
        ]
    if not any(found.values()):
        return
    text = "; ".join(f"{verb}: {_name_some(names)}" for verb, names in found.items() if names)
    raise ConflictError(
        f"The data set has changed since this training began ({text}), so it cannot go on. Put "
        "the files back as they were, or start a new training.",
        code="data_changed",
        details=dict(found),
    )


def _name_some(names: Sequence[str]) -> str:
    some = ", ".join(sorted(names)[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"{some} and {more} more" if more > 0 else some
