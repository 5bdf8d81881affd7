"""Jobs over HTTP: submission, waiting, events, results, ends."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
import tifffile
from flask.testing import FlaskClient

from deepflash_service.errors import ComputeError
from deepflash_service.records import ModelCard
from deepflash_service.store import runs
from deepflash_service.store.events import Event
from tests.unit.web.conftest import Service, encode_tiff


def _segment(client: FlaskClient, *files: tuple[str, bytes], wait: float = 20) -> Any:
    form: dict[str, Any] = {
        "options": '{"model": "tiny", "min_roi_size": 3}',
        "image": [(io.BytesIO(data), name) for name, data in files],
    }
    return client.post(f"/api/v1/segmentations?wait={wait}", data=form)


def test_a_segmentation_that_is_done_in_time_answers_directly(
    service: Service, two_spots: bytes
) -> None:
    """With ``wait``, a short job answers 200 with the finished job and its results."""
    client = service.client()
    answer = _segment(client, ("a.tif", two_spots))
    assert answer.status_code == 200
    job = answer.get_json()
    assert (job["state"], job["kind"], job["model"]) == ("done", "segmentation", "tiny@1")
    assert job["error"] is None
    assert answer.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    expected = {"labels.tif", "mask.tif", "probability.tif", "RoiSet.zip", "rois.geojson"}
    assert {f"a/{name}" for name in expected} <= set(job["results"])
    assert {"rois.csv", "summary.csv", "segmentation.json"} <= set(job["results"])
    told = client.get(f"/api/v1/jobs/{job['id']}/results/segmentation.json").get_json()
    assert told["warnings"] == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("labels.tif", "image/tiff"),
        ("a/mask.tif", "image/tiff"),
        ("probability.tif", "image/tiff"),
        ("RoiSet.zip", "application/zip"),
        ("rois.geojson", "application/geo+json"),
        ("overlay.png", "image/png"),
        ("rois.csv", "text/csv; charset=utf-8"),
        ("segmentation.json", "application/json"),
    ],
)
def test_results_have_their_types(service: Service, two_spots: bytes, name: str, kind: str) -> None:
    """Each result is sent raw, with its content type; one image needs no folder name."""
    client = service.client()
    job = _segment(client, ("a.tif", two_spots)).get_json()
    answer = client.get(f"/api/v1/jobs/{job['id']}/results/{name}")
    assert answer.status_code == 200
    assert answer.content_type == kind
    assert answer.data


def test_results_hold_the_two_spots(service: Service, two_spots: bytes) -> None:
    """The label image and the ROI set tell the same two ROIs."""
    client = service.client()
    job = _segment(client, ("a.tif", two_spots)).get_json()
    path = f"/api/v1/jobs/{job['id']}/results"
    labels = tifffile.imread(io.BytesIO(client.get(f"{path}/labels.tif").data))
    assert labels.shape == (48, 40)
    assert np.unique(labels).tolist() == [0, 1, 2]
    with zipfile.ZipFile(io.BytesIO(client.get(f"{path}/RoiSet.zip").data)) as archive:
        assert len(archive.namelist()) == 2


def test_several_images_have_folders(service: Service, two_spots: bytes) -> None:
    """With more images the folder is needed, and a bad one does not stop the others."""
    client = service.client()
    rgb = encode_tiff(np.arange(1200, dtype=np.uint8).reshape(20, 20, 3))
    job = _segment(client, ("a.tif", two_spots), ("b.tif", rgb), ("c.tif", two_spots)).get_json()
    assert job["state"] == "done"
    assert "RGB" in job["message"]
    path = f"/api/v1/jobs/{job['id']}/results"
    assert client.get(f"{path}/c/labels.tif").status_code == 200
    assert client.get(f"{path}/labels.tif").status_code == 404


def test_a_segmentation_of_bad_images_only_fails_with_their_sentence(service: Service) -> None:
    """If nothing could be segmented the job has failed, and says why."""
    rgb = encode_tiff(np.arange(1200, dtype=np.uint8).reshape(20, 20, 3))
    job = _segment(service.client(), ("a.tif", rgb)).get_json()
    assert job["state"] == "failed"
    assert job["error"]["code"] == "rgb_image"
    assert "Split Channels" in job["error"]["message"]


def test_results_outside_the_job_are_not_found(service: Service, two_spots: bytes) -> None:
    """No spelling of a result leaves the results folder."""
    client = service.client()
    job = _segment(client, ("a.tif", two_spots)).get_json()
    for name in ("../job.json", "..%2fjob.json", "a/../../job.json", "%2fetc%2fpasswd", "none"):
        answer = client.get(f"/api/v1/jobs/{job['id']}/results/{name}")
        assert answer.status_code == 404, name


def test_events_continue_after_the_cursor(service: Service, two_spots: bytes) -> None:
    """The events from the beginning tell the whole story; after the last there is nothing."""
    client = service.client()
    job = _segment(client, ("a.tif", two_spots)).get_json()
    path = f"/api/v1/jobs/{job['id']}/events"
    page = client.get(path).get_json()
    assert [event["seq"] for event in page["events"]] == list(range(1, page["next"] + 1))
    assert page["events"][0]["state"] == "queued"
    assert page["events"][-1]["state"] == page["state"] == "done"
    rest = client.get(f"{path}?after={page['next']}").get_json()
    assert rest == {"events": [], "next": page["next"], "state": "done"}
    assert len(client.get(f"{path}?after=1").get_json()["events"]) == page["next"] - 1


def test_the_log_tells_events_and_what_the_worker_printed(
    service: Service, two_spots: bytes
) -> None:
    """Text for people, whatever bytes are in it; of a very long one the end."""
    client = service.client()
    job = _segment(client, ("a.tif", two_spots)).get_json()
    run = runs.open_run(service.home, job["id"])
    runs.append_log(run, b"a library says \xff\n")
    answer = client.get(f"/api/v1/jobs/{job['id']}/log")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert "running: Loading the model." in answer.text
    assert answer.text.endswith("a library says \ufffd\n")
    runs.append_log(run, b"x" * 1_000_000)
    assert client.get(f"/api/v1/jobs/{job['id']}/log").text == "x" * 1_000_000
    assert client.get("/api/v1/jobs/none/log").status_code == 404


def test_jobs_are_listed_newest_first(service: Service, two_spots: bytes) -> None:
    """The list tells what single jobs tell."""
    client = service.client()
    ids = [_segment(client, ("a.tif", two_spots)).get_json()["id"] for _ in range(3)]
    jobs = client.get("/api/v1/jobs").get_json()["jobs"]
    assert [job["id"] for job in jobs] == ids[::-1]
    shown = client.get(f"/api/v1/jobs/{ids[-1]}").get_json()
    assert "a/labels.tif" in shown["results"]
    assert jobs[0] == shown
    assert len(client.get("/api/v1/jobs?limit=2").get_json()["jobs"]) == 2


def test_one_worker_serves_all_short_jobs(service: Service, two_spots: bytes) -> None:
    """The warm worker is kept between jobs."""
    client = service.client()
    for _ in range(3):
        assert _segment(client, ("a.tif", two_spots)).get_json()["state"] == "done"
    assert len(service.workers) == 1


def test_an_ended_job_cannot_be_ended_again(service: Service, two_spots: bytes) -> None:
    """Stop and cancel of a finished job are conflicts; so is resuming a segmentation."""
    client = service.client()
    path = f"/api/v1/jobs/{_segment(client, ('a.tif', two_spots)).get_json()['id']}"
    for method, verb, code in (
        ("POST", "/stop", "job_finished"),
        ("DELETE", "", "job_finished"),
        ("POST", "/resume", "not_resumable"),
    ):
        answer = client.open(path + verb, method=method)
        assert answer.status_code == 409
        assert answer.get_json(force=True)["code"] == code


def test_an_evaluation_compares_predictions_with_the_truth(
    service: Service, two_spots: bytes
) -> None:
    """Two equal masks agree perfectly."""
    client = service.client()
    form: dict[str, Any] = {
        "options": json.dumps({"iou": 0.5}),
        "prediction": (io.BytesIO(two_spots), "a_labels.tif"),
        "truth": (io.BytesIO(two_spots), "a.tif"),
    }
    job = client.post("/api/v1/evaluations?wait=20", data=form).get_json()
    assert job["state"] == "done", job
    result = client.get(f"/api/v1/jobs/{job['id']}/results/evaluation.json").get_json()
    assert result["images"][0]["f1"] == 1.0


def test_a_fault_of_the_computation_becomes_the_end_of_the_job(
    service: Service, two_spots: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the product keeps its code and sentence."""

    def fail(*_: object, **__: object) -> None:
        raise ComputeError("No memory is left. Use smaller images.", code="out_of_memory")

    monkeypatch.setattr("deepflash_service.workflows.segment.run_segmentation", fail)
    job = _segment(service.client(), ("a.tif", two_spots)).get_json()
    assert job["state"] == "failed"
    assert job["error"]["code"] == "out_of_memory"


def test_a_training_is_checked_before_it_is_accepted(service: Service) -> None:
    """Unknown data set, unknown base and a bad name are refused at once."""
    client = service.client()
    for options, code in (
        ({"dataset": "none", "model": "m"}, "unknown_dataset"),
        ({"dataset": "none", "model": "../m"}, "invalid_options"),
        ({"dataset": "none", "model": "nul"}, "invalid_name"),
        ({"model": "m"}, "invalid_options"),
    ):
        answer = client.post("/api/v1/trainings", json=options)
        assert answer.get_json(force=True)["code"] == code
    assert client.get("/api/v1/jobs").get_json() == {"jobs": []}


def test_a_training_can_be_stopped_failed_and_resumed(
    service: Service, two_spots: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop ends a running training, a failure keeps the folder, resume queues it again."""
    starts: list[str] = []

    def train(_home: object, run: runs.Run, *, hooks: Any, **_settings: object) -> Any:
        starts.append(run.id)
        if len(starts) == 1:
            raise ComputeError("The loss became NaN. Lower the rate.", code="training_diverged")
        runs.append_event(run, Event("running", "epoch 1 of 2", 1, 2, {"loss": 0.5}))
        while not hooks.is_stopping():
            hooks.check()
        return ModelCard(name="m")

    monkeypatch.setattr("deepflash_service.workflows.train.run_training", train)
    client = service.client()
    dataset = client.post("/api/v1/datasets", json={"name": "x"}).get_json()["id"]
    options = {"dataset": dataset, "model": "m"}
    refused = client.post("/api/v1/trainings", json=options)
    assert refused.status_code == 422
    assert refused.get_json(force=True)["code"] == "pairing_failed"
    for part in ("images", "annotations/anna"):
        client.put(f"/api/v1/datasets/{dataset}/{part}/a.tif", data=two_spots)
    job = client.post("/api/v1/trainings?wait=20", json=options).get_json()
    assert (job["state"], job["error"]["code"]) == ("failed", "training_diverged")
    path = f"/api/v1/jobs/{job['id']}"
    assert client.post(f"{path}/resume").status_code == 202
    while client.get(path).get_json()["message"] != "epoch 1 of 2":
        pass
    assert client.post(f"{path}/stop").get_json()["state"] in {"stopping", "stopped"}
    done = service.supervisor.wait(job["id"], 20)
    assert (done["state"], done["model"]) == ("stopped", "m@1")
    assert starts == [job["id"]] * 2
