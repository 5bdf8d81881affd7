"""Image files of any size, read by rows: TIFF, BigTIFF and OME-Zarr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from deepflash_service.errors import InputError
from deepflash_service.store.calibrations import read_calibration, read_steps
from deepflash_service.store.grids import ChunkGrid, Grid, PlainGrid, index_rows, order_pixels
from deepflash_service.store.piece_source import (
    PieceSource,
    fill_gaps,
    guard,
    merge_grey,
)
from deepflash_service.store.planes import Array, PlaneLayout
from deepflash_service.store.sources import (
    Source,
    check_pixels,
    detect_format,
    explain_decoding,
)
from deepflash_service.store.tiff_reading import (
    check_length,
    check_type,
    choose_series,
    count_samples,
    is_colour,
    name_axes,
    turn_bits,
)
from deepflash_service.store.zarr_reading import ZarrImage, is_zarr, open_zarr

if TYPE_CHECKING:
    from pathlib import Path

    import tifffile

_MOST_VALUES = 2**50
_CHUNK_BYTES = 128 * 1024**2


def measure_file(path: Path) -> tuple[int, int]:
    """Return the values of one plane, and of the whole file, from its header; 0 = no TIFF or zarr.

    Parameters
    ----------
    path : Path
        File, or folder of a zarr image.
    """
    source = Source.of(path, None)
    try:
        if is_zarr(path):
            image = open_zarr(path)
            letters, shape = list(image.letters), image.array.shape
        elif detect_format(source) == "tiff":
            letters, shape = _read_header(source)
        else:
            return 0, 0
    except InputError:
        return 0, 0
    sizes = dict(zip(letters, shape, strict=True))
    plane = sizes["Y"] * sizes["X"] * sizes.get("C", 1) * sizes.get("S", 1)
    return int(plane), int(np.prod(shape, dtype=np.int64))


def can_divide(path: Path) -> bool:
    """Tell from its header whether a TIFF file is stored in parts that fit into the memory.

    Parameters
    ----------
    path : Path
        TIFF file; of one that cannot be read the answer is True.
    """
    source = Source.of(path, None)
    with ExitStack() as stack:
        try:
            _open_grid(stack, source)
        except InputError as error:
            return "chunk_bytes" not in error.details
        except Exception:  # noqa: BLE001 - damage of any kind is told by who reads the file
            return True
    return True


@contextmanager
def open_pieces(path: Path) -> Iterator[PieceSource]:
    """Open an image whose rows are read when they are needed.

    Values are as :func:`deepflash_service.store.images.read_image` gives them: alpha is dropped,
    three equal colours become one, gaps are filled with the smallest finite value of the file.

    Parameters
    ----------
    path : Path
        TIFF file, or folder of a zarr image.

    Raises
    ------
    InputError
        Codes ``invalid_image``, ``unreadable_file`` and ``image_too_large`` (compressed in too
        large pieces).
    """
    source = Source.of(path, None)
    with ExitStack() as stack:
        with explain_decoding(source):
            if is_zarr(path):
                found = _describe_zarr(open_zarr(path), source)
            else:
                found = _open_tiff(stack, source)
            found = fill_gaps(guard(found, source), source)
        yield found


def _read_header(source: Source) -> tuple[list[str], tuple[int, ...]]:
    import tifffile

    with source.open() as stream, explain_decoding(source), tifffile.TiffFile(stream) as tiff:
        series = choose_series(tiff, source)
        return name_axes(series.axes, series.shape, source), series.shape


def _open_tiff(stack: ExitStack, source: Source) -> PieceSource:
    tiff, series, letters, grid = _open_grid(stack, source)
    return _describe_tiff(tiff, series, source, letters=letters, grid=grid)


def _open_grid(
    stack: ExitStack, source: Source
) -> tuple[tifffile.TiffFile, tifffile.TiffPageSeries, list[str], Grid]:
    import tifffile

    stream = stack.enter_context(source.open())
    tiff = stack.enter_context(tifffile.TiffFile(stream))
    series = choose_series(tiff, source)
    item_bytes = series.dtype.itemsize
    check_pixels(source, int(series.size), limit=_MOST_VALUES, item_bytes=item_bytes)
    check_length(series, source)
    check_type(series.dtype, source)
    letters = name_axes(series.axes, series.shape, source)
    grid = _find_plain(series, stream, letters, order=tiff.byteorder)
    grid = grid or _open_chunks(stack, series, source, row=letters.index("Y"))
    return tiff, series, letters, grid


def _describe_tiff(
    tiff: tifffile.TiffFile,
    series: tifffile.TiffPageSeries,
    source: Source,
    *,
    letters: list[str],
    grid: Grid,
) -> PieceSource:
    page: Any = series.keyframe
    sizes = dict(zip(letters, series.shape, strict=True))
    samples = count_samples(page, sizes.get("S", 1))
    channels = sizes.get("C", 1) * samples
    is_rgb = is_colour(page, samples) and channels == 3
    spacing, interval = read_steps(tiff)

    def read(place: tuple[int, int], rows: slice) -> Array:
        part = grid.read(index_rows(letters, place, rows, samples=slice(samples)))
        return turn_bits(order_pixels(part, letters), page)

    found = PieceSource(
        name=source.name,
        shape=(sizes["Y"], sizes["X"]),
        channels=channels,
        layout=PlaneLayout(
            channels=1 if is_rgb else channels,
            slices=sizes.get("Z", 1),
            frames=sizes.get("T", 1),
            spacing=spacing,
            interval=interval,
        ),
        calibration=read_calibration(tiff, page),
        is_rgb=is_rgb,
        dtype=series.dtype,
        _read=read,
    )
    return merge_grey(found) if samples == channels == 3 else found


def _find_plain(
    series: tifffile.TiffPageSeries, stream: BinaryIO, letters: list[str], *, order: Any
) -> Grid | None:
    """Return the grid of an uncompressed image, or None."""
    row = letters.index("Y")
    pages = int(np.prod(series.shape[:row], dtype=np.int64))
    page_bytes = int(series.nbytes) // pages
    if series.dataoffset is not None:
        offsets = tuple(int(series.dataoffset) + page_bytes * page for page in range(pages))
    elif len(series.pages) == pages and all(
        page is not None and page.is_memmappable for page in series.pages
    ):
        offsets = tuple(int(page.dataoffsets[0]) for page in series.pages if page is not None)
    else:
        return None
    return PlainGrid(stream, offsets, series.shape, series.dtype.newbyteorder(order), row)


def _open_chunks(
    stack: ExitStack, series: tifffile.TiffPageSeries, source: Source, *, row: int
) -> Grid:
    import zarr

    store: Any = stack.enter_context(series.aszarr(level=0))
    array: Any = zarr.open_array(store, mode="r")
    return make_chunk_grid(array, source, row=row)


def make_chunk_grid(array: Any, source: Source, *, row: int) -> Grid:
    """Return the grid of a zarr array.

    Raises
    ------
    InputError
        Code ``image_too_large`` when its chunks do not fit into the memory.
    """
    size = int(np.prod(array.chunks, dtype=np.int64)) * array.dtype.itemsize
    if size > _CHUNK_BYTES:
        raise InputError(
            f"{source.name} is compressed in pieces of {size / 1e6:,.0f} MB, which are too large "
            "to be read one by one. Save it without compression, or in tiles.",
            code="image_too_large",
            details={"name": source.name, "chunk_bytes": size},
        )
    return ChunkGrid(array, row)


def _describe_zarr(image: ZarrImage, source: Source) -> PieceSource:
    letters = image.letters
    sizes = dict(zip(letters, image.array.shape, strict=True))
    if 0 in image.array.shape:
        raise InputError(
            f"{source.name} holds no pixels: its size is {image.array.shape}. Save the image again "
            "and retry.",
            code="invalid_image",
            details={"name": source.name},
        )
    check_type(image.array.dtype, source)
    grid = make_chunk_grid(image.array, source, row=letters.index("Y"))

    def read(place: tuple[int, int], rows: slice) -> Array:
        part = grid.read(index_rows(letters, place, rows, samples=slice(None)))
        return order_pixels(part, letters)

    return PieceSource(
        name=source.name,
        shape=(sizes["Y"], sizes["X"]),
        channels=sizes.get("C", 1),
        layout=PlaneLayout(
            channels=sizes.get("C", 1),
            slices=sizes.get("Z", 1),
            frames=sizes.get("T", 1),
            spacing=image.spacing,
        ),
        calibration=image.calibration,
        is_rgb=False,
        dtype=image.array.dtype,
        _read=read,
    )
