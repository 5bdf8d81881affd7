"""What the card tells of a model: scores, where maps are cut, and what to make of them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from deepflash_service.core.separation import NECK
from deepflash_service.records import ModelCard, TrainOptions
from deepflash_service.workflows import training_card
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.training_card import Work, complete_card, draft_card
from deepflash_service.workflows.training_comparison import Frozen
from deepflash_service.workflows.training_course import Course
from deepflash_service.workflows.training_members import TrainedMembers
from deepflash_service.workflows.training_scores import Judgement, judge_maps
from deepflash_service.workflows.training_start import Beginning
from tests.unit.workflows.training_samples import TRUTH, draw_map, make_data

COURSE = Course(filters=8, depth=1, epochs=9, folds=((0, 2), (1, 3)), seed=0, parts=2)
FILES = {f"images/{number}.tif": f"hash {number}" for number in range(4)}


class Training:
    """A training of four images whose two members find all ROIs, but faintly."""

    def __init__(self, known: tuple[int, ...] | None, **options: Any) -> None:
        truth = options.pop("truth", TRUTH)
        self.warned: list[str] = []
        base = None
        if known is not None:
            hashes = {f"images/old {number}.tif": f"hash {number}" for number in (*known, 9)}
            base = SimpleNamespace(card=ModelCard(name="b", data_sha256=hashes), reference="b@1")
        self.start = Beginning("", FILES, cast("Any", base))
        chosen = TrainOptions(dataset="d", model="m", **options)
        data = make_data(4)
        images = tuple(replace(image, truth=truth) for image in data.images)
        data = replace(data, images=images)
        draft = draft_card(data, COURSE, options=chosen, start=self.start)
        keeper = SimpleNamespace(run=SimpleNamespace(id="job"), spent_seconds=lambda: 7.04)
        hooks = Hooks(warn=self.warned.append)
        self.work = Work(
            self.start, data, COURSE, draft=draft, keeper=cast("Any", keeper), hooks=hooks
        )
        self.trained = TrainedMembers(
            networks=["x", "y"], maps={index: draw_map(0.42) for index in range(4)}, device="cpu"
        )

    def complete(self) -> ModelCard:
        """Return the card."""
        return complete_card(self.work, self.trained)


@pytest.fixture(autouse=True)
def ways(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Let the base model find nothing better, and return the images on which it was scored."""
    asked: list[list[int]] = []

    def score(data: Any, indices: Any, **_facts: Any) -> Any:
        asked.append(sorted(indices))
        every = judge_all(data).scores
        own = {index: every[index].model_copy(update={"f1": 0.5}) for index in asked[-1]}
        return Frozen(own, replace(judge_all(data), scores=own))

    monkeypatch.setattr(training_card, "score_frozen", score)
    return asked


def judge_all(data: Any) -> Judgement:
    """Judge the maps of all four images."""
    maps = {index: draw_map(0.42) for index in range(4)}
    return judge_maps(data, COURSE.folds, maps, min_roi_size=9)


def test_the_card_has_all_that_was_chosen_and_measured() -> None:
    """Threshold and size, scores of each image, hashes, options."""
    training = Training(None, preset="best", seed=5)
    card = training.complete()
    assert card.threshold < 0.42
    assert card.min_roi_size == 36
    assert card.scores is not None
    assert (card.scores.f1, card.members, card.folds, card.seconds) == (1.0, 2, 2, 7.0)
    assert list(card.image_scores) == card.held_out_images == [f"{n}.tif" for n in range(4)]
    assert {one.f1 for one in card.image_scores.values()} == {1.0}
    assert card.expert_scores["b"].recall == 0.75
    assert card.data_sha256 == FILES
    assert card.options is not None
    assert (card.options.preset, card.options.seed) == ("best", 5)
    assert {"keras", "numpy", "deepflash-service"} <= set(card.software)
    assert (card.comparison, card.advice, card.warnings, card.ancestors) == ({}, "", [], [])
    assert ModelCard.from_json(card.to_json()) == card
    assert "flatter" in card.notes
    assert training.trained.labels[0].max() == 4


def test_the_card_tells_why_there_were_fewer_epochs() -> None:
    """A sentence for each member that ended early by itself."""
    training = Training(None)
    assert training.complete().ending == ""
    training.trained.endings = ["member 1 of 2, stopped early", "member 2 of 2, stopped early"]
    ending = "Member 1 of 2, stopped early. Member 2 of 2, stopped early."
    assert training.complete().ending == ending


def test_the_user_tells_from_which_size_annotations_count() -> None:
    """The choice for the prediction begins there; the card tells both sizes."""
    card = Training(None).complete()
    assert (card.smallest_annotated, card.min_roi_size) == (36, 36)
    card = Training(None, min_roi_size=2).complete()
    assert (card.smallest_annotated, card.min_roi_size) == (2, 2)
    training = Training(None, min_roi_size=9)
    for one in training.trained.maps.values():
        one[1:5, 14:18] = one[1:5, 22:26] = 0.42
    card = training.complete()
    assert card.smallest_annotated == 9
    assert 16 < card.min_roi_size <= 27


def test_the_card_tells_whether_touching_rois_are_parted() -> None:
    """Waisted ROIs that are annotated as one are not, whatever the draft says."""
    assert Training(None).complete().separation == NECK
    rows, columns = np.indices(TRUTH.shape)
    discs = [np.hypot(rows - 20, columns - column) < 9 for column in (13, 26)]
    whole = (discs[0] | discs[1]).astype(np.int32)
    training = Training(None, truth=whole, min_roi_size=9)
    training.trained.maps = {
        index: np.where(whole > 0, 0.9, 0.05).astype(np.float16) for index in range(4)
    }
    card = training.complete()
    assert card.scores is not None
    assert (card.separation, card.scores.f1) == (0.0, 1.0)


def test_a_fine_tuned_model_is_compared_with_its_base(ways: list[list[int]]) -> None:
    """On the same held-out images, always; from scratch only if it was asked for."""
    card = Training(known=()).complete()
    assert ways == [[0, 1, 2, 3]]
    assert set(card.comparison) == {"frozen", "frozen_with_fitted_cut", "fine_tuned"}
    assert card.comparison["fine_tuned"] == card.scores
    assert card.advice.startswith("Fine-tuning is worth it: F1 1.00 on 4 held-out images")


@pytest.mark.parametrize("fault", ["", "Stopped before it was complete."])
def test_a_training_from_scratch_is_compared_when_it_is_complete(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Else the card says why it is missing."""
    training = Training(known=(), compare=True)
    new = {} if fault else judge_all(training.work.data).scores
    monkeypatch.setattr(training_card, "score_new", lambda *_a, **_o: (new, fault))
    training.work = replace(training.work, course=replace(COURSE, behind=2))
    card = training.complete()
    assert ("new" in card.comparison) == (not fault)
    assert card.warnings == training.warned == ([fault] if fault else [])


def test_images_that_the_base_model_knows_are_not_scored(ways: list[list[int]]) -> None:
    """Its members have learnt from them, so they say nothing about a new image."""
    training = Training(known=(0, 3))
    card = training.complete()
    assert list(card.image_scores) == card.held_out_images == ["1.tif", "2.tif"]
    assert ways == [[1, 2]]
    assert card.warnings == training.warned
    assert "has learnt from 2 of the 4 held-out images before" in card.warnings[0]
    assert [one.model for one in card.ancestors] == ["b@1"]
    assert card.ancestors[0].images["old 3.tif"] == "hash 3"


def test_a_base_model_without_hashes_leaves_a_doubt() -> None:
    """The scores are there, and the card says what they may hide."""
    training = Training(known=())
    old = ModelCard(name="b", training_images=["1.tif"])
    training.start.base.__dict__["card"] = old
    card = training.complete()
    assert len(card.image_scores) == 4
    assert card.warnings == training.warned
    assert "images that were called 1.tif. If these are the same" in card.warnings[0]


def test_a_base_model_that_knows_all_images_leaves_no_honest_score(
    ways: list[list[int]],
) -> None:
    """The scores are there, with a warning, and nothing is said about what is better."""
    card = Training(known=(0, 1, 2, 3)).complete()
    assert card.scores is not None
    assert "all held-out images before, so the scores are too good" in card.warnings[0]
    assert (ways, card.comparison, card.advice) == ([], {}, "")
