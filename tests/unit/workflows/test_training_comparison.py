"""Whether fine-tuning was worth it, and what ends a training that is only there to compare."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from deepflash_service.core.scaling import Scale
from deepflash_service.core.separation import Cut
from deepflash_service.errors import ComputeError, JobCancelled
from deepflash_service.records import (
    Calibration,
    ModelCard,
    RoiScores,
    SegmentOptions,
    TrainOptions,
)
from deepflash_service.workflows import training_comparison
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.pixel_sizes import ScaledModel
from deepflash_service.workflows.planes import choose_cut
from deepflash_service.workflows.prediction import LoadedModel
from deepflash_service.workflows.training_comparison import (
    Frozen,
    score_frozen,
    score_new,
    write_advice,
)
from deepflash_service.workflows.training_course import Course
from deepflash_service.workflows.training_data import TrainingData
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


WORTH_IT = {"fine_tuned": (0.8, 0.82, 0.6), "frozen": (0.7, 0.7, 0.7)}


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        (
            WORTH_IT,
            "Fine-tuning is worth it: F1 0.74 on 3 held-out images (better on 2), against 0.70 of "
            "the base model b@2 as it is.",
        ),
        (
            WORTH_IT | {"frozen_with_fitted_cut": (0.72, 0.72, 0.72)},
            "Fine-tuning is worth it: F1 0.74 on 3 held-out images (better on 2), against 0.72 of "
            "the base model b@2 with threshold and size chosen on the other images.",
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
            {"fine_tuned": (0.7,), "frozen": (0.6,), "frozen_with_fitted_cut": (0.8,)},
            "Fine-tuning is not worth it: F1 0.70 on 1 held-out image, against 0.80 of the base "
            "model b@2 with threshold and size chosen on the other images. Use b@2 without "
            "training, with threshold 0.35, minimum ROI size 45 and separation 0.75, or annotate "
            "more images.",
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
    every = {"frozen_with_fitted_cut": (0.1,) * len(scores["frozen"])} | scores
    ways = {way: make_scores(*f1) for way, f1 in every.items()}
    cut = Cut(0.35, 45, 0.75)
    assert write_advice("b@2", ways, cut) == sentence


def load(monkeypatch: pytest.MonkeyPatch, *, inside: float, **facts: Any) -> list[Scale]:
    """Let the library hold a model b@2, and return by what its images were scaled.

    Inside the ROIs it is so probable, but 0.9 in bright images and 0.7 in rescaled ones.
    """
    card = ModelCard(name="b", **facts)
    asked: list[Scale] = []

    def predict(image: Any, _hooks: Hooks) -> Any:
        return draw_map(inside if image.max() < 9 else 0.9).astype(np.float32)

    def rescale(scale: Scale) -> LoadedModel:
        asked.append(scale)
        return LoadedModel("b@2", card, lambda *_: draw_map(0.7).astype(np.float32))

    model = LoadedModel("b@2", card, predict, rescale=rescale)
    monkeypatch.setattr(training_comparison, "load_stored", lambda _stored: model)
    return asked


def judge_frozen(data: TrainingData, **facts: Any) -> Frozen:
    """Score the model of the library, if nothing else is said on the first and the third image."""
    chosen: dict[str, Any] = {"folds": ((0,), (2,)), "min_roi_size": 9, "hooks": Hooks()} | facts
    indices = chosen.pop("indices", (0, 2))
    return score_frozen(data, indices, base=cast("Any", None), **chosen)


def test_the_base_model_is_cut_as_its_own_card_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its threshold and size, not those of the new model; the truth is that of the new one."""
    load(monkeypatch, inside=0.4, threshold=0.3, min_roi_size=30)
    data = make_data(3)
    assert {index: one.f1 for index, one in judge_frozen(data).own.items()} == {0: 1.0, 2: 1.0}
    assert judge_frozen(data, min_roi_size=37).own[0].expected == 0
    with pytest.raises(JobCancelled):
        judge_frozen(data, hooks=Hooks(is_cancelled=lambda: True))


def test_the_base_model_is_also_cut_as_the_other_folds_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the fine-tuned members are; else the comparison would favour them."""
    load(monkeypatch, inside=0.4, threshold=0.5)
    found = judge_frozen(make_data(3))
    assert {index: one.f1 for index, one in found.own.items()} == {0: 0.0, 2: 0.0}
    assert {index: one.f1 for index, one in found.fitted.scores.items()} == {0: 1.0, 2: 1.0}
    assert found.fitted.cut.threshold < 0.4


def test_no_image_chooses_its_own_cut_for_the_base_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two faint images of one fold are cut as the bright one of the other fold says."""
    load(monkeypatch, inside=0.4)
    data = make_data(3)
    bright = replace(data.images[2], pixels=np.uint8(10) * data.images[2].pixels)
    data = replace(data, images=(*data.images[:2], bright))
    found = judge_frozen(data, indices=(0, 1, 2), folds=((0, 1), (2,)))
    assert {index: one.f1 for index, one in found.fitted.scores.items()} == {0: 0.0, 1: 0.0, 2: 1.0}


def measure(size: float) -> Calibration:
    """Return square pixels of so many micrometres."""
    return Calibration(pixel_width=size, pixel_height=size, unit="µm")


def make_fine_data() -> TrainingData:
    """Return three images, the first of 0.5 micrometres per pixel."""
    data = make_data(3)
    first = replace(data.images[0], calibration=measure(0.5))
    return replace(data, images=(first, *data.images[1:]))


def test_the_base_model_is_used_at_the_pixel_size_of_its_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by segment: each image is rescaled, and sizes in pixels of the training are converted."""
    calibration = measure(1.0)
    asked = load(monkeypatch, inside=0.9, min_roi_size=9, calibration=calibration)
    found = judge_frozen(make_fine_data())
    assert set(asked) == {Scale(0.5, 0.5)}
    assert {index: one.predicted for index, one in found.own.items()} == {0: 4, 2: 4}
    load(monkeypatch, inside=0.9, min_roi_size=10, calibration=calibration)
    found = judge_frozen(make_fine_data())
    assert {index: one.predicted for index, one in found.own.items()} == {0: 0, 2: 4}
    load(monkeypatch, inside=0.9, threshold=0.8, calibration=calibration)
    found = judge_frozen(make_fine_data())
    assert {index: one.predicted for index, one in found.own.items()} == {0: 0, 2: 4}


def test_the_neck_of_the_base_model_is_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is converted like the size."""
    load(monkeypatch, inside=0.9, separation=0.75, calibration=measure(1.0))
    necks: list[float] = []

    def choose(options: SegmentOptions, scaled: ScaledModel) -> Cut:
        cut = choose_cut(options, scaled)
        necks.append(cut.separation)
        return cut

    monkeypatch.setattr(training_comparison, "choose_cut", choose)
    judge_frozen(make_fine_data())
    assert necks == [1.5, 0.75]


@pytest.fixture
def rivals(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what is trained from scratch; the list first holds how that ends."""
    ends: list[Any] = []

    def train(
        _data: Any, course: Course, *, card: ModelCard, base: Any, **_facts: Any
    ) -> TrainedMembers:
        end = ends.pop(0)
        ends.append((course, base, card))
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
    course, base, card = rivals[0]
    assert base is None
    # the shape that a new model would have, whatever the base looks like
    assert (card.network.filters, card.network.depth, card.start) == (8, 1, "random")
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
