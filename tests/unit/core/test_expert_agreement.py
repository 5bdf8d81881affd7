"""Agreement of experts: who is compared with whom, and the object for --json."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deepflash_service.core.agreement import compare_experts, compare_image
from deepflash_service.errors import InputError

A = np.zeros((10, 12), dtype=bool)
A[1:4, 1:4] = True
A[6:9, 6:9] = True
B = A.copy()
B[8, 11] = True
C = np.zeros_like(A)
C[1:4, 1:4] = True


def test_identical_experts_agree_fully() -> None:
    """Every score is 1 and the object is plain JSON."""
    result = compare_experts({"e1": [A, C], "e2": [A, C]}).to_json()
    assert json.loads(json.dumps(result)) == result
    assert result["images"] == 2
    assert result["experts"] == ["e1", "e2"]
    assert set(result["pairs"].values()) == {1.0}
    consensus = result["consensus"]
    assert [consensus[key] for key in ("mean_f1", "median_f1", "worst_f1", "mean_dice")] == [1] * 4
    assert consensus["method"] == "majority"
    assert result["rois"] == {"e1": 3, "e2": 3, "consensus": 3}
    assert result["warnings"] == []


def test_size_filter_is_for_the_comparison_with_the_consensus() -> None:
    """The single pixel of one expert counts between experts, not against the consensus."""
    result = compare_experts({"e1": [A], "e2": [B]}, min_roi_size=2).to_json()
    assert result["pairs"]["f1"] == pytest.approx(0.8)
    assert result["consensus"]["mean_f1"] == 1.0
    assert result["consensus"]["mean_dice"] < 1.0
    assert result["rois"] == {"e1": 2, "e2": 3, "consensus": 2}
    assert result["consensus"]["rois_kept"] == 2
    assert "(1 pixels were marked by one)" in result["warnings"][0]


def test_missing_annotations_are_left_out() -> None:
    """An expert who marked some images is scored on those; one who marked none is not listed."""
    result = compare_experts(
        {"e1": [A, C], "e2": [C, None], "e3": [None, None]}, images=["x", "y"]
    ).to_json()
    assert result["experts"] == ["e1", "e2"]
    assert result["pairwise"][0]["images"] == 1
    per_image = result["consensus"]["per_image"]
    assert [list(one["experts"]) for one in per_image] == [["e1", "e2"], ["e1"]]
    assert [one["image"] for one in per_image] == ["x", "y"]
    assert per_image[0]["worst_f1"] <= per_image[0]["mean_f1"]


def test_a_single_expert_has_no_pairs() -> None:
    """What cannot be computed is null, not NaN."""
    result = compare_experts({"e1": [A]}).to_json()
    assert result["pairs"]["f1"] is None
    assert result["pairwise"] == []


def test_pairs_that_never_meet_have_no_score() -> None:
    """Two experts without a common image are listed with null."""
    result = compare_experts({"e1": [A, None], "e2": [None, C]}).to_json()
    assert result["pairwise"][0] == {
        "a": "e1",
        "b": "e2",
        "images": 0,
        "pixel_jaccard": None,
        "dice": None,
        "roi_jaccard": None,
        "f1": None,
    }


def test_a_given_consensus_is_used() -> None:
    """Consensus masks from a folder replace the computed ones."""
    result = compare_experts({"e1": [A], "e2": [C]}, consensus=[C]).to_json()
    consensus = result["consensus"]
    assert consensus["method"] == "given"
    assert consensus["per_expert"]["e2"]["f1"] == 1.0
    assert consensus["worst_f1"] == pytest.approx(2 / 3)
    assert consensus["median_f1"] == pytest.approx(5 / 6)


def test_objects_method_compares_label_images() -> None:
    """Touching ROIs of a consensus by objects stay apart."""
    labels = np.array([[1, 1, 2, 2]], dtype=np.int32)
    image = compare_image({"e1": labels, "e2": labels}, consensus="objects")
    assert (image.consensus_rois, image.method) == (2, "objects")


def test_unequal_lists_are_refused() -> None:
    """Lists that do not fit each other, or nothing at all."""
    faults: tuple[dict[str, list[np.ndarray]], ...] = ({}, {"e1": []}, {"e1": [A], "e2": [A, C]})
    for wrong in faults:
        with pytest.raises(InputError):
            compare_experts(wrong)
    with pytest.raises(InputError, match="image names"):
        compare_experts({"e1": [A]}, images=["x", "y"])
    with pytest.raises(InputError, match="consensus masks"):
        compare_experts({"e1": [A]}, consensus=[])
    with pytest.raises(InputError, match="No expert"):
        compare_experts({"e1": [None]})
