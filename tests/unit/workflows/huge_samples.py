"""Images that are segmented piece by piece, a model for them, and what they leave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from deepflash_service.inference.predictor import LoadedPredictor
from deepflash_service.inference.rows import Watch
from deepflash_service.records import Calibration, ModelCard, NetworkCard, SegmentOptions
from deepflash_service.workflows.prediction import LoadedModel
from deepflash_service.workflows.segment import segment_images
from deepflash_service.workflows.segment_files import FLAT, ResultLayout

SIZE = Calibration(pixel_width=0.25, pixel_height=0.5, unit="µm")
OPTIONS = SegmentOptions(model="pointwise")


def make_model(*, channels: int = 1, smallest: int = 4, **facts: Any) -> LoadedModel:
    """Return a model whose probability is a curve of the normalised intensity and its context."""
    card = ModelCard(
        name="pointwise", network=NetworkCard(channels=channels), min_roi_size=smallest, **facts
    )

    def member(tiles: Any) -> Any:
        light = tiles.mean(axis=-1)
        around = (light + np.roll(light, 1, axis=1) + np.roll(light, 1, axis=2)) / 3
        return (1 / (1 + np.exp(4 - 8 * around))).astype(np.float32)

    predictor = LoadedPredictor(
        members=(member,),
        channels=channels,
        device="",
        engine="fake",
        precision="float32",
        seconds_per_megapixel=0.0,
    )
    return wrap_predictor(predictor, card)


def wrap_predictor(predictor: LoadedPredictor, card: ModelCard) -> LoadedModel:
    """Return a predictor as a model that can be scaled."""
    return LoadedModel(
        "pointwise@1",
        card,
        lambda image, hooks: predictor.predict(image, is_cancelled=hooks.is_cancelled),
        predict_rows=lambda rows, hooks: predictor.predict_rows(
            rows, watch=Watch(hooks.report, hooks.warn, hooks.is_cancelled)
        ),
        rescale=lambda scale: wrap_predictor(replace(predictor, scale=scale), card),
    )


def draw_image(shape: tuple[int, int], *, seed: int = 0) -> np.ndarray:
    """Return 12 bits of blobs, holes and long structures on a dark ground, unlike smooth noise."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), 3)
    return np.asarray(np.clip(600 + 4000 * np.maximum(noise, 0), 0, 4095)).astype(np.uint16)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder by their relative name."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def segment(
    source: Path, output: Path, *, layout: ResultLayout = FLAT, **options: Any
) -> dict[str, Any]:
    """Segment one file."""
    model = options.pop("model", None) or make_model()
    hooks = options.pop("hooks", None)
    chosen = SegmentOptions(model="pointwise", **options)
    result = segment_images(
        [source], model, options=chosen, output=output, layout=layout, hooks=hooks
    )
    entry = result["images"][0]
    assert entry["error"] is None, entry["error"]
    return dict(entry)


def write_ome_zarr(path: Path, pixels: np.ndarray) -> None:
    """Write one plane as OME-Zarr 0.4, with an axis for channels."""
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    array = group.create_array("0", shape=(1, *pixels.shape), chunks=(1, 100, 70), dtype="uint16")
    array[0] = pixels
    axes: list[Any] = [{"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    scale = {"type": "scale", "scale": [1.0, 0.5, 0.5]}
    dataset = {"path": "0", "coordinateTransformations": [scale]}
    scales: Any = [{"version": "0.4", "axes": axes, "datasets": [dataset]}]
    group.attrs["multiscales"] = scales


def segment_badly(source: Path, output: Path) -> dict[str, Any]:
    """Return the error of an image that cannot be segmented."""
    result = segment_images([source], make_model(), options=OPTIONS, output=output)
    error = result["images"][0]["error"]
    assert error is not None
    left = [name for name in read_folder(output) if not name.endswith(".csv")]
    assert left == []
    return dict(error)
