"""Probability maps of images that the predicting member never saw, kept in the home folder.

They are kept by weights, pixels, and the code that makes maps: after a change of normalisation,
tiling or mirrored views none is found, and all are predicted again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.inference_version import find_version
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.prediction import EngineChoice, load_stored, make_loaded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.accuracy_runs import Member, Trained
    from deepflash_service.records import ModelCard, ProbabilityMap
    from deepflash_service.store.models import StoredModel
    from deepflash_service.workflows.prediction import LoadedModel

EXACT = EngineChoice("keras", "float32")
"""Not the fastest by measurement: figures must not depend on what that finds."""


@dataclass(frozen=True, slots=True)
class UnseenMap:
    """The map of one image: its position in the training data, and the member that made it."""

    position: int
    member: int
    probability: ProbabilityMap


def predict_unseen(home: Path, trained: Trained) -> list[UnseenMap]:
    """Return the map of each image by the one member that never saw it, in order."""
    found = []
    for member in trained.members:
        pixels = {trained.names[one]: trained.data.images[one].pixels for one in member.unseen}
        maps = predict_by_member(home, trained.card, member, pixels=pixels)
        found += [
            UnseenMap(position, member.number, one)
            for position, one in zip(member.unseen, maps, strict=True)
        ]
    return sorted(found, key=lambda one: one.position)


def predict_by_member(
    home: Path, card: ModelCard, member: Member, *, pixels: Mapping[str, Any]
) -> list[ProbabilityMap]:
    """Return the maps of raw images by one member (mean of four mirrored views)."""

    def load() -> LoadedModel:
        from deepflash_service.network.architecture import build_network
        from deepflash_service.network.weights import read_weights

        network = build_network(card.network)
        read_weights(network, member.weights)
        return make_loaded([network], card, reference=card.name, choice=EXACT)

    return _Cache(home, member.sha256, load).predict(pixels)


def predict_by_model(
    home: Path, model: StoredModel, *, pixels: Mapping[str, Any]
) -> list[ProbabilityMap]:
    """Return the maps of raw images by a whole model of the library (mean over its members)."""
    digest = hashlib.sha256("".join(model.card.weights_sha256).encode()).hexdigest()
    return _Cache(home, digest, lambda: load_stored(model, choice=EXACT)).predict(pixels)


class _Cache:
    """Maps by one set of weights and this code; the model is loaded only when one is missing."""

    def __init__(self, home: Path, digest: str, load: Any) -> None:
        self._folder = home / "maps" / find_version() / digest[:20]
        self._load = load
        self._model: LoadedModel | None = None

    def predict(self, pixels: Mapping[str, Any]) -> list[ProbabilityMap]:
        """Return one float32 map per image."""
        return [self._predict_one(name, image) for name, image in pixels.items()]

    def _predict_one(self, name: str, image: Any) -> ProbabilityMap:
        content = hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()
        path = self._folder / f"{name}-{content[:12]}.npz"
        if path.exists():
            with np.load(path) as stored:
                return np.asarray(stored["probability"], dtype=np.float32)
        self._model = self._model or self._load()
        # float16 also when fresh: scores do not depend on whether the map was kept
        found = self._model.predict(np.asarray(image, dtype=np.float32), Hooks())
        half = np.asarray(found, dtype=np.float16)
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.partial.npz")
        np.savez_compressed(temporary, probability=half)
        temporary.replace(path)
        return half.astype(np.float32)


def average_maps(maps: Sequence[ProbabilityMap]) -> ProbabilityMap:
    """Return the mean of several members' maps of one image."""
    return np.asarray(np.mean(np.stack(maps), axis=0), dtype=np.float32)
