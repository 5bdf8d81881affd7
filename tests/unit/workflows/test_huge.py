"""Images that are segmented piece by piece give the files of the ordinary way, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr

from deepflash_service.commands.segmentation import find_sources
from deepflash_service.core import bands
from deepflash_service.errors import JobCancelled
from deepflash_service.inference.predictor import LoadedPredictor
from deepflash_service.inference.rows import Watch
from deepflash_service.records import Calibration, ModelCard, NetworkCard, Progress, SegmentOptions
from deepflash_service.store import disk
from deepflash_service.store.images import (
    PlaneLayout,
    list_images,
    read_image,
    read_rois,
    write_image,
)
from deepflash_service.workflows import huge, huge_outlines, huge_task
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.prediction import LoadedModel
from deepflash_service.workflows.segment import name_results, segment_images
from deepflash_service.workflows.segment_files import FLAT, NESTED, ResultLayout

SIZE = Calibration(pixel_width=0.25, pixel_height=0.5, unit="µm")
OPTIONS = SegmentOptions(model="pointwise")


def make_model(*, channels: int = 1, smallest: int = 4) -> LoadedModel:
    """Return a model whose probability is a curve of the normalised intensity and its context."""
    card = ModelCard(
        name="pointwise", network=NetworkCard(channels=channels), min_roi_size=smallest
    )

    def member(tiles: Any) -> Any:
        light = tiles.mean(axis=-1)
        around = (light + np.roll(light, 1, axis=1) + np.roll(light, 1, axis=2)) / 3
        return (1 / (1 + np.exp(4 - 8 * around))).astype(np.float32)

    predictor = LoadedPredictor(
        members=(member,),
        channels=channels,
        intensity_range=0.0,
        device="",
        engine="fake",
        precision="float32",
        seconds_per_megapixel=0.0,
    )
    return LoadedModel(
        "pointwise@1",
        card,
        lambda image, hooks: predictor.predict(image, is_cancelled=hooks.is_cancelled),
        predict_rows=lambda rows, hooks: predictor.predict_rows(
            rows, watch=Watch(hooks.report, hooks.warn, hooks.is_cancelled)
        ),
    )


def draw_image(shape: tuple[int, int], *, seed: int = 0) -> np.ndarray:
    """Return a smooth random field of 12 bits: blobs, holes and long structures."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), 3)
    return np.asarray(np.clip(600 + 4000 * noise, 0, 4095)).astype(np.uint16)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every image huge, and its bands and windows small."""
    monkeypatch.setattr(huge, "HUGE_PIXELS", 0)
    monkeypatch.setattr(bands, "BAND_VALUES", 9_000)
    monkeypatch.setattr(huge_outlines, "WINDOW_PIXELS", 60_000)


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


def compare(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> dict[str, Any]:
    """Segment a file in both ways and compare all files that they leave."""
    entry = segment(source, tmp_path / "pieces", **options)
    monkeypatch.setattr(huge, "HUGE_PIXELS", 10**9)
    expected = segment(source, tmp_path / "whole", **options)
    found, wanted = read_folder(tmp_path / "pieces"), read_folder(tmp_path / "whole")
    assert sorted(found) == sorted(wanted)
    assert [name for name in wanted if found[name] != wanted[name]] == []
    assert entry["rois"] == expected["rois"] > 0
    return entry


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("layout", [FLAT, NESTED])
def test_all_files_are_those_of_the_ordinary_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: ResultLayout
) -> None:
    """Labels, mask, map, overlay, ROI set, GeoJSON and tables are equal byte for byte."""
    write_image(tmp_path / "a.tif", draw_image((700, 600)), calibration=SIZE)
    entry = compare(tmp_path / "a.tif", tmp_path, monkeypatch, layout=layout)
    assert entry["rois"] > 60


@pytest.mark.usefixtures("small_pieces")
def test_stacks_and_channels_are_segmented_plane_by_plane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planes keep their layout, names and positions; one channel or plane can be chosen."""
    pixels = np.stack([draw_image((200, 220), seed=seed) for seed in range(12)])
    stack = pixels.reshape(2, 3, 2, 200, 220)
    meta = {"axes": "TZCYX", "unit": "um", "spacing": 2.0}
    tifffile.imwrite(tmp_path / "s.tif", stack, imagej=True, resolution=(2, 2), metadata=meta)
    for name, chosen in (("a", {"channel": 2}), ("b", {"channel": 1, "planes": 4})):
        compare(tmp_path / "s.tif", tmp_path / name, monkeypatch, **chosen)
        monkeypatch.setattr(huge, "HUGE_PIXELS", 0)
    both = make_model(channels=2)
    compare(tmp_path / "s.tif", tmp_path / "c", monkeypatch, model=both)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("smallest", [1, 40])
def test_noise_of_single_pixels_is_labelled_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, smallest: int
) -> None:
    """Thousands of specks, most of them below the minimum size, and ROIs over all bands."""
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 255, (300, 310)).astype(np.uint8)
    noise[:, 100:104] = noise[20::80] = 250
    write_image(tmp_path / "n.tif", noise)
    compare(tmp_path / "n.tif", tmp_path, monkeypatch, model=make_model(smallest=smallest))


@pytest.mark.usefixtures("small_pieces")
def test_many_rois_make_labels_of_32_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above 65,535 ROIs labels are float32, as ImageJ has no wider integers."""
    monkeypatch.setattr(huge_task, "_LARGEST_UINT16", 50)
    write_image(tmp_path / "a.tif", draw_image((400, 400)))
    entry = segment(tmp_path / "a.tif", tmp_path / "out")
    labels = read_image(tmp_path / "out" / "a_labels.tif").select()
    assert labels.dtype == np.float32
    assert labels.max() == entry["rois"] > 50


@pytest.mark.usefixtures("small_pieces")
def test_tiled_bigtiff_and_zarr_give_the_same(tmp_path: Path) -> None:
    """Compressed tiles, strips, big-endian values and OME-Zarr hold the same image."""
    pixels = draw_image((300, 330))
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    tifffile.imwrite(tmp_path / "b.tif", pixels, tile=(64, 48), compression="zlib", bigtiff=True)
    tifffile.imwrite(tmp_path / "c.tif", pixels, compression="lzw", rowsperstrip=7, byteorder=">")
    write_ome_zarr(tmp_path / "d.ome.zarr", pixels)
    found = []
    for name in ("a.tif", "b.tif", "c.tif", "d.ome.zarr"):
        segment(tmp_path / name, tmp_path / "out")
        found.append(tifffile.imread(tmp_path / "out" / f"{name[0]}_labels.tif"))
    assert found[0].max() > 10
    assert all(np.array_equal(found[0], other) for other in found[1:])
    written = read_image(tmp_path / "out" / "d_labels.tif").calibration
    assert (written.pixel_width, written.unit) == (0.5, "µm")


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


@pytest.mark.usefixtures("small_pieces")
def test_files_above_four_gigabytes_are_bigtiff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results too large for ImageJ TIFF keep pixels and calibration, as OME in BigTIFF."""
    from deepflash_service.store import piece_writing

    write_image(tmp_path / "a.tif", draw_image((300, 310)), calibration=SIZE)
    segment(tmp_path / "a.tif", tmp_path / "small")
    monkeypatch.setattr(piece_writing, "LARGEST_CLASSIC", 1000)
    segment(tmp_path / "a.tif", tmp_path / "large")
    for kind in ("labels", "mask", "probability"):
        small, large = (read_image(tmp_path / way / f"a_{kind}.tif") for way in ("small", "large"))
        assert (tmp_path / "large" / f"a_{kind}.tif").read_bytes()[:4] == b"II+\0"
        np.testing.assert_array_equal(small.select(), large.select())
        assert large.calibration == SIZE


@pytest.mark.usefixtures("small_pieces")
def test_large_images_get_a_small_overlay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The overlay is reduced to its limit, shows every ROI, and the user is told."""
    monkeypatch.setattr(huge_task, "LARGEST_PICTURE", 100)
    pixels = np.zeros((390, 250), np.uint16)
    pixels[100:103, 50:53] = 4000
    pixels[3::7, 3::7] += 20
    write_image(tmp_path / "a.tif", pixels)
    told: list[str] = []
    segment(tmp_path / "a.tif", tmp_path / "out", hooks=Hooks(warn=told.append))
    picture = read_image(tmp_path / "out" / "a_overlay.png").select()
    assert picture.shape == (98, 63, 3)
    assert (picture == [255, 255, 0]).all(axis=2).sum() >= 1
    assert told == ["a_overlay.png shows the image at 1/4 of its size."]


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cancelling_at_any_moment_leaves_nothing(tmp_path: Path, seed: int) -> None:
    """Neither results nor temporary files are left, whichever step is cancelled."""
    write_image(tmp_path / "a.tif", draw_image((400, 300)))
    asked: list[int] = []

    def count() -> bool:
        asked.append(1)
        return False

    segment(tmp_path / "a.tif", tmp_path / "whole", hooks=Hooks(is_cancelled=count))
    moment = int(np.random.default_rng(seed).integers(1, len(asked)))
    answers = iter([False] * moment + [True])
    with pytest.raises(JobCancelled):
        segment(
            tmp_path / "a.tif", tmp_path / "out", hooks=Hooks(is_cancelled=lambda: next(answers))
        )
    assert read_folder(tmp_path / "out") == {}


@pytest.mark.usefixtures("small_pieces")
def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    """Every tile, band and window is told; the bar never falls."""
    write_image(tmp_path / "a.tif", draw_image((1300, 300)))
    told: list[Progress] = []
    segment(tmp_path / "a.tif", tmp_path / "out", hooks=Hooks(report=told.append))
    places = [one.current / one.maximum for one in told]
    assert places == sorted(places)
    assert places[-1] == 1
    steps = {one.message.split(": ")[-1] for one in told}
    assert {"predicting tiles", "joining ROIs", "measuring ROIs", "outlining ROIs"} <= steps


def segment_badly(source: Path, output: Path) -> dict[str, Any]:
    """Return the error of an image that cannot be segmented."""
    result = segment_images([source], make_model(), options=OPTIONS, output=output)
    error = result["images"][0]["error"]
    assert error is not None
    left = [name for name in read_folder(output) if not name.endswith(".csv")]
    assert left == []
    return dict(error)


@pytest.mark.usefixtures("small_pieces")
def test_a_full_disk_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence tells how much is needed and how much is free; nothing was written."""
    write_image(tmp_path / "a.tif", draw_image((300, 300)))
    monkeypatch.setattr(disk, "free_bytes", lambda _folder: 10_000_000)
    error = segment_badly(tmp_path / "a.tif", tmp_path / "out")
    assert error["code"] == "disk_full"
    assert error["details"]["needed_bytes"] > error["details"]["free_bytes"] == 10_000_000
    assert "10 MB are free" in error["message"]


@pytest.mark.usefixtures("small_pieces")
def test_too_many_rois_end_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise does not fill the memory: the limit is told before tables are made."""
    monkeypatch.setattr(huge, "MOST_ROIS", 20)
    write_image(tmp_path / "a.tif", draw_image((400, 400)))
    error = segment_badly(tmp_path / "a.tif", tmp_path / "out")
    assert error["code"] == "too_many_rois"
    assert "minimum ROI size" in error["message"]


@pytest.mark.usefixtures("small_pieces")
def test_a_damaged_tile_ends_in_a_sentence(tmp_path: Path) -> None:
    """A fault that shows only while the pixels are read is a fault of the file."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, draw_image((300, 300)), tile=(64, 64), compression="zlib")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
    path.write_bytes(bytes(data))
    assert segment_badly(path, tmp_path / "out")["code"] == "invalid_image"


def test_only_large_images_are_huge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planes above the limit, stacks above that of one file, and zarr folders are huge."""
    write_image(tmp_path / "a.tif", np.zeros((3, 20, 30), np.uint8), layout=PlaneLayout(slices=3))
    write_ome_zarr(tmp_path / "z.zarr", np.zeros((5, 6), np.uint16))
    (tmp_path / "t.txt").write_bytes(b"text")
    assert not huge.is_huge(tmp_path / "a.tif")
    assert huge.is_huge(tmp_path / "z.zarr")
    assert not huge.is_huge(tmp_path / "t.txt")
    assert not huge.is_huge(tmp_path)
    monkeypatch.setattr(huge, "HUGE_PIXELS", 599)
    assert huge.is_huge(tmp_path / "a.tif")
    monkeypatch.setattr(huge, "HUGE_PIXELS", 600)
    assert not huge.is_huge(tmp_path / "a.tif")
    monkeypatch.setattr(huge, "PIXEL_LIMIT", 1799)
    assert huge.is_huge(tmp_path / "a.tif")


@pytest.mark.usefixtures("small_pieces")
def test_an_outline_that_does_not_fit_is_left_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ROI with endless borders stays in label image and table; the others are outlined."""
    monkeypatch.setattr(huge_outlines, "MOST_EDGES", 300)
    monkeypatch.setattr(huge_outlines, "WINDOW_PIXELS", 1_000)
    pixels = np.full((120, 130), 10, np.uint8)
    pixels[10:20, 10:20] = 200
    pixels[40:110, 10:120:8] = pixels[40:44, 10:120] = 200
    pixels[::9, 125] = 200
    write_image(tmp_path / "a.tif", pixels)
    told: list[str] = []
    model = make_model(smallest=30)
    entry = segment(
        tmp_path / "a.tif", tmp_path / "out", model=model, hooks=Hooks(warn=told.append)
    )
    assert entry["rois"] == 2
    assert len(read_rois(tmp_path / "out" / "a_RoiSet.zip")) == 1
    assert told == [
        "1 ROI has an outline of more than 300 pixel edges: not in the ROI set, only in label "
        "image, mask and table."
    ]
    table = pd.read_csv(tmp_path / "out" / "rois.csv")
    assert table["Circularity"].isna().tolist() == [False, True]


def test_zarr_folders_are_images_for_the_command(tmp_path: Path) -> None:
    """A zarr folder is one image, given by itself or among the files of a folder."""
    folder = tmp_path / "images"
    write_image(folder / "a.tif", np.zeros((5, 6), np.uint8))
    write_ome_zarr(folder / "b.ome.zarr", np.zeros((5, 6), np.uint16))
    (folder / "notes").mkdir()
    found = find_sources((folder, folder / "b.ome.zarr"), tmp_path / "out")
    assert [path.name for path in found] == ["a.tif", "b.ome.zarr", "b.ome.zarr"]
    assert name_results(found[:2]) == ["a", "b"]
    assert [path.name for path in list_images(folder)] == ["a.tif"]


@pytest.mark.usefixtures("small_pieces")
def test_a_zarr_group_without_an_image_ends_in_a_sentence(tmp_path: Path) -> None:
    """A collection of several images is refused with the remedy."""
    zarr.open_group(str(tmp_path / "a.zarr"), mode="w")
    error = segment_badly(tmp_path / "a.zarr", tmp_path / "out")
    assert error["code"] == "invalid_image"
    assert "Give the folder of one image" in error["message"]
