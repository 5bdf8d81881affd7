"""The model library as users see it: list, show, test, import, export, label, rename, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepflash_service.store.model_renaming import rename_model
from deepflash_service.store.model_trash import remove_model
from deepflash_service.store.models import (
    StoredModel,
    find_model,
    list_labels,
    list_models,
    set_label,
    verify_weights,
)
from deepflash_service.store.packages import export_package, import_package
from deepflash_service.workflows.model_tests import check_model

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "describe_model",
    "describe_models",
    "export_package",
    "import_model",
    "remove_model",
    "rename_model",
    "set_label",
    "verify_model",
]


def describe_models(home: Path) -> dict[str, Any]:
    """Return ``{"models": [card, ...]}`` with all versions."""
    cards = [card for versions in list_models(home).values() for card in versions]
    return {"models": [card.model_dump(mode="json") for card in cards]}


def describe_model(home: Path, name: str) -> dict[str, Any]:
    """Return ``{"name", "versions": [card, ...], "labels": {...}}``.

    Raises
    ------
    NotFoundError
        Code ``unknown_model``.
    """
    chosen = find_model(home, name)
    key = chosen.card.name
    versions = [chosen.card] if "@" in name else list_models(home)[key]
    return {
        "name": key,
        "versions": [card.model_dump(mode="json") for card in versions],
        "labels": list_labels(home, key),
    }


def verify_model(home: Path, reference: str) -> dict[str, Any]:
    """Compare the weights with their hashes and the prediction of the test image with its map.

    Returns
    -------
    dict
        ``{"model", "difference"}``, the largest difference in probability.

    Raises
    ------
    NotFoundError
        Code ``unknown_model``.
    InputError
        Codes ``damaged_model``, ``model_test_failed``, ``no_model_test``.
    """
    stored = find_model(home, reference)
    verify_weights(stored)
    return {"model": stored.reference, "difference": check_model(stored)}


def import_model(home: Path, source: Path | bytes, *, name: str | None = None) -> StoredModel:
    """Add a package to the library after its test image gave what it promises.

    Raises
    ------
    InputError
        Codes ``invalid_package``, ``damaged_model``, ``model_test_failed``.
    ConflictError
        Code ``model_exists``.
    """

    def check(stored: StoredModel) -> None:
        if stored.test_image is not None:
            check_model(stored)

    return import_package(home, source, check=check, name=name)
