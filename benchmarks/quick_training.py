"""Train preset quick on arrays and score an unseen image: shared by the accuracy benchmarks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deepflash_service.core.agreement import score_prediction
from deepflash_service.core.labels import label_rois
from deepflash_service.core.normalization import normalize
from deepflash_service.core.sampling import make_example, split_folds
from deepflash_service.inference.predictor import LoadedPredictor, make_predictor
from deepflash_service.network.prediction import make_callable
from deepflash_service.network.presets import STEPS_PER_EPOCH, plan_training
from deepflash_service.network.training import HeldOut, TrainHooks, TrainSettings, train_member
from deepflash_service.records import ModelCard, NetworkCard, Progress

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True)
class Pair:
    """Raw image (M, N) and its mask or label image."""

    image: np.ndarray
    target: np.ndarray


def score_map(
    probability: np.ndarray, target: np.ndarray, *, min_roi_size: int, threshold: float = 0.5
) -> dict[str, Any]:
    """Return the scores of a probability map against a mask or label image."""
    found = label_rois(probability, threshold=threshold, min_roi_size=min_roi_size)
    truth = label_rois(target, min_roi_size=min_roi_size)
    return score_prediction(found, truth).model_dump()


def train_quick(
    pairs: Mapping[str, Pair], *, seed: int, min_roi_size: int
) -> tuple[LoadedPredictor, dict[str, Any]]:
    """Train preset quick, fold 0 held out; return the predictor and the figures."""
    plan = plan_training("quick")
    names = sorted(pairs)
    out = [names[index] for index in split_folds(names, folds=plan.folds)[0]]
    ready = {name: normalize(pair.image)[..., None] for name, pair in pairs.items()}
    examples = [
        make_example(ready[name], [pairs[name].target]) for name in names if name not in out
    ]

    def score(maps: Sequence[np.ndarray]) -> dict[str, float]:
        rows = [
            score_map(item, pairs[name].target, min_roi_size=min_roi_size)
            for item, name in zip(maps, out, strict=True)
        ]
        return {key: float(np.mean([row[key] for row in rows])) for key in ("f1", "dice")}

    network = NetworkCard(filters=plan.filters, depth=plan.depth)
    start, processor = time.monotonic(), time.process_time()
    member = train_member(
        network,
        examples,
        settings=TrainSettings(epochs=plan.epochs, seed=seed),
        held_out=HeldOut([ready[name] for name in out], score),
        hooks=TrainHooks(report=_tell),
    )
    seconds, processor = time.monotonic() - start, time.process_time() - processor
    predictor = make_predictor(
        [member.network],
        ModelCard(name="quick", network=network),
        callables=[make_callable(member.network)],
    )
    return predictor, {
        "seed": seed,
        "network": network.model_dump(),
        "held_out": out,
        "held_out_scores": member.scores,
        "best_epoch": member.best_epoch,
        "steps": plan.epochs * STEPS_PER_EPOCH,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "precision": member.device.precision,
        "engine": f"{predictor.engine} {predictor.precision}",
    }


def test_predictor(
    predictor: LoadedPredictor, unseen: Mapping[str, Pair], *, min_roi_size: int
) -> dict[str, Any]:
    """Return mean scores on unseen images, with and without mirrored views, and by threshold."""
    with_flips = {name: predictor(pair.image) for name, pair in unseen.items()}
    plain = replace(predictor, flips=((),))
    without = {name: plain(pair.image) for name, pair in unseen.items()}

    def average(maps: Mapping[str, np.ndarray], threshold: float = 0.5) -> dict[str, float]:
        rows = [
            score_map(maps[name], pair.target, min_roi_size=min_roi_size, threshold=threshold)
            for name, pair in unseen.items()
        ]
        return {key: round(float(np.mean([row[key] for row in rows])), 4) for key in rows[0]}

    return {
        "unseen": list(unseen),
        "scores": average(with_flips),
        "scores_without_flips": average(without),
        "by_threshold": {
            str(level): {key: average(with_flips, level)[key] for key in ("f1", "dice")}
            for level in THRESHOLDS
        },
    }


def _tell(progress: Progress) -> None:
    figures = {key: round(value, 3) for key, value in progress.metrics.items()}
    print(progress.message, figures, flush=True)
