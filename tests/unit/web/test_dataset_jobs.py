"""Segmentations and evaluations of a data set in place of uploaded files."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
import tifffile
from flask.testing import FlaskClient

from tests.unit.web.conftest import Service, encode_tiff


@pytest.fixture
def filled(service: Service, two_spots: bytes) -> tuple[FlaskClient, str]:
    """Return a client and the id of a data set: two images, one annotated by two experts."""
    client = service.client()
    path = client.post("/api/v1/datasets", json={"name": "x"}).headers["Location"]
    for name in ("a.tif", "b"):
        assert client.put(f"{path}/images/{name}", data=two_spots).status_code == 201
    image = tifffile.imread(io.BytesIO(two_spots))
    for expert, level in (("anna", 100), ("bert", 1500)):
        mask = encode_tiff((image > level).astype(np.uint8) * 255)
        assert client.put(f"{path}/annotations/{expert}/a.tif", data=mask).status_code == 201
    return client, path.rpartition("/")[2]


def _post(client: FlaskClient, kind: str, *, as_form: bool = False, **options: Any) -> Any:
    path = f"/api/v1/{kind}?wait=20"
    if as_form:
        return client.post(
            path, data={"options": json.dumps(options)}, content_type="multipart/form-data"
        )
    return client.post(path, json=options)


@pytest.mark.parametrize("as_form", [True, False])
def test_all_images_of_a_data_set_are_segmented(
    filled: tuple[FlaskClient, str], *, as_form: bool
) -> None:
    """Nothing is uploaded again; the results are those of uploads."""
    client, dataset = filled
    answer = _post(client, "segmentations", as_form=as_form, model="tiny", dataset=dataset)
    assert answer.status_code == 200, answer.get_json(force=True)
    job = answer.get_json()
    assert (job["state"], job["model"], job["message"]) == (
        "done", "tiny@1", "4 ROIs in 2 of 2 images."
    )  # fmt: skip
    assert {"a/labels.tif", "b/labels.tif", "rois.csv"} <= set(job["results"])


def test_a_model_is_evaluated_against_the_consensus_of_a_data_set(
    filled: tuple[FlaskClient, str],
) -> None:
    """The union of both experts has both spots, and so has the model."""
    client, dataset = filled
    chosen: dict[str, Any] = {
        "model": "tiny",
        "dataset": dataset,
        "pixel_size": 0.5,
        "separation": 0.0,
    }
    answer = _post(client, "evaluations", **chosen)
    assert answer.status_code == 200, answer.get_json(force=True)
    job = answer.get_json()
    assert (job["state"], job["model"]) == ("done", "tiny@1"), job
    result = client.get(f"/api/v1/jobs/{job['id']}/results/evaluation.json").get_json()
    assert [one["image"] for one in result["images"]] == ["a"]
    assert result["pooled"]["predicted"] == 2
    assert set(result) == {"images", "mean", "pooled", "warnings"}
    assert any("No mask belongs to b" in text for text in result["warnings"])


@pytest.mark.parametrize(
    ("kind", "options", "status", "code", "remedy"),
    [
        ("segmentations", {"model": "tiny"}, 422, "missing_part", "options.dataset"),
        ("evaluations", {}, 422, "missing_part", "options.dataset"),
        ("segmentations", {"model": "tiny", "dataset": "d-0"}, 404, "unknown_dataset", "create"),
        ("evaluations", {"model": "tiny", "dataset": "d-0"}, 404, "unknown_dataset", "create"),
        ("evaluations", {"model": "tiny"}, 422, "invalid_options", "data set"),
        ("evaluations", {"dataset": "ID"}, 422, "invalid_options", "model"),
        ("evaluations", {"model": "none", "dataset": "ID"}, 404, "unknown_model", "model"),
    ],
)
def test_what_is_missing_is_told_with_its_remedy(
    filled: tuple[FlaskClient, str],
    *,
    kind: str,
    options: dict[str, str],
    status: int,
    code: str,
    remedy: str,
) -> None:
    """Neither files nor a data set, an unknown one, or half of what an evaluation needs."""
    client, dataset = filled
    wanted: dict[str, Any] = {
        key: dataset if value == "ID" else value for key, value in options.items()
    }
    for as_form in (True, False):
        answer = _post(client, kind, as_form=as_form, **wanted)
        assert answer.status_code == status, answer.get_json(force=True)
        assert answer.get_json(force=True)["code"] == code
        assert remedy in answer.get_json(force=True)["detail"]
    assert client.get("/api/v1/jobs").get_json() == {"jobs": []}


def test_files_and_a_data_set_exclude_each_other(
    filled: tuple[FlaskClient, str], two_spots: bytes
) -> None:
    """Nobody has to guess which of the two was used."""
    client, dataset = filled
    options = json.dumps({"model": "tiny", "dataset": dataset})
    form = {"options": options, "image": (io.BytesIO(two_spots), "z.tif")}
    answer = client.post("/api/v1/segmentations", data=form)
    assert answer.status_code == 422
    assert "not both" in answer.get_json(force=True)["detail"]


def test_empty_and_faulty_data_sets_are_refused_at_once(service: Service, two_spots: bytes) -> None:
    """No job is made of a data set without images, without pairs, or with a wrong size."""
    client = service.client()
    path = client.post("/api/v1/datasets", json={"name": "x"}).headers["Location"]
    dataset = path.rpartition("/")[2]
    small = encode_tiff(np.eye(20, dtype=np.uint8) * 255)
    codes = []
    for step in ("", "annotations/anna/a.tif", "images/a.tif"):
        if step:
            data = small if "anna" in step else two_spots
            assert client.put(f"{path}/{step}", data=data).status_code == 201
        for kind in ("segmentations", "evaluations"):
            answer = _post(client, kind, model="tiny", dataset=dataset)
            codes.append(answer.get_json(force=True).get("code", answer.status_code))
    assert codes == [
        "empty_dataset", "pairing_failed", "empty_dataset", "pairing_failed", 200, "shape_mismatch",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["rois.csv", "summary.csv.tif", "Segmentation.json", "a"])
def test_no_image_name_meets_the_results_of_the_job(
    service: Service, two_spots: bytes, name: str
) -> None:
    """An image called like a table of the job gets a folder of another name."""
    form = {"options": '{"model": "tiny"}', "image": (io.BytesIO(two_spots), name)}
    answer = service.client().post("/api/v1/segmentations?wait=20", data=form)
    job = answer.get_json(force=True)
    assert (answer.status_code, job["state"]) == (200, "done"), job
    folders = {one.partition("/")[0] for one in job["results"] if "/" in one}
    tables = {"rois.csv", "summary.csv", "segmentation.json"}
    assert tables <= set(job["results"])
    assert len(folders) == 1
    assert not {one.lower() for one in folders} & tables
