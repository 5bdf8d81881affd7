"""One row of the ablation: train with a switch, predict the held-out fold, score it."""

from __future__ import annotations

import hashlib
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from benchmarks.ablation_switches import EDGE, SWITCHES, Switch
from benchmarks.accuracy_data import find_set
from benchmarks.accuracy_scores import Unit, average_rows, score_cut, score_units
from deepflash_service.core import sampling
from deepflash_service.core.pairing import pair_names
from deepflash_service.core.sampling import Example, make_example, split_folds
from deepflash_service.core.separation import NECK, Cut
from deepflash_service.core.tiling import predict_tiled
from deepflash_service.inference.predictor import FLIPS
from deepflash_service.network import fitting
from deepflash_service.network.generic_start import build_start
from deepflash_service.network.prediction import make_callable
from deepflash_service.network.training import train_member
from deepflash_service.records import NetworkCard
from deepflash_service.store.images import list_images, read_annotation, read_image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from deepflash_service.core.tiling import PredictTiles
    from deepflash_service.records import Image, LabelImage, ProbabilityMap

FOLDS = 3
LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Probability above which pixels are foreground, told for each row."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Images, truths and the positions of those held out; ``maps`` keeps predictions."""

    names: list[str]
    images: list[Any]
    truths: list[LabelImage]
    unseen: tuple[int, ...]
    min_roi_size: int
    maps: Path

    @property
    def known(self) -> list[int]:
        """Positions of the images to learn from."""
        return [position for position in range(len(self.names)) if position not in self.unseen]

    @property
    def unseen_names(self) -> list[str]:
        """Names of the images held out."""
        return [self.names[position] for position in self.unseen]


def read_fold(data: Path, maps: Path) -> Fold:
    """Read lab-wue1 and hold out its fold 0."""
    images = find_set(data, "wue1")
    paths = list_images(images.images)
    names = [path.name for path in paths]
    masks = {path.name: path for path in list_images(images.masks["consensus"])}
    pairs = pair_names(names, {"consensus": list(masks)}).pairs
    truths = [read_annotation(masks[pairs[name]["consensus"]]) for name in names]
    unseen = split_folds(names, folds=FOLDS)[0]
    pixels = [read_image(path).select() for path in paths]
    return Fold(names, pixels, truths, unseen, images.min_roi_size, maps)


def run_switch(fold: Fold, name: str, *, seed: int, steps: int, filters: int) -> dict[str, Any]:
    """Train with one switch and return its row; mirrored maps are kept, and plain ones."""
    switch = SWITCHES[name]
    card = NetworkCard(filters=filters, normalisation=switch.normalisation)
    settings = switch.make_settings(steps=steps, seed=seed)
    ready = [
        frame(one[..., np.newaxis], switch) for one in switch.normalise(fold.images, fold.known)
    ]
    examples = [
        _make_example(ready[position], fold.truths[position], switch) for position in fold.known
    ]
    begin, processor = time.monotonic(), time.process_time()
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(fitting, "border_dice_loss", switch.loss))
        if not switch.is_averaged:
            stack.enter_context(mock.patch.object(fitting, "AVERAGE_EVERY", 1))
            stack.enter_context(mock.patch.object(fitting, "AVERAGE_SPAN", 1e-9))
        start = build_start(card) if switch.is_prepared else None
        member = train_member(card, examples, settings=settings, start=start)
    seconds, processor = time.monotonic() - begin, time.process_time() - processor
    # not the fastest engine by measurement: figures must not depend on what that finds
    engine = make_callable(member.network)
    images = [ready[position] for position in fold.unseen]
    mirrored = [unframe(predict(engine, image), switch) for image in images]
    plain = [unframe(predict(engine, image, flips=((),)), switch) for image in images]
    _keep(fold, name, seed, mirrored=mirrored, plain=plain)
    row = {"switch": name, "seed": seed, "steps": member.steps, "filters": filters}
    times = {"seconds": round(seconds, 1), "processor_seconds": round(processor, 1)}
    print(name, seed, times, flush=True)
    return {**row, **times, **score_maps(fold, mirrored)}


def predict(
    engine: PredictTiles, image: Image, *, flips: Sequence[tuple[int, ...]] = FLIPS
) -> ProbabilityMap:
    """Return the map of a normalised image (M, N, 1): mean over mirrored views."""
    total = np.zeros(image.shape[:2], dtype=np.float32)
    for axes in flips:
        # flips are of tiles (B, T, T, C): the axes of one image are one lower
        own = tuple(axis - 1 for axis in axes)
        total += np.flip(predict_tiled(np.flip(image, own), engine), own)
    return total / np.float32(len(flips))


def score_maps(fold: Fold, maps: Sequence[ProbabilityMap], *, neck: float = NECK) -> dict[str, Any]:
    """Return mean scores at threshold 0.5, and Dice and F1 at others."""
    units = make_units(fold, maps)
    size = fold.min_roi_size
    means = {
        level: average_rows(
            [score_cut(unit, Cut(level, size, neck), min_roi_size=size) for unit in units]
        )
        for level in LEVELS
    }
    by_level = {str(one): {key: mean[key] for key in ("dice", "f1")} for one, mean in means.items()}
    return {**means[0.5], "by_threshold": by_level}


def make_units(fold: Fold, maps: Sequence[ProbabilityMap]) -> list[Unit]:
    """Return the held-out images, each a group of its own."""
    return [
        Unit(fold.names[position], position, one, fold.truths[position], {})
        for position, one in zip(fold.unseen, maps, strict=True)
    ]


def score_without_training(fold: Fold, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Return rows of what is done after training, from the kept maps of the recipe."""
    rows = []
    kept = {seed: _read(fold, "recipe", seed) for seed in seeds}
    for seed, (mirrored, plain) in kept.items():
        chosen = score_units(make_units(fold, mirrored), min_roi_size=fold.min_roi_size)
        rows.append(_make_row("prediction: without mirrored views", seed, score_maps(fold, plain)))
        rows.append(
            _make_row("cut: threshold and size chosen on the other five", seed, chosen["mean"])
        )
        rows.append(
            _make_row(
                "ROIs: touching ones not parted",
                seed,
                score_maps(fold, mirrored, neck=0.0),
            )
        )
    if len(kept) > 1:
        ensemble = [
            np.mean(np.stack(one), axis=0)
            for one in zip(*(mirrored for mirrored, _ in kept.values()), strict=True)
        ]
        rows.append(_make_row(f"ensemble of {len(kept)} seeds", None, score_maps(fold, ensemble)))
    return rows


def _make_row(name: str, seed: int | None, scores: dict[str, Any]) -> dict[str, Any]:
    return {"switch": name, "seed": seed, "steps": 0, "seconds": 0.0, **scores}


def frame(image: npt.NDArray[Any], switch: Switch) -> npt.NDArray[Any]:
    """Return an image (M, N) or (M, N, 1) with the zeros that a switch puts around it."""
    if switch.edge != "zeros":
        return image
    return np.pad(image, ((EDGE, EDGE), (EDGE, EDGE), (0, 0))[: image.ndim])


def unframe(probability: ProbabilityMap, switch: Switch) -> ProbabilityMap:
    """Return a map without the frame of its image."""
    return probability[EDGE:-EDGE, EDGE:-EDGE] if switch.edge == "zeros" else probability


def _make_example(image: Image, truth: LabelImage, switch: Switch) -> Example:
    """Return a training example of a framed image with the weights of a switch."""
    with (
        mock.patch.object(sampling, "BORDER_WEIGHT", switch.border_weight),
        mock.patch.object(sampling, "FOREGROUND_WEIGHT", switch.foreground_weight),
    ):
        return make_example(image, [frame(truth, switch)])


def find_file(fold: Fold, name: str, seed: int) -> Path:
    """Return where the maps of a switch and a seed are kept."""
    return fold.maps / f"{hashlib.sha256(name.encode()).hexdigest()[:12]}-s{seed}.npz"


def _keep(
    fold: Fold,
    name: str,
    seed: int,
    *,
    mirrored: Sequence[ProbabilityMap],
    plain: Sequence[ProbabilityMap],
) -> None:
    fold.maps.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        find_file(fold, name, seed),
        mirrored=np.stack(mirrored).astype(np.float16),
        plain=np.stack(plain).astype(np.float16),
    )


def _read(fold: Fold, name: str, seed: int) -> tuple[list[ProbabilityMap], list[ProbabilityMap]]:
    path = find_file(fold, name, seed)
    if not path.exists():
        raise SystemExit(f"The maps of {name} with seed {seed} are missing: remove its row.")
    with np.load(path) as stored:
        mirrored, plain = (stored[key].astype(np.float32) for key in ("mirrored", "plain"))
    return list(mirrored), list(plain)
