"""Segmentations that processes share: clients that overlap, and what changes meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zarr

from deepflash_service.store import image_records
from deepflash_service.store.images import write_image
from deepflash_service.workflows import prediction, segment_parts
from deepflash_service.workflows.segment import SegmentedFile, segment_file
from deepflash_service.workflows.segment_plan import ImagePart
from tests.unit.workflows.conftest import LABELS
from tests.unit.workflows.huge_samples import draw_image, make_model, write_ome_zarr
from tests.unit.workflows.shared_library import Library, make_library


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Return a library whose model is a fake."""
    return make_library(tmp_path, monkeypatch)


def test_two_clients_do_not_harm_each_other(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first to end leaves what the other writes; the other's failure undoes no good result."""

    def fail_slowly(*arguments: Any, **options: Any) -> SegmentedFile:
        monkeypatch.setattr(segment_parts, "segment_file", segment_file)
        half.write_text("half")
        assert library.run(1, 1)["shards"]["joined"]
        assert half.exists()
        half.unlink()
        done = segment_file(Path("none.tif"), *arguments[1:], **options)
        assert done.entry["error"] is not None
        return done

    half = library.output / ".partial-1.tif"
    monkeypatch.setattr(segment_parts, "segment_file", fail_slowly)
    found = library.run(1, 1)
    assert [one["error"] for one in found["images"]] == [None] * 5
    assert found["shards"]["joined"]
    assert library.predicted == 5
    assert pd.read_csv(library.output / "summary.csv")["Image"].nunique() == 5


def test_shards_that_must_be_started_again_are_named(library: Library) -> None:
    """An image, a result or a record that changed since makes its shard a missing one."""
    for number in (1, 2, 3):
        library.run(number, 3)
    write_image(Path(library.parts[1].source), (LABELS * 0).astype(np.uint8))
    (library.output / "i2_mask.tif").unlink()
    record = library.output / image_records.FOLDER / "images" / "i0.json"
    record.write_text(json.dumps({"key": library.plan().key}))
    assert library.run(1, 3)["shards"] == {
        "number": 1, "count": 3, "missing": [2, 3], "joined": False
    }  # fmt: skip
    assert library.run(2, 3)["shards"]["missing"] == [3]
    assert library.run(3, 3)["shards"]["joined"]


def test_a_zarr_image_that_changed_inside_is_done_again(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written deep in the folder counts, though the folder itself does not change."""
    model = make_model()
    card = model.card.model_copy(update={"weights_sha256": library.weights})
    model = replace(model, card=card)
    monkeypatch.setattr(prediction, "load_model", lambda *_arguments, **_options: model)
    path = tmp_path / "z.ome.zarr"
    write_ome_zarr(path, draw_image((80, 90)))
    library.parts = [ImagePart(str(path), "z")]
    first, before = library.run(1, 1)["images"], path.stat()
    assert library.run(1, 1)["images"] == first
    array: Any = zarr.open_array(str(path / "0"), mode="r+")
    array[0] = draw_image((80, 90), seed=1)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert library.run(1, 1)["images"][0]["rois"] != first[0]["rois"] > 0
