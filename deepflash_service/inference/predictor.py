"""A model, loaded: raw image in, probability map out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from deepflash_service.core.normalization import normalize
from deepflash_service.core.tiling import Tiling, predict_tiled
from deepflash_service.errors import InputError
from deepflash_service.inference.engines import Engine, EngineName, choose_engine, compile_openvino

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from deepflash_service.core.tiling import PredictTiles
    from deepflash_service.records import IsCancelled, ModelCard, ProbabilityMap, Report

FLIPS: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (1, 2))
LARGEST_TILE = 1024
SMALLEST_TILE = 256
OVERLAP = 96


@dataclass(frozen=True)
class LoadedPredictor:
    """All members of a model on one engine.

    Calling it maps a raw image (M, N) or (M, N, C) to its probability map (M, N).

    Attributes
    ----------
    device, engine, precision : str
        Where and how the members run.
    seconds_per_megapixel : float
        Measured at load, for one member and one orientation.
    """

    members: tuple[PredictTiles, ...]
    channels: int
    intensity_range: float
    device: str
    engine: str
    precision: str
    seconds_per_megapixel: float
    flips: tuple[tuple[int, ...], ...] = field(default=FLIPS)

    def __call__(self, image: npt.NDArray[Any]) -> ProbabilityMap:
        """Return the probability map (M, N) of a raw image."""
        return self.predict(image)

    def predict(
        self,
        image: npt.NDArray[Any],
        *,
        report: Report | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> ProbabilityMap:
        """Return the probability map of a raw image: mean over members and mirrored views.

        Parameters
        ----------
        image : ndarray, shape (M, N) or (M, N, C)
            Raw intensities of any real type.
        report, is_cancelled : callable, optional
            Told of every tile; asked before every tile.

        Returns
        -------
        ndarray of float32, shape (M, N)

        Raises
        ------
        InputError
            Codes ``invalid_image``, ``channel_mismatch``.
        JobCancelled
            When ``is_cancelled`` answers True.
        """
        stack = np.asarray(image)
        stack = stack[..., np.newaxis] if stack.ndim == 2 else stack
        if stack.ndim == 3 and stack.shape[-1] != self.channels:
            raise InputError(
                f"The image has {stack.shape[-1]} channels, the model needs {self.channels}. "
                "Choose a channel, or another model.",
                code="channel_mismatch",
            )
        probability = predict_tiled(
            normalize(stack, reference_range=self.intensity_range),
            self._predict_views,
            tiling=choose_tiling((stack.shape[0], stack.shape[1])),
            report=report,
            is_cancelled=is_cancelled,
        )
        # blending weights that add up to 1.0000001 must not lead out of the range
        return np.clip(probability, 0.0, 1.0, out=probability)

    def _predict_views(self, tiles: Any) -> Any:
        total = np.zeros(tiles.shape[:3], dtype=np.float32)
        for axes in self.flips:
            view = np.flip(tiles, axes)
            for member in self.members:
                total += np.flip(member(view), axes)
        return total / (len(self.flips) * len(self.members))


def make_predictor(
    networks: Sequence[object],
    card: ModelCard,
    *,
    callables: Sequence[PredictTiles],
    engine: Literal["auto", "keras", "openvino"] = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
) -> LoadedPredictor:
    """Load the members of a model on the fastest engine.

    The engine is measured with the first member; all members run on it.

    Parameters
    ----------
    networks : sequence of keras.Model
        One per member; only handed to ``openvino.convert_model``.
    card : ModelCard
        Gives channels and the usual intensity range.
    callables : sequence of callable
        The same members as functions of tiles (``network.prediction.make_callable``).
    engine : {"auto", "keras", "openvino"}, optional
        ``auto`` = measure.
    precision : {"auto", "float32", "bfloat16"}, optional
        Type of the computation; ``auto`` = measure.

    Raises
    ------
    ComputeError
        Code ``engine_unavailable``.
    """
    channels = card.network.channels
    allowed: tuple[EngineName, ...] = ("keras", "openvino") if engine == "auto" else (engine,)
    precisions = ("float32", "bfloat16") if precision == "auto" else (precision,)
    chosen = choose_engine(
        networks[0], callables[0], channels=channels, allowed=allowed, precisions=precisions
    )
    return LoadedPredictor(
        members=_load_members(chosen, networks, callables),
        channels=channels,
        intensity_range=card.intensity_range,
        device=chosen.device,
        engine=chosen.name,
        precision=chosen.precision,
        seconds_per_megapixel=chosen.seconds_per_megapixel,
    )


def choose_tiling(shape: tuple[int, int]) -> Tiling:
    """Return the tiling that covers an image with the fewest pixels computed.

    Small images take one tile; larger ones the tile of 256 to 1024 pixels whose grid, with 96
    pixels of overlap, wastes least. Memory is bounded by the largest tile.
    """
    longest = max(shape)
    if longest <= LARGEST_TILE and min(shape) * 2 >= longest:
        return Tiling(max(SMALLEST_TILE, -(-longest // 64) * 64), overlap=0)
    sizes = range(SMALLEST_TILE, LARGEST_TILE + 1, 64)
    return Tiling(min(sizes, key=lambda tile: _count_pixels(shape, tile)), overlap=OVERLAP)


def _count_pixels(shape: tuple[int, int], tile: int) -> int:
    tiles = [1 + max(0, -(-(length - tile) // (tile - OVERLAP))) for length in shape]
    return tiles[0] * tiles[1] * tile * tile


def _load_members(
    chosen: Engine, networks: Sequence[object], callables: Sequence[PredictTiles]
) -> tuple[PredictTiles, ...]:
    if chosen.name == "keras":
        return tuple(callables)
    precision: Literal["float32", "bfloat16"] = (
        "bfloat16" if chosen.precision == "bfloat16" else "float32"
    )
    others = [compile_openvino(network, precision) for network in networks[1:]]
    return (chosen.predict, *others)
