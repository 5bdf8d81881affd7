"""Whether fine-tuning was worth it, and what ends a training that is only there to compare."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from deepflash_service.errors import ComputeError, JobCancelled
from deepflash_service.records import ModelCard, RoiScores, TrainOptions
from deepflash_service.workflows import training_comparison
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.prediction import LoadedModel
from deepflash_service.workflows.training_comparison import (
    score_frozen,
    score_new,
    write_advice,
)
from deepflash_service.workflows.training_course import Course
from deepflash_service.workflows.training_members import TrainedMembers
from tests.unit.workflows.training_samples import draw_map, make_data

COURSE = Course(filters=8, depth=1, epochs=9, folds=((0,), (1,)), seed=3, parts=2, behind=2)
CARD = ModelCard(name="m", min_roi_size=9, options=TrainOptions(dataset="d", model="m"))


def make_scores(*f1: float) -> dict[int, RoiScores]:
    """Return scores of images that differ in their F1 only."""
    ratios = dict.fromkeys(("pixel_jaccard", "dice", "roi_jaccard", "precision", "recall"), 0.5)
    counts = dict.fromkeys(("matched", "predicted", "expected"), 1)
    return {
        index: RoiScores.model_validate({**ratios, **counts, "f1": one})
        for index, one in enumerate(f1)
    }


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        (
            {"fine_tuned": (0.8, 0.82, 0.6), "frozen": (0.7, 0.7, 0.7)},
            "Fine-tuning is worth it: F1 0.74 on 3 held-out images (better on 2), against 0.70 of "
            "the base model b@2 as it is.",
        ),
        (
            {"fine_tuned": (0.8,), "frozen": (0.7,), "new": (0.75,)},
            "Fine-tuning is worth it: F1 0.80 on 1 held-out image (better on 1), against 0.70 of "
            "the base model b@2 as it is and 0.75 of a model trained from scratch.",
        ),
        (
            {"fine_tuned": (0.8, 0.8), "frozen": (0.805, 0.81)},
            "Fine-tuning makes no clear difference: F1 0.80 on 2 held-out images, 0.81 of the base "
            "model b@2 as it is.",
        ),
        (
            {"fine_tuned": (0.7, 0.7), "frozen": (0.8, 0.8), "new": (0.6, 0.6)},
            "Fine-tuning is not worth it: F1 0.70 on 2 held-out images, against 0.80 of the base "
            "model b@2 as it is and 0.60 of a model trained from scratch. Use b@2 without "
            "training, or annotate more images.",
        ),
        (
            {"fine_tuned": (0.7, 0.7), "frozen": (0.6, 0.6), "new": (0.8, 0.8)},
            "Fine-tuning is not worth it: F1 0.70 on 2 held-out images, against 0.60 of the base "
            "model b@2 as it is and 0.80 of a model trained from scratch. Train with new as base "
            "model.",
        ),
    ],
)
def test_the_advice_names_the_best_way(scores: dict[str, Any], sentence: str) -> None:
    """By the mean F1 on the same images; less than 0.01 is no difference."""
    assert write_advice("b@2", {way: make_scores(*f1) for way, f1 in scores.items()}) == sentence


def test_the_base_model_is_cut_as_its_own_card_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its threshold and size, not those of the new model; the truth is that of the new one."""
    card = ModelCard(name="b", threshold=0.3, min_roi_size=30)
    base = LoadedModel("b@2", card, lambda _image, _hooks: draw_map(0.4).astype(np.float32))
    monkeypatch.setattr(training_comparison, "load_stored", lambda _stored: base)

    def score(**facts: Any) -> dict[int, RoiScores]:
        chosen = {"base": cast("Any", None), "min_roi_size": 9, "hooks": Hooks()} | facts
        return score_frozen(make_data(3), [0, 2], **chosen)

    assert {index: one.f1 for index, one in score().items()} == {0: 1.0, 2: 1.0}
    assert score(min_roi_size=37)[0].expected == 0
    with pytest.raises(JobCancelled):
        score(hooks=Hooks(is_cancelled=lambda: True))
    base.card.__dict__["threshold"] = 0.5
    assert score()[0].f1 == 0.0


@pytest.fixture
def rivals(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what is trained from scratch; the list first holds how that ends."""
    ends: list[Any] = []

    def train(_data: Any, course: Course, *, base: Any, **_facts: Any) -> TrainedMembers:
        end = ends.pop(0)
        ends.append((course, base))
        if isinstance(end, Exception):
            raise end
        return TrainedMembers(maps={0: draw_map(0.9), 1: draw_map(0.9)}, **end)

    monkeypatch.setattr(training_comparison, "train_members", train)
    return ends


def train_rivals(hooks: Hooks | None = None) -> tuple[dict[int, RoiScores], str]:
    """Train from scratch."""
    keeper = cast("Any", None)
    return score_new(make_data(2), COURSE, card=CARD, keeper=keeper, hooks=hooks or Hooks())


def test_rivals_learn_without_the_base_on_the_same_folds(rivals: list[Any]) -> None:
    """For as many epochs, behind the members of the model, told apart in the events."""
    rivals.append({})
    scores, fault = train_rivals()
    assert ({index: one.f1 for index, one in scores.items()}, fault) == ({0: 1.0, 1: 1.0}, "")
    course, base = rivals[0]
    assert base is None
    assert (course.folds, course.epochs, course.seed) == (COURSE.folds, 9, 3)
    assert (course.ahead, course.total) == (2, COURSE.total) == (2, 4)
    assert "only to compare" in course.title


@pytest.mark.parametrize(
    ("end", "fault"),
    [
        (ComputeError("The loss is no number. Try again."), "not compared: The loss is no number"),
        ({"fault": "The loss was no longer a number."}, "no longer a number"),
        ({"is_stopped": True}, "Stopped before the training from scratch was complete"),
    ],
)
def test_rivals_that_did_not_learn_are_not_compared(
    rivals: list[Any], end: Any, fault: str
) -> None:
    """The model is ready; what it was to be compared with does not take it away."""
    rivals.append(end)
    scores, told = train_rivals()
    assert scores == {}
    assert fault in told


def test_a_stop_begins_no_rival(rivals: list[Any]) -> None:
    """The user wants an end."""
    scores, told = train_rivals(Hooks(is_stopping=lambda: True))
    assert (scores, rivals) == ({}, [])
    assert "Stopped" in told
