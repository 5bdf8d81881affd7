"""When the memory is short, tiles shrink, the user is told, and the end is a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from deepflash_service.core import bands
from deepflash_service.core.bands import ImageRows
from deepflash_service.errors import ComputeError, InputError
from deepflash_service.inference.memory import TileLimit, choose_tiling, is_memory_fault
from deepflash_service.inference.predictor import LoadedPredictor
from deepflash_service.inference.rows import Watch

IMAGE = np.random.default_rng(0).gamma(2.0, 200.0, (1300, 1200)).astype(np.uint16)


def make_predictor(largest: int, fault: Callable[[], Exception]) -> tuple[LoadedPredictor, Any]:
    """Return a predictor that fails above a tile size, and the list of tiles it was given."""
    tiles: list[int] = []

    def member(batch: Any) -> Any:
        tiles.append(batch.shape[1])
        if batch.shape[1] > largest:
            raise fault()
        return np.clip(batch[..., 0], 0, 1)

    predictor = LoadedPredictor(
        members=(member,),
        channels=1,
        device="",
        engine="fake",
        precision="float32",
        seconds_per_megapixel=0.0,
        flips=((),),
    )
    return predictor, tiles


FAULTS: dict[str, Callable[[], Exception]] = {
    "python": MemoryError,
    "tensorflow": lambda: RuntimeError("RESOURCE_EXHAUSTED: OOM when allocating tensor [1,16]"),
    "ours": lambda: ComputeError("The device has too little memory.", code="out_of_memory"),
    "openvino": lambda: RuntimeError("Exception from src/inference: std::bad_alloc"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_tiles_are_halved_and_the_user_is_told(kind: str) -> None:
    """The result is the same map; the next image begins with the tile that fitted."""
    told: list[str] = []
    predictor, tiles = make_predictor(300, FAULTS[kind])
    found = predictor.predict(IMAGE, warn=told.append)
    free, _ = make_predictor(10_000, MemoryError)
    np.testing.assert_allclose(found, free.predict(IMAGE), atol=1e-6)
    first = tiles[0]
    assert first > 600
    assert [size for size in dict.fromkeys(tiles) if size > 300] == [first, first // 128 * 64]
    assert len(told) == 2
    assert told[0].startswith(f"The memory did not suffice for tiles of {first} pixels; the ")
    tiles.clear()
    predictor.predict(IMAGE, warn=told.append)
    assert max(tiles) <= 300
    assert len(told) == 2


def test_the_end_is_a_sentence() -> None:
    """Below 128 pixels nothing is tried: the sentence tells what helps."""
    predictor, tiles = make_predictor(64, MemoryError)
    with pytest.raises(ComputeError) as caught:
        predictor.predict(IMAGE)
    assert caught.value.code == "out_of_memory"
    assert "ran out of memory" in caught.value.message
    assert "try " in caught.value.message
    assert min(tiles) == 128


def test_other_faults_are_not_taken_for_memory() -> None:
    """A fault of the network, or a cancelled job, is told as it is, at once."""
    predictor, tiles = make_predictor(0, lambda: InputError("wrong shape, out of memory"))
    with pytest.raises(InputError):
        predictor.predict(IMAGE)
    assert len(tiles) == 1
    assert not is_memory_fault(ValueError("invalid tile"))


def test_images_by_rows_begin_again_with_smaller_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was yielded before is replaced from row 0 on, and the whole is the usual map."""
    monkeypatch.setattr(bands, "BAND_VALUES", 100_000)
    predictor, _ = make_predictor(10_000, MemoryError)
    expected = predictor.predict(IMAGE)
    count = [0]

    def fail_once(batch: Any) -> Any:
        count[0] += 1
        if count[0] == 3:
            raise MemoryError
        return np.clip(batch[..., 0], 0, 1)

    failing, _ = make_predictor(10_000, MemoryError)
    object.__setattr__(failing, "members", (fail_once,))
    told: list[str] = []
    found = np.zeros_like(expected)
    starts = []
    rows = ImageRows((1300, 1200), 1, lambda start, stop: IMAGE[start:stop])
    for start, band in failing.predict_rows(rows, watch=Watch(warn=told.append)):
        starts.append(start)
        found[start : start + len(band)] = band
    assert starts.count(0) == 2
    assert len(told) == 1
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("tile", [1024, 960, 512, 320, 256, 192, 128])
@pytest.mark.parametrize("depth", [1, 4, 6])
def test_small_tiles_are_valid(tile: int, depth: int) -> None:
    """Whatever the tile, the overlap stays below it and the tiles cover the image."""
    for shape in ((100, 100), (1300, 1200), (5000, 130)):
        tiling = choose_tiling(shape, largest=tile, depth=depth)
        assert tiling.tile <= tile
        assert tiling.overlap <= tiling.tile // 2
    limit = TileLimit(tile, depth)
    if tile == 128:
        with pytest.raises(ComputeError):
            limit.lower(limit.choose((1300, 1200)))
        return
    limit.lower(limit.choose((1300, 1200)))
    assert 128 <= limit.tile <= max(tile // 2, 128)
    assert limit.tile % 64 == 0
