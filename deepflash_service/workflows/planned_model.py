"""The model of a shared segmentation: the same weights and the same engine everywhere."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import ComputeError, ConflictError
from deepflash_service.store import image_records as records
from deepflash_service.workflows import prediction
from deepflash_service.workflows.prediction import FASTEST, EngineChoice, LoadedModel

if TYPE_CHECKING:
    from deepflash_service.records import ModelCard
    from deepflash_service.workflows.segment_plan import SegmentPlan

_ANOTHER_ENGINE = (
    "This computer cannot run {engine} in {precision}, with which this segmentation began; its "
    "probabilities may differ by up to 0.01. Name an engine that all computers have, such as "
    "--engine keras."
)


def load_planned(plan: SegmentPlan) -> tuple[LoadedModel, str]:
    """Return the model of a plan, loaded once per process, and a warning or an empty text.

    The first process of a segmentation that loads the model chooses engine and precision for
    all: otherwise two equal computers could disagree by the noise of a measurement.

    Raises
    ------
    ConflictError
        Code ``other_model``: a model of the same name with other weights.
    DeepFlashError
        When the model cannot be loaded.
    """
    output = Path(plan.output)
    settled = records.settle_choice(output, plan.key, choice=None)
    model, warning = _load_settled(plan, settled)
    if not settled and model.engine:
        mine = {"engine": model.engine, "precision": model.precision}
        settled = records.settle_choice(output, plan.key, choice=mine)
        if settled != mine:
            return _load_settled(plan, settled)
    return model, warning


def _load_settled(plan: SegmentPlan, settled: dict[str, Any]) -> tuple[LoadedModel, str]:
    chosen = EngineChoice(**settled) if settled else plan.choice
    try:
        return _load_once(plan.home, plan.model, weights=plan.weights, choice=chosen), ""
    except ComputeError as error:
        if error.code != "engine_unavailable" or not settled:
            raise
    model = _load_once(plan.home, plan.model, weights=plan.weights, choice=FASTEST)
    return model, _ANOTHER_ENGINE.format(**settled)


@lru_cache(maxsize=1)
def _load_once(
    home: str, reference: str, *, weights: tuple[str, ...], choice: EngineChoice
) -> LoadedModel:
    model = prediction.load_model(Path(home), reference, choice=choice)
    _compare_weights(model.card, weights)
    return model


def _compare_weights(card: ModelCard, weights: tuple[str, ...]) -> None:
    if tuple(card.weights_sha256) != weights:
        raise ConflictError(
            f"The model {card.name}@{card.version} found here has other weights than the one with "
            "which the segmentation was started. Give all computers the same home folder (--home).",
            code="other_model",
            details={"model": f"{card.name}@{card.version}"},
        )
