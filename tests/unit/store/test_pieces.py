"""Images read by rows hold what the ordinary reader gives, for every form of TIFF and zarr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from deepflash_service.core import bands
from deepflash_service.errors import ComputeError, InputError
from deepflash_service.store import grids, pieces, raster_reading, tiff_reading
from deepflash_service.store.image_writing import write_image
from deepflash_service.store.images import read_image
from deepflash_service.store.piece_source import PieceSource
from deepflash_service.store.pieces import can_divide, measure_file, open_pieces
from deepflash_service.store.planes import ImageFile
from deepflash_service.store.zarr_reading import open_zarr
from tests.unit.store.image_samples import make_png

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 4096, (61, 47)).astype(np.uint16)
COLOURS = RNG.integers(0, 256, (61, 47, 3)).astype(np.uint8)
STACK = RNG.integers(0, 4096, (2, 3, 4, 33, 27)).astype(np.uint16)
GAPS = np.where(GREY > 4000, np.nan, GREY).astype(np.float32)
TILED = {"tile": (16, 32), "compression": "zlib"}
WITH_ALPHA = np.dstack([COLOURS, np.full(COLOURS.shape[:2], 255, np.uint8)])

FORMS: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": (GREY, {}),
    "big-endian BigTIFF": (GREY, {"bigtiff": True, "byteorder": ">"}),
    "deflated tiles": (GREY, TILED),
    "deflated tiles, big-endian, predictor": (GREY, {**TILED, "byteorder": ">", "predictor": 2}),
    "strips": (GREY, {"rowsperstrip": 7, "compression": "lzw"}),
    "plain strips": (GREY, {"rowsperstrip": 9}),
    "eight bits": (GREY.astype(np.uint8), TILED),
    "signed": (GREY.astype(np.int16) - 2000, {}),
    "32 bits": (GREY.astype(np.uint32) << 12, {}),
    "double": (GREY / 7.0, {}),
    "gaps": (GAPS, {}),
    "gaps in tiles": (np.stack([GAPS, GAPS - 5]), {**TILED, "photometric": "minisblack"}),
    "bits": (GREY > 2000, {"photometric": "minisblack"}),
    "inverted bits": (GREY > 2000, {"photometric": "miniswhite"}),
    "palette": (
        GREY.astype(np.uint8),
        {"photometric": "palette", "colormap": RNG.integers(0, 65535, (3, 256)).astype(np.uint16)},
    ),
    "colours": (COLOURS, {"photometric": "rgb"}),
    "colours in tiles": (COLOURS, {"photometric": "rgb", **TILED}),
    "separate colours": (
        COLOURS.transpose(2, 0, 1),
        {"photometric": "rgb", "planarconfig": "separate"},
    ),
    "separate colours in tiles": (
        COLOURS.transpose(2, 0, 1),
        {"photometric": "rgb", "planarconfig": "separate", **TILED},
    ),
    "equal colours": (np.dstack([GREY.astype(np.uint8)] * 3), {"photometric": "rgb", **TILED}),
    "equal samples": (
        np.dstack([GREY] * 3),
        {"photometric": "minisblack", "planarconfig": "contig"},
    ),
    "two samples": (
        np.dstack([GREY, GREY + 1]),
        {"photometric": "minisblack", "planarconfig": "contig", **TILED},
    ),
    "alpha": (WITH_ALPHA, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "colours in channels": (
        np.stack([COLOURS, 255 - COLOURS]),
        {"photometric": "rgb", "ome": True, "metadata": {"axes": "CYXS"}},
    ),
    "slices": (STACK[0, :, 0], {"photometric": "minisblack"}),
    "slices in tiles": (STACK[0, :, 0], {"photometric": "minisblack", **TILED}),
    "hyperstack": (
        STACK,
        {"imagej": True, "resolution": (4, 2), "metadata": {"axes": "TZCYX", "unit": "um"}},
    ),
    "ome": (
        STACK,
        {"ome": True, "metadata": {"axes": "TZCYX", "PhysicalSizeX": 0.3}, **TILED},
    ),
    "channels first": (STACK[0].transpose(1, 0, 2, 3), {"ome": True, "metadata": {"axes": "CZYX"}}),
}


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in small bands, and keep few chunks."""
    monkeypatch.setattr(bands, "BAND_VALUES", 500)
    monkeypatch.setattr(grids, "_CACHE_BYTES", 3000)


def read_whole(source: PieceSource, plane: int, channel: int | None = None) -> np.ndarray:
    """Read a plane in overlapping bands, from top to bottom and once more from the middle."""
    rows = source.get_rows(plane, channel=channel)
    height = source.shape[0]
    parts = [rows.read(start, min(start + 5, height)) for start in range(0, height, 5)]
    again = rows.read(height // 3, height // 2)
    whole = np.concatenate(parts)
    np.testing.assert_array_equal(whole[height // 3 : height // 2], again)
    return whole


def compare(found: PieceSource, expected: ImageFile) -> None:
    """Compare facts and pixels of a file read in both ways."""
    assert (found.shape, found.channels) == (expected.shape, expected.channels)
    assert (found.layout, found.is_rgb) == (expected.layout, expected.is_rgb)
    assert found.calibration == expected.calibration
    for plane in range(1, expected.layout.planes + 1):
        wanted = expected.select(plane)
        np.testing.assert_array_equal(read_whole(found, plane), wanted)
        if expected.channels > 1:
            np.testing.assert_array_equal(read_whole(found, plane, 2), wanted[..., 1])


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_those_of_the_whole_image(tmp_path: Path, form: str) -> None:
    """Axes, colours, alpha, gaps, bits, byte order, compression: all as the ordinary reader."""
    values, options = FORMS[form]
    tifffile.imwrite(tmp_path / "a.tif", values, **options)
    expected = read_image(tmp_path / "a.tif")
    with open_pieces(tmp_path / "a.tif") as found:
        compare(found, expected)
    plane, whole = measure_file(tmp_path / "a.tif")
    assert whole == np.size(values)
    assert plane * expected.layout.planes == whole


def test_pages_that_are_not_neighbours_are_read(tmp_path: Path) -> None:
    """Uncompressed pages of one strip each, with other bytes between them."""
    with tifffile.TiffWriter(tmp_path / "a.tif", bigtiff=True) as tiff:
        for page in STACK[0, :, 0]:
            tiff.write(page, contiguous=False, photometric="minisblack", metadata=None)
    expected = read_image(tmp_path / "a.tif")
    with open_pieces(tmp_path / "a.tif") as found:
        compare(found, expected)


def test_our_own_results_are_read(tmp_path: Path) -> None:
    """ImageJ TIFF written by this program, with its unit."""
    write_image(tmp_path / "a.tif", STACK[0, :, 0])
    with open_pieces(tmp_path / "a.tif") as found:
        compare(found, read_image(tmp_path / "a.tif"))


@pytest.mark.parametrize("version", [2, 3])
def test_ome_zarr_is_read_at_full_resolution(tmp_path: Path, version: Any) -> None:
    """Axes, pixel size and spacing come from the metadata of either version."""
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=version)
    for name, step in (("0", 1), ("1", 2)):
        pixels = STACK[..., ::step, ::step]
        chunks = (1, 1, 1, 10, 12)
        array: Any = group.create_array(name, shape=pixels.shape, chunks=chunks, dtype="uint16")
        array[:] = pixels
    axes = [{"name": "t", "type": "time"}, {"name": "z", "type": "space", "unit": "micrometer"}]
    axes += [{"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    steps = [{"type": "scale", "scale": [1.0, 2.5, 1.0, 0.5, 0.25]}]
    datasets: list[Any] = [{"path": "0", "coordinateTransformations": steps}, {"path": "1"}]
    scales: Any = [{"axes": axes, "datasets": datasets}]
    if version == 2:
        group.attrs["multiscales"] = scales
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": scales}
    with open_pieces(tmp_path / "a.zarr") as found:
        assert (found.shape, found.channels, found.layout.planes) == ((33, 27), 4, 6)
        assert found.layout.spacing == 2.5
        size = found.calibration
        assert (size.pixel_width, size.pixel_height, size.unit) == (0.25, 0.5, "µm")
        np.testing.assert_array_equal(read_whole(found, 5), np.moveaxis(STACK[1, 1], 0, -1))
    assert measure_file(tmp_path / "a.zarr") == (4 * 33 * 27, STACK.size)


def test_plain_zarr_arrays_are_read(tmp_path: Path) -> None:
    """An array without metadata is a plane, or slices."""
    slices: Any = STACK[0, :, 0]
    zarr.save_array(str(tmp_path / "a.zarr"), slices)
    with open_pieces(tmp_path / "a.zarr") as found:
        assert (found.channels, found.layout.slices) == (1, 3)
        np.testing.assert_array_equal(read_whole(found, 2), STACK[0, 1, 0])


def test_other_zarr_groups_are_refused(tmp_path: Path) -> None:
    """A plate, or any group without an image, ends in a sentence."""
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w")
    group.attrs["plate"] = {"wells": 2}
    words = r"a\.zarr holds no single OME-Zarr image"
    with pytest.raises(InputError, match=words), open_pieces(tmp_path / "a.zarr"):
        pass
    assert measure_file(tmp_path / "a.zarr") == (0, 0)


def test_an_image_compressed_in_one_piece_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can only be decoded as a whole is told with its size and a remedy."""
    monkeypatch.setattr(pieces, "_CHUNK_BYTES", 1000)
    tifffile.imwrite(tmp_path / "a.tif", GREY, compression="zlib", rowsperstrip=61)
    words = "without compression, or in tiles"
    with pytest.raises(InputError, match=words) as caught, open_pieces(tmp_path / "a.tif"):
        pass
    assert caught.value.code == "image_too_large"


def test_only_gaps_are_refused(tmp_path: Path) -> None:
    """An image without any number ends in a sentence."""
    tifffile.imwrite(tmp_path / "a.tif", np.full((20, 20), np.nan, np.float32))
    with pytest.raises(InputError, match="holds no number"), open_pieces(tmp_path / "a.tif"):
        pass


def test_missing_planes_and_channels_are_refused(tmp_path: Path) -> None:
    """Numbers are checked before anything is read."""
    tifffile.imwrite(tmp_path / "a.tif", GREY)
    with open_pieces(tmp_path / "a.tif") as found:
        for chosen in ({"plane": 2}, {"channel": 2}, {"plane": 0}):
            with pytest.raises(InputError, match="choose a number from 1 to 1") as caught:
                found.get_rows(**chosen)
            assert caught.value.code == "invalid_options"


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (0, 4, 5)])
def test_an_empty_zarr_array_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """An image without pixels ends in a sentence that tells its size."""
    zarr.create_array(str(tmp_path / "a.zarr"), shape=shape, chunks=(1,) * len(shape), dtype="u2")
    words = r"a\.zarr holds no pixels"
    with pytest.raises(InputError, match=words) as caught, open_pieces(tmp_path / "a.zarr"):
        pass
    assert caught.value.code == "invalid_image"


@pytest.mark.parametrize("reader", ["pieces", "header", "whole", "zarr", "png"])
def test_short_memory_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    """When an image does not fit into memory, the file is not blamed."""

    def fail(*_arguments: Any, **_options: Any) -> None:
        raise MemoryError

    path = tmp_path / ("a.png" if reader == "png" else "a.tif")
    path.write_bytes(make_png(COLOURS)) if reader == "png" else tifffile.imwrite(path, GREY)
    monkeypatch.setattr(pieces, "_describe_tiff", fail)
    monkeypatch.setattr(tiff_reading, "_read_series", fail)
    monkeypatch.setattr(raster_reading, "_read_pixels", fail)
    monkeypatch.setattr(zarr, "open", fail)
    if reader == "header":
        monkeypatch.setattr(pieces, "choose_series", fail)
    read: Any = {"header": measure_file, "zarr": open_zarr}.get(reader, read_image)
    read = (lambda source: open_pieces(source).__enter__()) if reader == "pieces" else read
    with pytest.raises(ComputeError, match="memory did not suffice for a") as caught:
        read(path)
    assert caught.value.code == "out_of_memory"


def test_short_memory_within_a_zarr_folder_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence of the reader within reaches the user unchanged."""

    def fail(*_arguments: Any, **_options: Any) -> None:
        raise MemoryError

    zarr.create_array(str(tmp_path / "a.zarr"), shape=(4, 4), dtype="u2")
    monkeypatch.setattr(zarr, "open", fail)
    with pytest.raises(ComputeError) as caught, open_pieces(tmp_path / "a.zarr"):
        pass
    assert caught.value.code == "out_of_memory"


def test_what_can_be_divided_is_known_from_the_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large compressed pieces cannot; all else, damaged files too, is left to the reader."""
    monkeypatch.setattr(pieces, "_CHUNK_BYTES", 1000)
    tifffile.imwrite(tmp_path / "strip.tif", GREY, compression="zlib", rowsperstrip=61)
    tifffile.imwrite(tmp_path / "tiles.tif", GREY, tile=(16, 16), compression="zlib")
    tifffile.imwrite(tmp_path / "plain.tif", GREY)
    (tmp_path / "bad.tif").write_bytes((tmp_path / "plain.tif").read_bytes()[:40])
    found = {path.stem: can_divide(path) for path in tmp_path.iterdir()}
    assert found == {"strip": False, "tiles": True, "plain": True, "bad": True}
