"""A training goes on only with the data that it began with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.errors import ConflictError, NotFoundError
from deepflash_service.records import Ancestor, ModelCard, TrainOptions
from deepflash_service.store import datasets, models, runs
from deepflash_service.store.images import write_image, write_mask
from deepflash_service.workflows.training_start import Beginning, begin_training, open_training_data

MASK = np.eye(30, dtype=bool)


class Training:
    """A training of six images by two experts, in folders that a test may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        for number in range(6):
            self.write_image(f"{number}.tif", value=number)
            for expert in ("anna", "ben"):
                write_mask(folder / expert / f"{number}.tif", MASK)
        masks = {expert: folder / expert for expert in ("anna", "ben")}
        self.dataset = datasets.link_folders(self.home, folder / "images", masks=masks)
        self.run = runs.create_run(self.home, "training", options={})

    def write_image(self, name: str, *, value: int) -> None:
        """Write an image that differs from others by its value."""
        write_image(self.folder / "images" / name, np.full((30, 30), value, np.uint8))

    def begin(self, **chosen: Any) -> Beginning:
        """Begin, or go on."""
        return begin_training(
            self.home,
            self.run,
            dataset=datasets.open_dataset(self.home, self.dataset),
            options=TrainOptions(dataset=self.dataset, model="m", **chosen),
        )


@pytest.fixture
def training(tmp_path: Path) -> Training:
    """Return a training that has not begun."""
    return Training(tmp_path)


def test_unchanged_data_goes_on(training: Training) -> None:
    """The same files give the same fingerprint; a file that is rewritten alike does not matter."""
    first = training.begin()
    training.write_image("3.tif", value=3)
    assert training.begin() == first


def test_every_change_is_named(training: Training) -> None:
    """Added, removed and changed files, a few of them by name, and what to do."""
    training.begin()
    for number in range(5):
        write_mask(training.folder / "anna" / f"{number}.tif", ~MASK)
    (training.folder / "ben" / "5.tif").unlink()
    training.write_image("6.tif", value=6)
    write_mask(training.folder / "ben" / "6.tif", MASK)
    with pytest.raises(ConflictError) as caught:
        training.begin()
    assert caught.value.code == "data_changed"
    assert caught.value.message == (
        "The data set has changed since this training began (added: annotation ben/6.tif, image "
        "6.tif; removed: annotation ben/5.tif; changed: annotation anna/0.tif, annotation "
        "anna/1.tif, annotation anna/2.tif and 2 more), so it cannot go on. Put the files back as "
        "they were, or start a new training."
    )
    assert caught.value.details["removed"] == ["annotation ben/5.tif"]
    assert len(list(caught.value.details["changed"])) == 5  # type: ignore[call-overload]


def test_an_image_that_lost_its_annotations_is_missed(training: Training) -> None:
    """Fewer pairs are a change too."""
    training.begin()
    for expert in ("anna", "ben"):
        (training.folder / expert / "2.tif").unlink()
    with pytest.raises(ConflictError) as caught:
        training.begin()
    assert "image 2.tif" in caught.value.message


def publish(home: Path, name: str, *, weights: bytes = b"weights") -> None:
    """Add a version to the library."""
    with models.stage_model(home) as folder:
        (folder / "member-1.weights.h5").write_bytes(weights)
        models.publish_model(home, folder, card=ModelCard(name=name))


def test_the_base_model_stays_the_version_it_was(training: Training) -> None:
    """A newer version of the base model, or a moved label, does not change a begun training."""
    publish(training.home, "base")
    first = training.begin(base="base").base
    publish(training.home, "base")
    again = training.begin(base="base").base
    assert first is not None
    assert again is not None
    assert (first.reference, again.reference) == ("base@1", "base@1")


def test_another_base_model_of_the_same_name_is_refused(training: Training) -> None:
    """A run folder that was copied to another home; what it kept is not touched."""
    publish(training.home, "base")
    training.begin(base="base")
    shutil.rmtree(training.home / "models")
    publish(training.home, "base", weights=b"others")
    before = sorted(training.run.checkpoints.rglob("*"))
    with pytest.raises(ConflictError) as caught:
        training.begin(base="base")
    assert caught.value.code == "data_changed"
    assert "The base model base@1 here has other weights" in caught.value.message
    assert sorted(training.run.checkpoints.rglob("*")) == before


def test_a_begun_training_says_which_data_set_to_copy(training: Training) -> None:
    """Nobody can create a data set with this very id; before the start any other will do."""
    wanted = {"dataset": training.dataset}
    open_training_data(training.home, training.run, **wanted)
    shutil.move(training.home / "datasets", training.home / "elsewhere")
    with pytest.raises(NotFoundError, match="create it or choose another"):
        open_training_data(training.home, training.run, **wanted)
    shutil.move(training.home / "elsewhere", training.home / "datasets")
    training.begin()
    shutil.rmtree(training.home / "datasets")
    with pytest.raises(NotFoundError) as caught:
        open_training_data(training.home, training.run, **wanted)
    assert caught.value.code == "unknown_dataset"
    assert f"Copy the folder datasets/{training.dataset} from" in caught.value.message


def test_files_are_named_with_their_hashes(training: Training) -> None:
    """As the model card keeps them."""
    files = training.begin().files
    assert len(files) == 18
    assert {"images/0.tif", "annotations/anna/0.tif", "annotations/ben/5.tif"} <= set(files)
    assert files["annotations/anna/0.tif"] == files["annotations/ben/5.tif"]
    assert files["images/0.tif"] != files["images/1.tif"]


def test_images_that_the_base_model_knows_are_found(training: Training) -> None:
    """By their contents, not their names; annotations play no part."""
    files = training.begin().files
    card = ModelCard(
        name="base",
        data_sha256={
            "images/other.tif": files["images/2.tif"],
            "images/3.tif": "of another image",
            "annotations/x/4.tif": files["images/4.tif"],
        },
    )
    base = models.StoredModel(card, training.folder)
    assert Beginning("", files, base).list_known_images() == {"2.tif"}
    assert Beginning("", files, None).list_known_images() == set()


def fine_tune(*cards: ModelCard, files: dict[str, str]) -> Beginning:
    """Return the beginning of a training after others, each fine-tuned from the one before."""
    start = Beginning("", {}, None)
    for card in cards:
        heir = card.model_copy(update={"ancestors": start.list_ancestors()})
        start = Beginning("", files, models.StoredModel(heir, Path()))
    return start


FIRST = ModelCard(name="a", data_sha256={"images/x.tif": "hash x"})
SECOND = ModelCard(name="b", base="a@1", data_sha256={"images/y.tif": "hash y"})


def test_images_that_any_ancestor_knows_are_found() -> None:
    """The base model of the base model has learnt from them, and so this one has."""
    third = ModelCard(name="c", base="b@1", data_sha256={"images/x.tif": "hash z"})
    files = {f"images/new {letter}.tif": f"hash {letter}" for letter in "wxyz"}
    start = fine_tune(FIRST, SECOND, third, files=files)
    assert [one.model for one in start.list_ancestors()] == ["a@1", "b@1", "c@1"]
    assert start.list_known_images() == {f"new {letter}.tif" for letter in "xyz"}
    assert start.list_doubts() == []


def test_images_of_the_same_name_are_doubted_where_hashes_are_missing() -> None:
    """Cards of former versions have names only; names may stay the same by chance."""
    old = ModelCard(name="old", training_images=["x.tif", "u.tif"], held_out_images=["v.tif"])
    heir = ModelCard(name="b", base="old@1", data_sha256={"images/u.tif": "hash u"})
    files = {f"images/{letter}.tif": f"hash {letter}" for letter in "uvwx"}
    start = fine_tune(old, heir, files=files)
    assert start.list_known_images() == {"u.tif"}
    assert start.list_doubts() == [
        "old@1, from which this model descends, has learnt from images that were called v.tif, "
        "x.tif. If these are the same, the scores are too good."
    ]
    assert fine_tune(old, heir, files={"images/w.tif": "hash w"}).list_doubts() == []


def test_an_ancestor_of_which_nothing_is_known_is_named() -> None:
    """A card without any image, and the base of a base whose card does not tell its ancestors."""
    unknown = "It is not known which images {}, from which this model descends, has learnt from."
    files = {"images/x.tif": "hash x"}
    orphan = fine_tune(SECOND, files=files)
    assert orphan.list_ancestors()[0] == Ancestor(model="a@1")
    for start, name in ((orphan, "a@1"), (fine_tune(ModelCard(name="n"), files=files), "n@1")):
        (doubt,) = start.list_doubts()
        assert doubt.startswith(unknown.format(name))
        assert start.list_known_images() == set()
