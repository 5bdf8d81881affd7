"""The model library over HTTP."""

from __future__ import annotations

from deepflash_service.records import ModelCard
from tests.unit.web.conftest import Service


def test_models_are_listed_and_shown(service: Service) -> None:
    """The list holds the newest cards; one model tells its versions and labels."""
    client = service.client()
    cards = client.get("/api/v1/models").get_json()["models"]
    assert [card["name"] for card in cards] == ["tiny"]
    facts = client.get("/api/v1/models/tiny").get_json()
    assert facts["versions"] == cards
    assert facts["labels"] == {}
    card = client.get("/api/v1/models/tiny/versions/1").get_json()
    assert ModelCard.from_json(card).version == 1
    assert client.get("/api/v1/models/tiny/versions/2").status_code == 404
    assert client.get("/api/v1/models/tiny@1").status_code in {404, 422}


def test_labels_can_be_moved_and_removed(service: Service) -> None:
    """A label points to an existing version."""
    client = service.client()
    path = "/api/v1/models/tiny/labels/recommended"
    assert client.put(path, json={"version": 1}).get_json() == {"labels": {"recommended": 1}}
    assert client.put(path, json={"version": 2}).status_code == 404
    assert client.put(path, json={"version": 0}).status_code == 422
    assert client.delete(path).get_json() == {"labels": {}}


def test_a_package_travels_to_another_name(service: Service) -> None:
    """What is exported can be imported; the same model twice is a conflict."""
    client = service.client()
    answer = client.get("/api/v1/models/tiny/package")
    assert answer.content_type == "application/zip"
    assert ".zip" in answer.headers["Content-Disposition"]
    assert answer.data == client.get("/api/v1/models/tiny/versions/1/package").data
    send = {"data": answer.data, "content_type": "application/zip"}
    assert client.post("/api/v1/models", **send).status_code == 409
    copy = client.post("/api/v1/models?name=copy", **send)
    assert copy.status_code == 201, copy.data
    assert copy.headers["Location"] == "/api/v1/models/copy/versions/1"
    assert client.get(copy.headers["Location"]).get_json()["name"] == "copy"


def test_a_model_gets_another_name(service: Service) -> None:
    """The answer describes it; the old name is gone, and a wrong one is refused."""
    client = service.client()
    client.put("/api/v1/models/tiny/labels/recommended", json={"version": 1})
    answer = client.post("/api/v1/models/tiny/rename", json={"name": "small"})
    assert answer.status_code == 200
    assert answer.get_json() == client.get("/api/v1/models/small").get_json()
    assert answer.get_json()["labels"] == {"recommended": 1}
    assert client.get("/api/v1/models/tiny").status_code == 404
    for name, status in (("small", 409), ("a/b", 422), ("", 422)):
        answer = client.post("/api/v1/models/small/rename", json={"name": name})
        assert answer.status_code == status


def test_a_deleted_model_goes_to_the_trash(service: Service) -> None:
    """It cannot be used any more, and nothing is destroyed."""
    client = service.client()
    assert client.delete("/api/v1/models/tiny/versions/1").status_code == 204
    assert client.get("/api/v1/models/tiny").status_code == 404
    assert client.delete("/api/v1/models/tiny").status_code == 404
    assert list((service.home / "models" / ".trash").iterdir())


def test_a_format_that_cannot_be_written_is_refused(service: Service) -> None:
    """Only formats that exist are offered."""
    client = service.client()
    assert client.get("/api/v1/models/tiny/package?format=onnx").status_code == 422
