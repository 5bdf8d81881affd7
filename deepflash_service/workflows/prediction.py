"""A model of the library, ready to predict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from deepflash_service.core.bands import ImageRows
from deepflash_service.errors import InputError
from deepflash_service.records import ModelCard, ProbabilityMap
from deepflash_service.store.images import ImageFile
from deepflash_service.store.models import StoredModel, find_model, verify_weights
from deepflash_service.workflows.devices import find_device
from deepflash_service.workflows.hooks import Hooks

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.core.scaling import Scale
    from deepflash_service.inference.predictor import LoadedPredictor

Predict = Callable[[Any, Hooks], ProbabilityMap]
"""Seam: raw image (M, N) or (M, N, C) and hooks in, probability map (M, N) out."""

PredictMembers = Callable[[Any, Hooks], tuple[ProbabilityMap, Sequence[Any]]]
"""Seam: as ``Predict``, with the map of each member (M, N) behind the mean of all."""

PredictRows = Callable[[ImageRows, Hooks], Iterator[tuple[int, ProbabilityMap]]]
"""Seam: an image that is read by rows in, first row and probabilities (R, N) of each band out."""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """What shall compute: engine (auto, keras, openvino), precision (auto, float32, bfloat16).

    ``auto`` takes the fastest, by measurement. Two processes that name the same engine and
    precision get the same map on like computers.
    """

    engine: Literal["auto", "keras", "openvino"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


FASTEST = EngineChoice()


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model on a device.

    Attributes
    ----------
    reference : str
        ``NAME@VERSION``.
    card : ModelCard
        Its card.
    predict : callable
        See ``Predict``.
    device, engine, precision : str
        What computes, for people.
    predict_rows : callable, optional
        See ``PredictRows``; without it images larger than the memory cannot be predicted.
    predict_members : callable, optional
        See ``PredictMembers``; without it the mean map stands for those of the members.
    rescale : callable, optional
        Returns this model for images that have to be scaled before the network sees them.
    """

    reference: str
    card: ModelCard
    predict: Predict
    device: str = ""
    engine: str = ""
    precision: str = ""
    predict_rows: PredictRows | None = None
    predict_members: PredictMembers | None = None
    rescale: Callable[[Scale], LoadedModel] | None = None


def load_model(home: Path, reference: str, *, choice: EngineChoice = FASTEST) -> LoadedModel:
    """Find a model in the library and put it on the best device.

    Raises
    ------
    NotFoundError
        Code ``unknown_model``.
    InputError
        Codes ``damaged_model`` and ``invalid_weights``.
    ComputeError
        Code ``engine_unavailable`` when the engine chosen does not run here.
    """
    stored = find_model(home, reference)
    verify_weights(stored)
    return load_stored(stored, choice=choice)


def load_stored(stored: StoredModel, *, choice: EngineChoice = FASTEST) -> LoadedModel:
    """Build the networks of a stored model and choose the engine.

    Raises
    ------
    InputError
        Code ``invalid_weights``.
    ComputeError
        Code ``engine_unavailable``.
    """
    from deepflash_service.network.architecture import build_network
    from deepflash_service.network.weights import read_weights

    networks = []
    for path in stored.weights:
        network = build_network(stored.card.network)
        read_weights(network, path)
        networks.append(network)
    return make_loaded(networks, stored.card, reference=stored.reference, choice=choice)


def make_loaded(
    networks: list[Any], card: ModelCard, *, reference: str, choice: EngineChoice = FASTEST
) -> LoadedModel:
    """Wrap Keras networks as one model that averages them.

    Parameters
    ----------
    networks : list
        One network per member, all of ``card.network``.
    card : ModelCard
        Gives the normalisation.
    reference : str
        Name for results.
    choice : EngineChoice, optional
        What shall compute.
    """
    from deepflash_service.inference.predictor import make_predictor
    from deepflash_service.network.prediction import make_callable

    callables = [make_callable(network) for network in networks]
    predictor = make_predictor(
        networks, card, callables=callables, engine=choice.engine, precision=choice.precision
    )
    return _wrap(predictor, card, reference)


def _wrap(predictor: LoadedPredictor, card: ModelCard, reference: str) -> LoadedModel:
    from deepflash_service.inference.rows import Watch

    def predict(image: Any, hooks: Hooks) -> ProbabilityMap:
        return predictor.predict(
            image, report=hooks.report, warn=hooks.warn, is_cancelled=hooks.is_cancelled
        )

    def predict_members(image: Any, hooks: Hooks) -> tuple[ProbabilityMap, Sequence[Any]]:
        members: list[Any] = []
        found = predictor.predict(
            image,
            report=hooks.report,
            warn=hooks.warn,
            is_cancelled=hooks.is_cancelled,
            members=members,
        )
        return found, members

    def predict_rows(rows: ImageRows, hooks: Hooks) -> Iterator[tuple[int, ProbabilityMap]]:
        return predictor.predict_rows(
            rows, watch=Watch(hooks.report, hooks.warn, hooks.is_cancelled)
        )

    return LoadedModel(
        reference,
        card,
        predict,
        device=str(predictor.device) or find_device().name,
        engine=str(predictor.engine),
        precision=str(predictor.precision),
        predict_rows=predict_rows,
        predict_members=predict_members if len(predictor.members) > 1 else None,
        rescale=lambda scale: _wrap(replace(predictor, scale=scale), card, reference),
    )


def choose_pixels(image: ImageFile, plane: int, *, channel: int | None, card: ModelCard) -> Any:
    """Return the pixels of one plane as the model expects them.

    Parameters
    ----------
    image : ImageFile
        The file.
    plane : int
        1-based number.
    channel : int or None
        1-based number, or None to take all.
    card : ModelCard
        Tells the number of channels.

    Returns
    -------
    ndarray of float32, shape (M, N) or (M, N, C)

    Raises
    ------
    InputError
        Codes ``rgb_image`` and ``invalid_options``.
    """
    check_channels(image, channel=channel, card=card)
    return np.asarray(image.select(plane, channel=channel), dtype=np.float32)


class Channelled(Protocol):
    """What is known of an image file before its pixels are read."""

    @property
    def name(self) -> str:
        """File name."""

    @property
    def channels(self) -> int:
        """Number of channels."""

    @property
    def is_rgb(self) -> bool:
        """Whether the channels are the colours of a photograph or screenshot."""


def check_channels(image: Channelled, *, channel: int | None, card: ModelCard) -> None:
    """Refuse an image whose channels do not fit the model.

    Raises
    ------
    InputError
        Codes ``rgb_image``, ``channel_mismatch`` and ``invalid_options``.
    """
    wanted = card.network.channels
    if channel is None and image.channels != wanted:
        raise _refuse_channels(image, card)
    if channel is not None and wanted != 1:
        raise InputError(
            f"Model {card.name} needs all {wanted} channels; leave out the channel.",
            code="invalid_options",
        )


def _refuse_channels(image: Channelled, card: ModelCard) -> InputError:
    details = {"name": image.name, "channels": image.channels, "expected": card.network.channels}
    if image.is_rgb and card.network.channels == 1:
        return InputError(
            f"This is an RGB image, but model {card.name} expects one channel. Use Image > Color > "
            "Split Channels or Image > Type > 8-bit.",
            code="rgb_image",
            details=details,
        )
    remedy = "Choose one with the option channel" if card.network.channels == 1 else "Add them"
    return InputError(
        f"{image.name} has {image.channels} channels, but model {card.name} expects "
        f"{card.network.channels}. {remedy}.",
        code="channel_mismatch",
        details=details,
    )
