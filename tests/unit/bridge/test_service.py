"""The methods of the client ask what docs/http-api.md says."""

from __future__ import annotations

import io
import json
import threading
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from deepflash_service.bridge.jobs import Job
from deepflash_service.bridge.service import Service
from deepflash_service.bridge.transport import Transport
from deepflash_service.errors import ComputeError, InputError, JobCancelled, ServiceUnreachableError
from deepflash_service.records import ModelCard, Progress

if TYPE_CHECKING:
    from tests.unit.bridge.conftest import Asked, FakeService


def make_job(state: str, **facts: Any) -> dict[str, Any]:
    """Return the JSON of a job."""
    return {"id": "j1", "kind": "segmentation", "state": state, "results": [], **facts}


def make_events(state: str, *numbers: int, after: int = 0) -> dict[str, Any]:
    """Return the JSON of an answer to events."""
    events = [
        {"seq": n, "time": "", "state": state, "message": f"e{n}", "current": n, "maximum": 9}
        for n in numbers
    ]
    return {"events": events, "next": max(numbers, default=after), "state": state}


def read_parts(asked: Asked) -> list[tuple[str, str | None, bytes]]:
    """Return name, file name and content of each part of a multipart request."""
    header = f"Content-Type: {asked.headers['Content-Type']}\r\n\r\n".encode()
    message = message_from_bytes(header + asked.body)
    parts = []
    for part in message.get_payload():
        assert not isinstance(part, str)
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        parts.append((str(name), part.get_filename(), content))
    return parts


def test_a_data_set_needs_no_files(fake: FakeService, client: Service) -> None:
    """The images are at the service already, so only the options are sent."""
    fake.answer("POST", "/segmentations?wait=5.0", make_job("done"))
    client.segment({}, "m@2", wait=5.0, dataset="d-1")
    parts = read_parts(fake.asked[-1])
    assert [part[:2] for part in parts] == [("options", None)]
    assert json.loads(parts[0][2])["dataset"] == "d-1"


def test_a_segmentation_sends_options_and_images(
    fake: FakeService, client: Service, tmp_path: Path
) -> None:
    """Bytes and files go as they are, arrays as TIFF; the answer is the job."""
    fake.answer("POST", "/segmentations?wait=5.0", make_job("done", results=["a/labels.tif"]))
    (tmp_path / "b.png").write_bytes(b"PNG bytes")
    array = np.arange(6, dtype=np.uint16).reshape(2, 3)
    images: dict[str, Any] = {"a.tif": b"TIFF bytes", "b.png": tmp_path / "b.png", "c.tif": array}
    job = client.segment(images, "m@2", wait=5.0, threshold=0.25)
    assert (job.id, job.state, job.results) == ("j1", "done", ("a/labels.tif",))
    parts = read_parts(fake.asked[-1])
    assert [part[:2] for part in parts] == [
        ("options", None),
        ("image", "a.tif"),
        ("image", "b.png"),
        ("image", "c.tif"),
    ]
    options = json.loads(parts[0][2])
    assert options == {
        "model": "m@2",
        "dataset": None,
        "threshold": 0.25,
        "min_roi_size": None,
        "channel": None,
        "planes": "all",
        "pixel_size": None,
        "separation": None,
    }
    assert [part[2] for part in parts[1:3]] == [b"TIFF bytes", b"PNG bytes"]
    assert np.array_equal(tifffile.imread(io.BytesIO(parts[3][2])), array)


def test_wrong_options_are_refused_before_anything_is_sent(
    fake: FakeService, client: Service
) -> None:
    """The sentence names the field; no request is made."""
    with pytest.raises(InputError, match="threshold"):
        client.segment({"a.tif": b"x"}, "m", threshold=2)
    with pytest.raises(InputError, match="tile"):
        client.train("d", "m", tile=3)
    with pytest.raises(
        InputError, match=r"treshold: there is no such option; there are .*threshold,"
    ):
        client.segment({"a.tif": b"x"}, "m", treshold=0.5)
    with pytest.raises(InputError, match="model: take 1 to 64 letters"):
        client.train("d", "my model")
    with pytest.raises(InputError, match="at least one image"):
        client.segment({}, "m")
    with pytest.raises(InputError, match="cannot be read"):
        client.segment({"a.tif": Path("/no/such/file.tif")}, "m")
    assert fake.asked == []


def test_a_data_set_is_filled_and_compared(fake: FakeService, client: Service) -> None:
    """Names are encoded; masks go as 8-bit TIFF; the consensus comes as a mask."""
    fake.answer("POST", "/datasets", {"id": "d1"}, status=201)
    fake.answer("PUT", "/datasets/d1/images/my%20a.tif", {"name": "my a.tif"}, status=201)
    fake.answer("PUT", "/datasets/d1/annotations/anna/my%20a.tif", {"rois": 1}, status=201)
    fake.answer("GET", "/datasets/d1/agreement?min_roi_size=3&iou=0.5", {"images": 1})
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.array([[0, 255]], np.uint8))
    fake.answer("GET", "/datasets/d1/consensus/my%20a.tif?method=majority", buffer.getvalue())
    fake.answer("GET", "/datasets/d1/pairs?verdicts=false", {"pairs": [], "warnings": []})
    assert client.create_dataset("mine") == "d1"
    client.put_image("d1", "my a.tif", b"raw")
    assert fake.asked[-1].body == b"raw"
    client.put_annotation("d1", "my a.tif", np.array([[False, True]]), expert="anna")
    sent = tifffile.imread(io.BytesIO(fake.asked[-1].body))
    assert sent.tolist() == [[0, 255]]
    assert client.agreement("d1", min_roi_size=3) == {"images": 1}
    assert client.consensus("d1", "my a.tif", method="majority").tolist() == [[False, True]]
    assert client.pairs("d1")["warnings"] == []


def test_what_reads_a_whole_data_set_is_awaited(fake: FakeService) -> None:
    """Pairs of many large images take longer than the limit of a request."""
    fake.answer("GET", "/datasets/d1/pairs?verdicts=true", {"pairs": [], "verdicts": []})
    fake.slow = "/pairs"
    timer = threading.Timer(0.5, fake.gate.set)
    timer.start()
    with Service(Transport(fake.url, "t", timeout=0.1)) as service:
        assert service.pairs("d1", verdicts=True)["verdicts"] == []
    timer.join()


def test_a_training_is_watched_until_its_end(fake: FakeService, client: Service) -> None:
    """Events come by cursor, none twice; the job comes back with its model."""
    fake.answer("POST", "/trainings", make_job("queued"), status=202)
    fake.answer("GET", "/jobs/j1/events?after=0", make_events("running", 1, 2))
    fake.answer(
        "GET", "/jobs/j1/events?after=2", make_events("running", after=2), make_events("done", 3)
    )
    fake.answer("GET", "/jobs/j1/events?after=3", make_events("done", after=3))
    fake.answer("GET", "/jobs/j1", make_job("done", model="m@1"))
    seen: list[Progress] = []
    job = client.wait(client.train("d1", "m", epochs=3), report=seen.append, poll=0.001)
    assert job.model == "m@1"
    assert [progress.message for progress in seen] == ["e1", "e2", "e3"]
    sent = json.loads(next(a.body for a in fake.asked if a.method == "POST"))
    assert (sent["dataset"], sent["model"], sent["epochs"]) == ("d1", "m", 3)


@pytest.mark.parametrize(
    ("facts", "kind", "code"),
    [
        (make_job("cancelled"), JobCancelled, "cancelled"),
        (make_job("interrupted"), ComputeError, "interrupted"),
        (make_job("failed"), ComputeError, "compute_failed"),
        (
            make_job("failed", error={"code": "invalid_image", "message": "M.", "details": {}}),
            InputError,
            "invalid_image",
        ),
    ],
)
def test_a_job_that_ends_badly_raises(
    client: Service, facts: dict[str, Any], kind: type[Exception], code: str
) -> None:
    """Waiting for a job that has ended raises what ended it."""
    with pytest.raises(kind) as caught:
        client.wait(Job.from_json(facts))
    assert getattr(caught.value, "code", None) == code


def test_a_stopped_job_is_a_result(client: Service) -> None:
    """Whoever stops a training keeps its best weights."""
    assert client.wait(Job("j1", "training", "stopped")).state == "stopped"


def test_a_short_silence_is_waited_out_and_a_long_one_raises(
    fake: FakeService, client: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job goes on without us, and the sentence says so."""
    fake.answer("GET", "/jobs/j1/events?after=0", {}, make_events("done"), status=502)
    fake.answers["GET", "/api/v1/jobs/j1/events?after=0"][1] = (200, make_events("done"))
    assert list(client.events("j1", poll=0.001)) == []
    monkeypatch.setattr("deepflash_service.bridge.job_client._SILENCE_SECONDS", 0.05)
    fake.answer("GET", "/jobs/j1/events?after=0", {}, status=502)
    with pytest.raises(ServiceUnreachableError, match="Job j1 goes on") as caught:
        client.wait("j1", poll=0.01)
    assert caught.value.code == "service_silent"
    fake.answer("GET", "/jobs/j1/events?after=0", {"code": "unauthorized"}, status=401)
    with pytest.raises(ServiceUnreachableError, match="token"):
        client.wait("j1", poll=0.01)


def test_results_stop_cancel_and_resume(fake: FakeService, client: Service) -> None:
    """A folder in the name of a result stays a folder."""
    fake.answer("GET", "/jobs/j1/results/my%20a/RoiSet.zip", b"zip")
    fake.answer("GET", "/jobs", {"jobs": [make_job("running")]})
    fake.answer("GET", "/jobs/j1", make_job("running"))
    fake.answer("POST", "/jobs/j1/stop", make_job("stopping"), status=202)
    fake.answer("DELETE", "/jobs/j1", make_job("cancelled"), status=202)
    fake.answer("POST", "/jobs/j1/resume", make_job("queued"), status=202)
    job = client.jobs()[0]
    assert client.result(job, "my a/RoiSet.zip") == b"zip"
    assert client.job("j1").state == "running"
    assert client.stop(job).state == "stopping"
    assert client.cancel(job).state == "cancelled"
    assert client.resume(job).state == "queued"
    assert not job.has_ended


def test_an_evaluation_returns_the_scores(fake: FakeService, client: Service) -> None:
    """Predictions and truths are told apart; the JSON comes back."""
    fake.answer("POST", "/evaluations?wait=20.0", make_job("done"))
    fake.answer("GET", "/jobs/j1/results/evaluation.json", {"images": [], "mean": {"f1": 1.0}})
    scores = client.evaluate({"a.tif": b"p"}, {"a.tif": b"t"}, min_roi_size=5)
    assert scores["mean"]["f1"] == 1.0
    parts = read_parts(next(a for a in fake.asked if a.method == "POST"))
    assert [(name, content) for name, _, content in parts[1:]] == [
        ("prediction", b"p"),
        ("truth", b"t"),
    ]


def test_cards_of_models_are_read(fake: FakeService, client: Service) -> None:
    """A newer service may tell more than this package knows."""
    cards = [{**ModelCard(name="m", version=n).model_dump(), "new": 1} for n in (2, 10)]
    fake.answer("GET", "/models", {"models": cards[1:]})
    fake.answer("GET", "/models/m", {"name": "m", "versions": cards, "labels": {}})
    fake.answer("GET", "/models/m/versions/2", cards[0])
    assert [card.version for card in client.models()] == [10]
    assert client.model("m").version == 10
    assert client.model("m@2").version == 2


def test_a_service_that_was_not_started_here_is_left_alone(client: Service) -> None:
    """Only what connect() started may be ended."""
    assert not client.is_started_here
    assert not client.shutdown_if_started()
