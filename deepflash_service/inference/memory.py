"""What to do when a prediction runs out of memory: smaller tiles, then a plain end."""

from __future__ import annotations

from dataclasses import dataclass

from deepflash_service.core.tiling import Tiling
from deepflash_service.errors import ComputeError, DeepFlashError

LARGEST_TILE = 1024
USUAL_TILE = 256
SMALLEST_TILE = 128
OVERLAP = 96

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
    """The largest tile that fits into the memory of a device, as far as is known."""

    tile: int = LARGEST_TILE

    def choose(self, shape: tuple[int, int]) -> Tiling:
        """Return the tiling for an image of a shape (M, N)."""
        return choose_tiling(shape, largest=self.tile)

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


def choose_tiling(shape: tuple[int, int], *, largest: int = LARGEST_TILE) -> Tiling:
    """Return the tiling that covers an image with the fewest pixels computed.

    Small images take one tile; larger ones the tile of 256 to 1024 pixels whose grid, with 96
    pixels of overlap, wastes least. Memory is bounded by the largest tile.

    Parameters
    ----------
    shape : (M, N)
        Rows and columns of the image.
    largest : int, optional
        Largest tile that fits into memory, a multiple of 64 from 128 on.

    Returns
    -------
    Tiling
        The overlap is at most half a tile.
    """
    smallest = min(USUAL_TILE, largest)
    longest = max(shape)
    if longest <= largest and min(shape) * 2 >= longest:
        return Tiling(max(smallest, -(-longest // 64) * 64), overlap=0)
    sizes = range(smallest, largest + 1, 64)
    tile = min(sizes, key=lambda size: _count_pixels(shape, size))
    return Tiling(tile, overlap=_choose_overlap(tile))


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


def _choose_overlap(tile: int) -> int:
    return min(OVERLAP, tile // 2)


def _count_pixels(shape: tuple[int, int], tile: int) -> int:
    stride = tile - _choose_overlap(tile)
    tiles = [1 + max(0, -(-(length - tile) // stride)) for length in shape]
    return tiles[0] * tiles[1] * tile * tile
