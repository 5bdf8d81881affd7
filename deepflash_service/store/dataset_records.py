"""What a data set holds, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepflash_service.store.reading import hash_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from deepflash_service.core.pairing import Pairing


@dataclass(frozen=True, slots=True)
class PairFiles:
    """One image and its annotations; ``name`` is the file name of the image."""

    name: str
    image: Path
    annotations: dict[str, Path]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a data set holds at this moment; ``lonely``: by expert, files that fit no image."""

    id: str
    name: str
    images: tuple[str, ...]
    experts: tuple[str, ...]
    pairs: tuple[PairFiles, ...]
    warnings: tuple[str, ...]
    created: str
    lonely: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def hash_files(self) -> dict[str, dict[str, str]]:
        """Return the SHA-256 of each ``image``, and of each ``annotation`` as EXPERT/NAME."""
        return {
            "image": {pair.name: hash_file(pair.image) for pair in self.pairs},
            "annotation": {
                f"{expert}/{path.name}": hash_file(path)
                for pair in self.pairs
                for expert, path in pair.annotations.items()
            },
        }

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that clients see."""
        return {
            "id": self.id,
            "name": self.name,
            "images": list(self.images),
            "experts": list(self.experts),
            "pairs": [
                {"image": pair.name, "experts": sorted(pair.annotations)} for pair in self.pairs
            ],
            "warnings": list(self.warnings),
            "created": self.created,
        }


def list_lonely(pairing: Pairing, masks: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Return by expert the names of the annotations that are in no pair."""
    paired = {(expert, mask) for one in pairing.pairs.values() for expert, mask in one.items()}
    return {
        expert: tuple(name for name in names if (expert, name) not in paired)
        for expert, names in masks.items()
    }


@dataclass(frozen=True, slots=True)
class StoredImage:
    """Receipt of an image: its name, rows and columns, SHA-256 of its bytes."""

    name: str
    shape: tuple[int, int]
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredAnnotation:
    """Receipt of an annotation: its name, expert, and number of ROIs."""

    name: str
    expert: str
    rois: int
