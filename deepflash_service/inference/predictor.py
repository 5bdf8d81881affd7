"""A model, loaded: raw image in, probability map out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from deepflash_service.core.bands import ImageRows
from deepflash_service.core.normalization import normalize, scale_piece
from deepflash_service.core.scaling import SAME_SCALE, Scale, resample_bands, resample_rows
from deepflash_service.core.tiling import predict_rows
from deepflash_service.errors import InputError
from deepflash_service.inference.engines import Engine, EngineName, choose_engine, compile_openvino
from deepflash_service.inference.memory import TileLimit, is_memory_fault
from deepflash_service.inference.rows import Watch, ignore_text, measure_stretches, read_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from deepflash_service.core.tiling import PredictTiles
    from deepflash_service.records import IsCancelled, ModelCard, ProbabilityMap, Report

FLIPS: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (1, 2))


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
    scale : Scale
        What images are brought to before the network sees them.
    """

    members: tuple[PredictTiles, ...]
    channels: int
    device: str
    engine: str
    precision: str
    seconds_per_megapixel: float
    flips: tuple[tuple[int, ...], ...] = field(default=FLIPS)
    limit: TileLimit = field(default_factory=TileLimit)
    scale: Scale = SAME_SCALE

    def __call__(self, image: npt.NDArray[Any]) -> ProbabilityMap:
        """Return the probability map (M, N) of a raw image."""
        return self.predict(image)

    def predict(
        self,
        image: npt.NDArray[Any],
        *,
        report: Report | None = None,
        warn: Callable[[str], None] = ignore_text,
        is_cancelled: IsCancelled | None = None,
        members: list[npt.NDArray[np.float16]] | None = None,
    ) -> ProbabilityMap:
        """Return the probability map of a raw image: mean over members and mirrored views.

        Tiles that do not fit into the memory are halved, with a warning, down to 128 pixels.

        Parameters
        ----------
        image : ndarray, shape (M, N) or (M, N, C)
            Raw intensities of any real type.
        report, warn, is_cancelled : callable, optional
            See ``Watch``.
        members : list, optional
            Receives the map of each member, mean over its mirrored views, in half precision.

        Returns
        -------
        ndarray of float32, shape (M, N)
            Does not depend on whether the maps of the members are asked for.

        Raises
        ------
        InputError
            Codes ``invalid_image``, ``channel_mismatch``.
        ComputeError
            Code ``out_of_memory`` when smaller tiles do not help.
        JobCancelled
            When ``is_cancelled`` answers True.
        """
        stack = np.asarray(image)
        stack = stack[..., np.newaxis] if stack.ndim == 2 else stack
        self._check_channels(stack.shape[-1] if stack.ndim == 3 else self.channels)
        watch = Watch(report, warn, is_cancelled)
        shape = (stack.shape[0], stack.shape[1])
        result = np.empty(shape, dtype=np.float32)
        own: list[Any] = [np.empty(shape, np.float16) for _ in self.members if members is not None]
        predict = self._predict_members if own else self._predict_views
        if self.scale == SAME_SCALE:
            stack = normalize(stack)
            bands = self._predict_bands(ImageRows.of(stack), watch, predict=predict)
        else:
            bands = self._predict_scaled(ImageRows.of(stack), watch, predict=predict)
        for start, band in bands:
            parts = band if own else [band]
            for whole, part in zip((result, *own), parts, strict=True):
                whole[start : start + len(part)] = part
        if members is not None:
            members += own
        return result

    def predict_rows(
        self, rows: ImageRows, *, watch: Watch | None = None
    ) -> Iterator[tuple[int, ProbabilityMap]]:
        """Predict an image that is read by rows, within the memory of one row of tiles.

        Parameters
        ----------
        rows : ImageRows
            Raw intensities; read once or twice for the percentiles, then for the prediction.
        watch : Watch, optional
            Progress, warnings and cancellation.

        Yields
        ------
        int
            First row of a band. It falls back to 0 when smaller tiles are tried; what came
            before is then to be replaced.
        ndarray of float32, shape (R, N)
            Probabilities, bit for bit those of :meth:`predict` for the whole image.

        Raises
        ------
        InputError
            Codes ``invalid_image``, ``channel_mismatch``.
        ComputeError
            Code ``out_of_memory``.
        JobCancelled
            When ``is_cancelled`` answers True.
        """
        watch = watch or Watch()
        self._check_channels(rows.channels)
        yield from self._predict_scaled(rows, watch, predict=self._predict_views)

    def _predict_scaled(
        self, rows: ImageRows, watch: Watch, *, predict: PredictTiles
    ) -> Iterator[tuple[int, ProbabilityMap]]:
        """Normalise and scale an image that is read by rows; the map has its size again."""
        wanted = self.scale.fit(rows.shape)
        # noise is measured before an axis is enlarged, as that makes it smooth like cells
        small = resample_rows(rows, (min(rows.shape[0], wanted[0]), min(rows.shape[1], wanted[1])))
        stretches = measure_stretches(small, watch)

        def read(start: int, stop: int) -> Any:
            return scale_piece(read_stack(small, start, stop), stretches)

        shown = resample_rows(ImageRows(small.shape, rows.channels, read), wanted)
        bands = self._predict_bands(shown, watch, predict=predict)
        for start, band in resample_bands(bands, wanted, rows.shape):
            yield start, np.clip(band, 0.0, 1.0, out=band)

    def _check_channels(self, found: int) -> None:
        if found != self.channels:
            raise InputError(
                f"The image has {found} channels, the model needs {self.channels}. "
                "Choose a channel, or another model.",
                code="channel_mismatch",
            )

    def _predict_bands(
        self, rows: ImageRows, watch: Watch, *, predict: PredictTiles
    ) -> Iterator[tuple[int, ProbabilityMap]]:
        while True:
            tiling = self.limit.choose(rows.shape)
            bands = predict_rows(
                rows.read,
                rows.shape,
                predict,
                tiling=tiling,
                report=watch.report,
                is_cancelled=watch.is_cancelled,
            )
            try:
                for start, band in bands:
                    # blending weights that add up to 1.0000001 must not lead out of the range
                    yield start, np.clip(band, 0.0, 1.0, out=band)
            except Exception as error:
                if not is_memory_fault(error):
                    raise
                watch.warn(self.limit.lower(tiling))
            else:
                return

    def _predict_views(self, tiles: Any) -> Any:
        total = np.zeros(tiles.shape[:3], dtype=np.float32)
        for axes in self.flips:
            view = np.flip(tiles, axes)
            for member in self.members:
                total += np.flip(member(view), axes)
        return total / (len(self.flips) * len(self.members))

    def _predict_members(self, tiles: Any) -> Any:
        """Return the mean map first, as :meth:`_predict_views` does, then that of each member."""
        count = len(self.members)
        maps = np.zeros((len(tiles), 1 + count, *tiles.shape[1:3]), dtype=np.float32)
        for axes in self.flips:
            view = np.flip(tiles, axes)
            for number, member in enumerate(self.members, start=1):
                found = np.flip(member(view), axes)
                maps[:, 0] += found
                maps[:, number] += found
        maps[:, 0] /= len(self.flips) * count
        maps[:, 1:] /= len(self.flips)
        return maps


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
        Gives the channels and the depth.
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
        device=chosen.device,
        engine=chosen.name,
        precision=chosen.precision,
        seconds_per_megapixel=chosen.seconds_per_megapixel,
        limit=TileLimit(depth=card.network.depth),
    )


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
