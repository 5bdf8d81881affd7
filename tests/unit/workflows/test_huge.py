"""Images that are segmented piece by piece give the files of the ordinary way, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from deepflash_service.records import Calibration
from deepflash_service.store.images import (
    read_image,
    write_image,
)
from deepflash_service.workflows import huge, huge_task
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.segment_files import FLAT, NESTED, ResultLayout
from tests.unit.workflows.huge_samples import (
    SIZE,
    draw_image,
    make_model,
    read_folder,
    segment,
    write_ome_zarr,
)


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
@pytest.mark.parametrize("trained", [(0.1, 0.2), (0.6, 1.3), (0.4, 0.35)])
def test_another_pixel_size_gives_the_files_of_the_ordinary_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: tuple[float, float]
) -> None:
    """An image that is enlarged, shrunk, or both, in bands and in one piece."""
    size = Calibration(pixel_width=trained[0], pixel_height=trained[1], unit="micron")
    write_image(tmp_path / "a.tif", draw_image((400, 300)), calibration=SIZE)
    model = make_model(calibration=size)
    warnings: list[str] = []
    hooks = Hooks(warn=warnings.append)
    compare(tmp_path / "a.tif", tmp_path, monkeypatch, model=model, hooks=hooks)
    assert [text.startswith("a.tif: rescaled") for text in warnings] == [True, True]
    assert warnings[0] == warnings[1]
    assert read_image(tmp_path / "whole" / "a_labels.tif").shape == (400, 300)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("smallest", [1, 40])
def test_noise_of_single_pixels_is_labelled_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, smallest: int
) -> None:
    """Thousands of specks, most of them below the minimum size, and ROIs over all bands."""
    rng = np.random.default_rng(1)
    specks = rng.random((300, 310)) < 0.04
    noise = (250 * (specks | np.roll(specks, 1, axis=1))).astype(np.uint8)
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
    pixels[200:, ::2] = 400
    write_image(tmp_path / "a.tif", pixels)
    told: list[str] = []
    hooks = Hooks(warn=told.append)
    segment(tmp_path / "a.tif", tmp_path / "out", threshold=0.9, hooks=hooks)
    picture = read_image(tmp_path / "out" / "a_overlay.png").select()
    assert picture.shape == (98, 63, 3)
    is_outline = (picture == [255, 255, 0]).all(axis=2)
    assert is_outline[25, 12:14].any()
    half = picture[60:, 5:60]
    assert half.min() == half.max() > 0
    assert told == ["a_overlay.png shows the image at 1/4 of its size."]
