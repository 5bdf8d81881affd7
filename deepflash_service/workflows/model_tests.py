"""The test image that travels with a model, and the check that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.errors import InputError
from deepflash_service.store.images import read_image, write_image, write_png, write_probability
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.prediction import LoadedModel, load_stored, make_loaded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deepflash_service.records import LabelImage, ModelCard
    from deepflash_service.store.models import StoredModel
    from deepflash_service.workflows.training_data import TrainingData

_SIDE = 256
_LARGEST_DIFFERENCE = 0.02
"""Engines may differ by 0.01; twice that is another model."""


def write_test_files(
    folder: Path,
    card: ModelCard,
    *,
    networks: list[Any],
    data: TrainingData,
    labels: Mapping[int, LabelImage],
) -> None:
    """Write a test image with its expected map, and a thumbnail.

    Parameters
    ----------
    folder : Path
        The staged model.
    card : ModelCard
        Its card.
    networks : list
        Its members.
    data : TrainingData
        Where the picture comes from.
    labels : mapping of int to LabelImage
        Predicted ROIs of held-out images; the thumbnail compares one with the consensus.
    """
    from deepflash_service.core.overlay import compare_masks, draw_outlines

    index = min(labels, default=0)
    image = data.images[index]
    crop = _find_busiest(image.truth)
    pixels = _fit_channels(np.asarray(image.pixels)[crop])
    model = make_loaded(networks, card, reference=card.name)
    expected = model.predict(_to_model(pixels), Hooks())
    write_image(folder / "test_image.tif", pixels)
    write_probability(folder / "test_expected.tif", expected)
    grey = image.pixels if image.pixels.ndim == 2 else image.pixels[..., 0]
    if labels:
        picture = compare_masks(None, labels[index] > 0, image.truth > 0)
    else:
        picture = draw_outlines(np.asarray(grey), image.truth)
    write_png(folder / "thumbnail.png", picture[crop])


def check_model(stored: StoredModel, *, model: LoadedModel | None = None) -> float:
    """Predict the test image of a model and return the largest difference to what is expected.

    Parameters
    ----------
    stored : StoredModel
        The model, with test files.
    model : LoadedModel, optional
        The same model if it is loaded already.

    Raises
    ------
    InputError
        Code ``model_test_failed`` when it predicts something else, ``no_model_test`` when it
        came without test files.
    """
    if stored.test_image is None or stored.test_expected is None:
        raise InputError(
            f"The model {stored.reference} has no test image. Export it again with this version.",
            code="no_model_test",
        )
    model = model or load_stored(stored)
    pixels = _read_test(stored.test_image)
    expected = read_image(stored.test_expected).select()
    found = model.predict(pixels, Hooks())
    if found.shape != expected.shape:
        raise _refuse(stored, "another size")
    difference = float(np.abs(found - expected).max(initial=0.0))
    if difference > _LARGEST_DIFFERENCE:
        raise _refuse(stored, f"probabilities that differ by up to {difference:.2f}")
    return difference


def _read_test(path: Path) -> Any:
    planes = read_image(path).planes
    stack = planes if planes.ndim == 3 else planes[0].transpose(2, 0, 1)
    return _to_model(stack[0] if len(stack) == 1 else stack)


def _fit_channels(pixels: Any) -> Any:
    return pixels if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _to_model(stack: Any) -> Any:
    values = np.asarray(stack, dtype=np.float32)
    return values if values.ndim == 2 else values.transpose(1, 2, 0)


def _find_busiest(labels: LabelImage) -> tuple[slice, slice]:
    """Return the square of 256 pixels with the most foreground."""
    from scipy.ndimage import uniform_filter

    rows, columns = labels.shape
    density = uniform_filter((labels > 0).astype(np.float32), size=_SIDE, mode="constant")
    row, column = np.unravel_index(int(np.argmax(density)), labels.shape)
    top = int(np.clip(row - _SIDE // 2, 0, max(rows - _SIDE, 0)))
    left = int(np.clip(column - _SIDE // 2, 0, max(columns - _SIDE, 0)))
    return slice(top, top + _SIDE), slice(left, left + _SIDE)


def _refuse(stored: StoredModel, fault: str) -> InputError:
    return InputError(
        f"The model {stored.reference} failed its own test: it predicts {fault} than when it was "
        "made. The package is damaged or was changed; ask for a new export.",
        code="model_test_failed",
        details={"model": stored.reference},
    )
