"""What a data set holds, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepflash_service.store.reading import hash_file

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class PairFiles:
    """One image and its annotations; ``name`` is the file name of the image."""

    name: str
    image: Path
    annotations: dict[str, Path]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a data set holds at this moment."""

    id: str
    name: str
    images: tuple[str, ...]
    experts: tuple[str, ...]
    pairs: tuple[PairFiles, ...]
    warnings: tuple[str, ...]
    created: str

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
