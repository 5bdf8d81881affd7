"""Large images: memory, disk, faults, cancelling, and which images count as large."""

from __future__ import annotations

import errno
import tracemalloc
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
from deepflash_service.records import Progress
from deepflash_service.store import disk, pieces
from deepflash_service.store.images import (
    PlaneLayout,
    list_images,
    read_rois,
    write_image,
)
from deepflash_service.store.locks import hold_lock
from deepflash_service.store.piece_writing import PieceFile
from deepflash_service.workflows import huge, huge_outlines, huge_task
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.segment import name_results, segment_images
from tests.unit.workflows.huge_samples import (
    OPTIONS,
    draw_image,
    make_model,
    read_folder,
    segment,
    segment_badly,
    write_ome_zarr,
)


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
@pytest.mark.parametrize("written", [0, 2, 25])
def test_a_disk_that_fills_meanwhile_leaves_the_old_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """No space in the middle of any file: a sentence, earlier results untouched, no scratch."""
    write_image(tmp_path / "a.tif", draw_image((400, 300)))
    segment(tmp_path / "a.tif", tmp_path / "out")
    before = read_folder(tmp_path / "out")
    count = [0]
    write = PieceFile.write

    def fail_late(self: PieceFile, plane: int, first: int, rows: Any) -> None:
        count[0] += 1
        if count[0] > written:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, plane, first, rows)

    monkeypatch.setattr(PieceFile, "write", fail_late)
    other = make_model(smallest=30)
    result = segment_images([tmp_path / "a.tif"], other, options=OPTIONS, output=tmp_path / "out")
    assert result["images"][0]["error"]["code"] == "disk_full"
    after = read_folder(tmp_path / "out")
    tables = {"rois.csv", "summary.csv"}
    assert {name: after[name] for name in after if name not in tables} == {
        name: before[name] for name in before if name not in tables
    }


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
def test_one_large_compressed_piece_is_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the limit of one file, an image that cannot be divided takes the ordinary way."""
    monkeypatch.setattr(pieces, "_CHUNK_BYTES", 1000)
    pixels = draw_image((90, 80))
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="zlib", rowsperstrip=90)
    assert segment(tmp_path / "a.tif", tmp_path / "out")["rois"] > 0
    monkeypatch.setattr(huge, "PIXEL_LIMIT", pixels.size - 1)
    assert segment_badly(tmp_path / "a.tif", tmp_path / "bad")["code"] == "image_too_large"


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


@pytest.mark.usefixtures("small_pieces")
def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """Leftovers under the same name make room; the folder of a living process is left alone."""
    write_image(tmp_path / "a.tif", draw_image((300, 300)))
    dead, alive = (tmp_path / "out" / f".partial-{name}" for name in ("a", "b"))
    for folder in (dead, alive):
        folder.mkdir(parents=True)
        (folder / "scene_labels.tif").write_bytes(b"half")
    with hold_lock(alive / "lock"):
        segment(tmp_path / "a.tif", tmp_path / "out")
        (tmp_path / "a.tif").rename(tmp_path / "b.tif")
        segment(tmp_path / "b.tif", tmp_path / "out")
        assert not dead.exists()
        assert not (tmp_path / "out" / "scene_labels.tif").exists()
        assert (alive / "scene_labels.tif").read_bytes() == b"half"
    hidden = [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
    assert hidden == [".partial-b"]
    assert (tmp_path / "out" / "b_labels.tif").is_file()


def measure_peak(source: Path, output: Path) -> int:
    """Return the most bytes that Python held while an image was segmented."""
    tracemalloc.start()
    try:
        segment(source, output)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("small_pieces")
def test_memory_does_not_grow_with_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three times as many rows take the same memory, and far less than the ordinary way."""
    monkeypatch.setattr(huge_task, "LARGEST_PICTURE", 300)
    monkeypatch.setattr(bands, "BAND_VALUES", 60_000)
    part = draw_image((1200, 300))
    write_image(tmp_path / "a.tif", part)
    write_image(tmp_path / "b.tif", np.concatenate([part, part[::-1]] * 3))
    small = measure_peak(tmp_path / "a.tif", tmp_path / "out")
    large = measure_peak(tmp_path / "b.tif", tmp_path / "out")
    assert large < 1.25 * small
    monkeypatch.setattr(huge, "HUGE_PIXELS", 10**9)
    assert measure_peak(tmp_path / "b.tif", tmp_path / "out") > 3 * large
