"""Evaluations: what cannot be compared is refused before a job exists."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from deepflash_service.core.rois import labels_to_rois
from tests.unit.web.conftest import Service, encode_tiff

File = tuple[str, bytes]
SMALL = encode_tiff(np.eye(20, dtype=np.uint8) * 255)


def _evaluate(
    service: Service, predictions: list[File], truths: list[File], **options: float
) -> Any:
    form: dict[str, Any] = {
        "options": json.dumps(options),
        "prediction": [(io.BytesIO(data), name) for name, data in predictions],
        "truth": [(io.BytesIO(data), name) for name, data in truths],
    }
    return service.client().post("/api/v1/evaluations?wait=20", data=form)


@pytest.mark.parametrize(
    ("predictions", "truths", "code", "word"),
    [
        (["a.tif"], ["a.tif small"], "shape_mismatch", "20 x 20"),
        (["a.tif small"], ["a_mask.tif"], "shape_mismatch", "48 x 40"),
        (["a.tif"], ["b.tif"], "pairing_failed", "b.tif"),
        (["a.tif", "b.tif"], ["a.tif"], "pairing_failed", "b.tif"),
        (["a.tif"], ["a.tif", "c.tif"], "pairing_failed", "c.tif"),
        (["a.tif"], ["a_x.tif", "a_y.tif"], "pairing_failed", "a_x.tif"),
    ],
)
def test_what_cannot_be_compared_is_refused_and_leaves_nothing(
    service: Service,
    two_spots: bytes,
    *,
    predictions: list[str],
    truths: list[str],
    code: str,
    word: str,
) -> None:
    """Sizes that differ and files without partner are told at once, by name."""

    def load(names: list[str]) -> list[File]:
        return [(one.split()[0], SMALL if "small" in one else two_spots) for one in names]

    before = service.list_tree()
    answer = _evaluate(service, load(predictions), load(truths))
    assert answer.status_code == 422, answer.get_json()
    problem = answer.get_json(force=True)
    assert problem["code"] == code
    assert word in problem["detail"]
    assert len(problem["detail"].split()) > 8
    assert service.list_tree() == before
    assert service.client().get("/api/v1/jobs").get_json() == {"jobs": []}


def test_a_map_is_a_prediction_but_no_truth(service: Service, two_spots: bytes) -> None:
    """Fractions tell no ROIs, so a truth with fractions is refused before there is a job."""
    halves = encode_tiff(np.full((48, 40), 0.4, np.float32))
    before = service.list_tree()
    answer = _evaluate(service, [("a.tif", two_spots)], [("a.tif", halves)])
    assert answer.status_code == 422
    assert answer.get_json(force=True)["code"] == "invalid_annotation"
    assert service.list_tree() == before
    assert _evaluate(service, [("a.tif", halves)], [("a.tif", two_spots)]).status_code == 200


@pytest.mark.parametrize("name", ["pixel_size", "separation"])
def test_what_only_a_model_could_heed_is_refused(
    service: Service, two_spots: bytes, name: str
) -> None:
    """Files have their ROIs already, so there is no job that would ignore an option."""
    before = service.list_tree()
    answer = _evaluate(service, [("a.tif", two_spots)], [("a.tif", two_spots)], **{name: 0.5})
    assert answer.status_code == 422
    assert answer.get_json(force=True)["code"] == "invalid_options"
    assert service.list_tree() == before


def test_a_form_without_its_boundary_cannot_be_read(service: Service) -> None:
    """The header is at fault, not a missing part."""
    answer = service.client().post(
        "/api/v1/evaluations", data=b"--x", content_type="multipart/form-data"
    )
    assert answer.status_code == 400
    assert answer.get_json(force=True)["code"] == "bad_request"


@pytest.mark.parametrize("fault", ["prediction", "truth"])
def test_an_unreadable_file_is_refused_by_name(
    service: Service, two_spots: bytes, fault: str
) -> None:
    """A damaged prediction or truth is told at once, and nothing is kept."""
    before = service.list_tree()
    predicted = two_spots[:99] if fault == "prediction" else two_spots
    truth = two_spots[:99] if fault == "truth" else two_spots
    answer = _evaluate(service, [("a.tif", predicted)], [("a_truth.tif", truth)])
    assert answer.status_code == 422
    name = "a.tif" if fault == "prediction" else "a_truth.tif"
    assert name in answer.get_json(force=True)["detail"]
    assert service.list_tree() == before


def test_a_roi_and_names_without_extension_are_compared(service: Service, two_spots: bytes) -> None:
    """A truth may be a ROI, which is drawn on the size of its prediction."""
    labels = np.zeros((48, 40), np.int32)
    labels[5:15, 5:15] = 1
    roi = labels_to_rois(labels)[0]
    answer = _evaluate(
        service,
        [("a", encode_tiff((labels > 0).astype(np.uint8))), ("b", two_spots)],
        [("a", roi), ("b", two_spots)],
    )
    assert answer.status_code == 200, answer.get_json(force=True)
    job = answer.get_json()
    path = f"/api/v1/jobs/{job['id']}/results/evaluation.json"
    result = service.client().get(path).get_json()
    assert [one["f1"] for one in result["images"]] == [1.0, 1.0]
