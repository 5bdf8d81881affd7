"""What to do when a prediction runs out of memory: smaller tiles, then a plain end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from deepflash_service.core.tiling import Tiling, place_tiles
from deepflash_service.errors import ComputeError, DeepFlashError

LARGEST_TILE = 1024
USUAL_TILE = 256
SMALLEST_TILE = 128
LEAST_OVERLAP, LARGEST_OVERLAP = 96, 256

_SIGNS = (
    "resource_exhausted",
    "out of memory",
    "out_of_memory",
    "bad_alloc",
    "bad allocation",
    "cannot allocate memory",
    "failed to allocate",
    "oom when allocating",
)


@dataclass(slots=True)
class TileLimit:
    """The largest tile that fits into the memory of a device, as far as is known.

    Attributes
    ----------
    tile : int
        Its edge length in pixels.
    depth : int
        How often the network halves the image.
    """

    tile: int = LARGEST_TILE
    depth: int = 4

    def choose(self, shape: tuple[int, int]) -> Tiling:
        """Return the tiling for an image of a shape (M, N)."""
        return choose_tiling(shape, largest=self.tile, depth=self.depth)

    def lower(self, tiling: Tiling) -> str:
        """Halve the tile after it did not fit, and return the sentence that says so.

        Raises
        ------
        ComputeError
            Code ``out_of_memory`` when the tile cannot become smaller.
        """
        if tiling.tile <= SMALLEST_TILE:
            raise refuse_memory(tiling.tile)
        self.tile = max(SMALLEST_TILE, tiling.tile // 128 * 64)
        return (
            f"The memory did not suffice for tiles of {tiling.tile} pixels; the prediction goes "
            f"on with tiles of {self.tile}. Probabilities may differ slightly near tile borders."
        )


def choose_tiling(shape: tuple[int, int], *, largest: int = LARGEST_TILE, depth: int = 4) -> Tiling:
    """Return the tiling that covers an image with the fewest pixels computed.

    Small images take one tile; larger ones the tile of 256 to 1024 pixels whose grid wastes
    least. Memory is bounded by the largest tile. Tiles begin where the network halves evenly, and
    overlap by twice the reach of its convolutions (up to depth 4), so that an image predicted in
    tiles equals the image predicted at once, but for rounding, if both are extended to the same
    size. One tile is a multiple of 64 and may extend the image further than several would; then
    the pixels within that reach of the right and lower border differ.

    Parameters
    ----------
    shape : (M, N)
        Rows and columns of the image.
    largest : int, optional
        Largest tile that fits into memory, a multiple of 64 from 128 on.
    depth : int, optional
        How often the network halves the image, at most 6.

    Returns
    -------
    Tiling
        The overlap is at most half a tile.
    """
    smallest = min(USUAL_TILE, largest)
    longest = max(shape)
    if longest <= largest and min(shape) * 2 >= longest:
        return Tiling(max(smallest, -(-longest // 64) * 64), overlap=0, align=2**depth)
    found = [_make_tiling(size, depth) for size in range(smallest, largest + 1, 64)]
    widest = max(tiling.overlap for tiling in found)
    return min(
        (tiling for tiling in found if tiling.overlap == widest),
        key=partial(_count_pixels, shape),
    )


def is_memory_fault(error: BaseException) -> bool:
    """Tell whether an engine failed because memory was short, whatever its error is called."""
    if isinstance(error, DeepFlashError):
        return error.code == "out_of_memory"
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in _SIGNS)


def refuse_memory(tile: int) -> ComputeError:
    """Return the error for a device on which nothing helps."""
    return ComputeError(
        f"The prediction ran out of memory, even with tiles of {tile} pixels; try again after "
        "closing other programs, on a computer with more memory, or with a smaller model.",
        code="out_of_memory",
        details={"tile": tile},
    )


def _make_tiling(tile: int, depth: int) -> Tiling:
    # two 3 x 3 convolutions on every level and back, and the pixels that are pooled with them
    reach = 7 * 2**depth - 5
    overlap = min(max(2 * reach, LEAST_OVERLAP), LARGEST_OVERLAP, tile // 2)
    return Tiling(tile, overlap=overlap, align=2**depth)


def _count_pixels(shape: tuple[int, int], tiling: Tiling) -> int:
    rows, columns = (len(place_tiles(tiling.extend(length), tiling)) for length in shape)
    return rows * columns * tiling.tile**2
