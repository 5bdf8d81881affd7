"""Segmentations that processes share: what is done again, what is not, and what must agree."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deepflash_service.errors import ComputeError, DeepFlashError, JobCancelled
from deepflash_service.records import ModelCard, Progress
from deepflash_service.store import image_records, models
from deepflash_service.store.images import write_image
from deepflash_service.workflows import planned_model, segment_parts
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.prediction import EngineChoice
from deepflash_service.workflows.segment import segment_images
from deepflash_service.workflows.segment_parts import perform_part
from deepflash_service.workflows.segment_plan import ImagePart
from deepflash_service.workflows.segment_shared import segment_elsewhere, segment_shard
from tests.unit.workflows.conftest import LABELS, make_model
from tests.unit.workflows.shared_library import OPTIONS, Library, make_library


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Return a library whose model is a fake."""
    return make_library(tmp_path, monkeypatch)


def execute_here(
    perform: Callable[[ImagePart, Callable[[], bool]], Any], parts: Sequence[ImagePart]
) -> Generator[tuple[int, Any], None, None]:
    """Stand for a cluster: tasks travel as bytes, run twice, and come back in reverse order."""
    travelled = pickle.loads(pickle.dumps(perform))
    for position in reversed(range(len(parts))):
        first, again = (json.dumps(travelled(parts[position], lambda: False)) for _ in range(2))
        assert again == first
        yield position, json.loads(first)


def test_shards_and_clusters_make_what_one_process_makes(library: Library, tmp_path: Path) -> None:
    """The same files and tables, byte for byte, whoever does the work and in whatever order."""
    sources = [Path(part.source) for part in library.parts]
    expected = segment_images(sources, make_model(), options=OPTIONS, output=tmp_path / "whole")
    for number in (2, 1, 3):
        library.run(number, 3)
    plan = replace(library.plan(), output=str(tmp_path / "cluster"))
    found = segment_elsewhere(
        plan, library.parts, execute=execute_here, output=tmp_path / "cluster"
    )
    for path in (tmp_path / "whole").iterdir():
        for folder in (library.output, tmp_path / "cluster"):
            assert (folder / path.name).read_bytes() == path.read_bytes(), path.name
    assert [one["rois"] for one in found["images"]] == [one["rois"] for one in expected["images"]]
    assert [Path(one["files"]["rois"]).parent for one in found["images"]] == [
        tmp_path / "cluster"
    ] * 5
    assert found["device"] == "this computer fake float32"
    assert set(found) == set(expected)


def test_a_second_run_does_only_what_is_missing(library: Library) -> None:
    """Done images are left alone; a removed result, a changed image are done again."""
    assert library.run(1)["shards"] == {"number": 1, "count": 2, "missing": [2], "joined": False}
    assert library.predicted == 3
    assert library.run(2)["shards"]["joined"] is True
    table = library.read("rois.csv")
    first, second = library.run(1), library.run(2)
    assert library.predicted == 5
    assert [one["image"] for one in first["images"]] == ["i0.tif", "i2.tif", "i4.tif"]
    assert second["shards"]["joined"]
    assert library.read("rois.csv") == table
    (library.output / "i2_RoiSet.zip").unlink()
    library.run(1)
    assert library.predicted == 6
    write_image(Path(library.parts[1].source), (LABELS * 0).astype(np.uint8))
    library.run(2)
    assert library.predicted == 7
    assert b"i1.tif" not in library.read("rois.csv")


def test_other_choices_are_another_run(library: Library) -> None:
    """Another threshold or a new version of the model: everything is done again."""
    library.run(1, 1)
    library.run(1, 1, threshold=0.95)
    assert library.predicted == 10
    with models.stage_model(library.home) as staged:
        (staged / "member-1.weights.h5").write_bytes(b"weights")
        models.publish_model(library.home, staged, card=ModelCard(name="bright"))
    library.run(1, 1, threshold=0.95)
    assert library.predicted == 15


def test_tables_of_another_run_are_not_joined(library: Library) -> None:
    """A shard of other options, or of another list of images, does not count."""
    library.run(1)
    assert library.run(2, threshold=0.95)["shards"]["missing"] == [1]
    library.parts.pop()
    assert library.run(2)["shards"]["missing"] == [1]
    assert not (library.output / "rois.csv").exists()


def test_a_bad_image_is_told_joined_around_and_tried_again(library: Library) -> None:
    """The others are done; when the image is mended, only that is done."""
    bad = Path(library.parts[2].source)
    good = bad.read_bytes()
    bad.write_bytes(b"text")
    first = library.run(1)
    assert [one["error"] and one["error"]["code"] for one in first["images"]] == [
        None, "invalid_image", None
    ]  # fmt: skip
    assert library.run(2)["shards"]["joined"]
    assert pd.read_csv(library.output / "summary.csv")["Image"].nunique() == 4
    bad.write_bytes(good)
    assert [one["error"] for one in library.run(1)["images"]] == [None] * 3
    assert library.predicted == 5
    assert pd.read_csv(library.output / "summary.csv")["Image"].nunique() == 5


def test_the_first_process_chooses_the_engine_for_all(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process whose measurement would choose otherwise follows, even if it began earlier."""
    library.fastest = "other"
    assert library.run(1)["device"] == "this computer other float32"
    library.fastest = "fake"
    planned_model._load_once.cache_clear()
    assert library.run(2)["device"] == "this computer other float32"
    assert library.loaded[-1] == EngineChoice("other", "float32")  # type: ignore[arg-type]

    def lose_the_race(*_arguments: object, choice: object) -> dict[str, str]:
        return {"engine": "other", "precision": "float32"} if choice else {}

    monkeypatch.setattr(image_records, "settle_choice", lose_the_race)
    assert library.run(1, threshold=0.9)["device"] == "this computer other float32"


def test_a_computer_without_the_engine_says_so(library: Library) -> None:
    """The work goes on, with a warning that the numbers may differ."""
    settled = {"engine": "missing", "precision": "float32"}
    image_records.settle_choice(library.output, library.plan().key, choice=settled)
    warnings: list[str] = []
    segment_shard(
        library.plan(), library.parts, shard=(1, 1), output=library.output,
        hooks=Hooks(warn=warnings.append),
    )  # fmt: skip
    assert sum("cannot run missing in float32" in text for text in warnings) == 1


@pytest.mark.parametrize("fault", ["home", "output", "images", "weights"])
def test_a_computer_that_sees_something_else_is_refused(
    library: Library, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other folders or other weights end the work with a sentence, before anything is written."""
    monkeypatch.setattr(segment_parts, "_SIGHT_SECONDS", 0.0)
    token = image_records.place_token(library.output)
    plan, part = replace(library.plan(), token=str(token)), library.parts[0]
    if fault == "home":
        plan = replace(plan, home=str(tmp_path / "none"))
    elif fault == "output":
        token.unlink()
    elif fault == "images":
        part = ImagePart(str(tmp_path / "none" / "i0.tif"), "i0")
    else:
        plan = replace(plan, weights=("other",))
    with pytest.raises(DeepFlashError) as caught:
        perform_part(plan, part)
    assert caught.value.code == ("other_model" if fault == "weights" else "folder_not_shared")
    assert not list(library.output.glob("*"))[1:]


def test_images_that_no_worker_survives_are_told(library: Library) -> None:
    """A lost image is an entry with an error; the tables hold the others."""

    def execute(perform: Any, parts: Sequence[ImagePart]) -> Generator[tuple[int, Any], None, None]:
        yield 1, ComputeError("The workers died.", code="worker_lost")
        yield from ((n, perform(parts[n], lambda: False)) for n in (0, 2, 3, 4))

    seen: list[Progress] = []
    found = segment_elsewhere(
        library.plan(), library.parts, execute=execute, output=library.output,
        hooks=Hooks(report=seen.append),
    )  # fmt: skip
    assert [one["error"] and one["error"]["code"] for one in found["images"]] == [
        None, "worker_lost", None, None, None
    ]  # fmt: skip
    assert pd.read_csv(library.output / "summary.csv")["Image"].nunique() == 4
    assert (seen[-1].current, seen[-1].maximum) == (5, 5)


def test_an_end_closes_the_cluster_and_keeps_what_is_done(library: Library) -> None:
    """Cancelled or failed, the executor is told at once, and nothing hidden is left behind."""
    closed: list[bool] = []

    def execute(perform: Any, parts: Sequence[ImagePart]) -> Generator[tuple[int, Any], None, None]:
        try:
            for number, part in enumerate(parts):
                yield number, perform(part, lambda: False)
        finally:
            closed.append(True)

    answers = iter([False, True])
    hooks = Hooks(is_cancelled=lambda: next(answers, True))
    with pytest.raises(JobCancelled):
        segment_elsewhere(
            library.plan(), library.parts, execute=execute, output=library.output, hooks=hooks
        )
    assert (closed, library.predicted) == ([True], 2)
    assert not list((library.output / image_records.FOLDER).glob("here-*"))
    segment_elsewhere(library.plan(), library.parts, execute=execute, output=library.output)
    assert library.predicted == 5


def test_a_cancelled_task_leaves_no_record(library: Library) -> None:
    """Work that nobody wants any more ends inside the image."""
    with suppress(JobCancelled):
        perform_part(library.plan(), library.parts[0], hooks=Hooks(is_cancelled=lambda: True))
    assert image_records.read_record(library.output, "i0", key=library.plan().key) is None
