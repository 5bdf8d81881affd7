"""The client's methods for data sets, models and lists of jobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepflash_service.records import ModelCard

if TYPE_CHECKING:
    from deepflash_service.bridge import Service
    from tests.unit.bridge.conftest import FakeService


def make_card(version: int, name: str = "m") -> dict[str, Any]:
    """Return the JSON of a model card."""
    card: dict[str, Any] = json.loads(ModelCard(name=name, version=version).to_json())
    return card


def test_data_sets_are_listed_read_and_cleared(fake: FakeService, client: Service) -> None:
    """Every route of a data set has its method; files come back as they were sent."""
    fake.answer("GET", "/datasets", {"datasets": [{"id": "d1", "name": "c-Fos"}]})
    fake.answer("GET", "/datasets/d1", {"id": "d1", "images": ["a.tif"]})
    fake.answer("GET", "/datasets/d1/images/a%20b.tif", b"picture")
    fake.answer("GET", "/datasets/d1/annotations/anna/a.zip", b"rois")
    for path in ("", "/images/a.tif", "/annotations/anna/a.zip"):
        fake.answer("DELETE", f"/datasets/d1{path}", b"", status=204)
    assert client.datasets() == [{"id": "d1", "name": "c-Fos"}]
    assert client.dataset("d1")["images"] == ["a.tif"]
    assert client.image("d1", "a b.tif") == b"picture"
    assert client.annotation("d1", "a.zip", expert="anna") == b"rois"
    client.remove_image("d1", "a.tif")
    client.remove_annotation("d1", "a.zip", expert="anna")
    client.remove_dataset("d1")
    assert [asked.path.removeprefix("/api/v1") for asked in fake.asked[-3:]] == [
        "/datasets/d1/images/a.tif",
        "/datasets/d1/annotations/anna/a.zip",
        "/datasets/d1",
    ]
    assert {asked.method for asked in fake.asked[-3:]} == {"DELETE"}


def test_models_are_packed_labelled_and_removed(
    fake: FakeService, client: Service, tmp_path: Path
) -> None:
    """A name alone is the newest version, a name with a version exactly that."""
    cards = {"versions": [make_card(2), make_card(1)], "labels": {"best": 1}}
    fake.answer("GET", "/models/m", cards)
    fake.answer("GET", "/models/m/package", b"newest")
    fake.answer("GET", "/models/m/versions/1/package", b"first")
    fake.answer("POST", "/models", make_card(3), status=201)
    fake.answer("PUT", "/models/m/labels/best", {"labels": {"best": 2}})
    fake.answer("DELETE", "/models/m/labels/best", {"labels": {}})
    for path in ("/models/m", "/models/m/versions/1"):
        fake.answer("DELETE", path, b"", status=204)
    assert [card.version for card in client.model_versions("m")] == [2, 1]
    assert client.model_labels("m") == {"best": 1}
    assert (client.export_model("m"), client.export_model("m@1")) == (b"newest", b"first")
    (tmp_path / "m.zip").write_bytes(b"package")
    assert client.import_model(tmp_path / "m.zip").version == 3
    assert fake.asked[-1].body == b"package"
    assert fake.asked[-1].headers["Content-Type"] == "application/zip"
    for name, version in (("m", 2), ("m@1", 1)):
        assert client.label_model(name, "best") == {"best": 2}
        assert json.loads(fake.asked[-1].body) == {"version": version}
    assert client.remove_label("m", "best") == {}
    fake.answer("POST", "/models/m/rename", {**cards, "name": "n"})
    assert [card.version for card in client.rename_model("m", "n")] == [2, 1]
    assert json.loads(fake.asked[-1].body) == {"name": "n"}
    client.remove_model("m@1")
    client.remove_model("m")
    assert [asked.path for asked in fake.asked[-2:]] == [
        "/api/v1/models/m/versions/1",
        "/api/v1/models/m",
    ]


def test_a_model_is_the_version_that_a_segmentation_would_use(
    fake: FakeService, client: Service
) -> None:
    """The recommended one, else the newest; a label is put on the newest, whatever it was."""
    versions = [make_card(number) for number in (1, 2, 3)]
    given = [{"recommended": 2}, {"best": 1}, {"recommended": 2}]
    answers = [{"versions": versions, "labels": labels} for labels in given]
    fake.answer("GET", "/models/m", *answers)
    assert client.model("m").version == 2
    assert client.model("m").version == 3
    fake.answer("PUT", "/models/m/labels/recommended", {"labels": {"recommended": 3}})
    assert client.label_model("m", "recommended") == {"recommended": 3}
    assert json.loads(fake.asked[-1].body) == {"version": 3}


def test_jobs_are_listed_by_kind(fake: FakeService, client: Service) -> None:
    """All of them, or only the trainings."""
    kinds = ("segmentation", "training")
    fake.answer(
        "GET", "/jobs", {"jobs": [{"id": kind, "kind": kind, "state": "done"} for kind in kinds]}
    )
    assert len(client.jobs()) == 2
    assert [job.kind for job in client.jobs("training")] == ["training"]
