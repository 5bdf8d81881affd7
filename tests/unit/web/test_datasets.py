"""Data sets over HTTP."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
import tifffile
from flask.testing import FlaskClient

from tests.unit.web.conftest import Service, encode_tiff


@pytest.fixture
def filled(service: Service, two_spots: bytes) -> tuple[FlaskClient, str]:
    """Return a client and the path of a data set with one image and two experts."""
    client = service.client()
    answer = client.post("/api/v1/datasets", json={"name": "c-Fos, plate 3"})
    assert answer.status_code == 201
    path = answer.headers["Location"]
    assert client.put(f"{path}/images/a b.tif", data=two_spots).status_code == 201
    second = tifffile.imread(io.BytesIO(two_spots)) > 1500
    masks = {"anna": two_spots, "bert": encode_tiff(second.astype(np.uint8) * 255)}
    for expert, data in masks.items():
        answer = client.put(f"{path}/annotations/{expert}/a b_mask.tif", data=data)
        assert answer.status_code == 201
    return client, path


def test_uploads_are_acknowledged(service: Service, two_spots: bytes) -> None:
    """An image tells shape and SHA-256, an annotation its number of ROIs."""
    client = service.client()
    path = client.post("/api/v1/datasets", json={"name": "x"}).headers["Location"]
    image = client.put(f"{path}/images/a.tif", data=two_spots).get_json()
    digest = hashlib.sha256(two_spots).hexdigest()
    assert image == {"name": "a.tif", "shape": [48, 40], "sha256": digest}
    annotation = client.put(f"{path}/annotations/anna/a.tif", data=two_spots).get_json()
    assert annotation == {"name": "a.tif", "rois": 2}


def test_a_data_set_tells_what_it_holds(filled: tuple[FlaskClient, str]) -> None:
    """Images, experts and pairs are listed; files come back as they were sent."""
    client, path = filled
    facts = client.get(path).get_json()
    assert facts["images"] == ["a b.tif"]
    assert facts["experts"] == ["anna", "bert"]
    assert facts["pairs"] == [{"image": "a b.tif", "experts": ["anna", "bert"]}]
    assert client.get(f"{path}/pairs").get_json()["pairs"] == facts["pairs"]
    listed = client.get("/api/v1/datasets").get_json()["datasets"]
    assert [one["name"] for one in listed] == ["c-Fos, plate 3"]
    answer = client.get(f"{path}/images/a%20b.tif")
    assert answer.content_type == "image/tiff"
    assert tifffile.imread(io.BytesIO(answer.data)).shape == (48, 40)
    assert client.get(f"{path}/annotations/anna/a%20b_mask.tif").status_code == 200


def test_agreement_and_consensus_are_computed(filled: tuple[FlaskClient, str]) -> None:
    """Two experts of whom one marked one of two ROIs; their union has both."""
    client, path = filled
    result = client.get(f"{path}/agreement?min_roi_size=1").get_json()
    assert result["experts"] == ["anna", "bert"]
    assert result["pairs"]["roi_jaccard"] == pytest.approx(0.5)
    answer = client.get(f"{path}/consensus/a b.tif?method=union")
    assert answer.content_type == "image/tiff"
    mask = tifffile.imread(io.BytesIO(answer.data))
    assert mask.dtype == np.uint8
    assert sorted(np.unique(mask).tolist()) == [0, 255]
    assert int((mask > 0).sum()) == 200


def test_wrong_queries_are_refused(filled: tuple[FlaskClient, str]) -> None:
    """An unknown method, an IoU above one and an unknown image are named."""
    client, path = filled
    assert client.get(f"{path}/consensus/a b.tif?method=vote").status_code == 422
    assert client.get(f"{path}/agreement?iou=2").status_code == 422
    assert client.get(f"{path}/consensus/none.tif").status_code == 404


def test_what_is_deleted_is_gone(filled: tuple[FlaskClient, str]) -> None:
    """Annotation, image and data set can be deleted once."""
    client, path = filled
    for one in (f"{path}/annotations/bert/a b_mask.tif", f"{path}/images/a b.tif", path):
        assert client.delete(one).status_code == 204
        assert client.delete(one).status_code == 404
    assert client.get("/api/v1/datasets").get_json() == {"datasets": []}


def test_the_check_of_pairs_names_every_fault(service: Service, two_spots: bytes) -> None:
    """A mask of another size and a stack are warnings by name; the good pairs are still told."""
    client = service.client()
    path = client.post("/api/v1/datasets", json={"name": "x"}).headers["Location"]
    small = encode_tiff(np.eye(20, dtype=np.uint8) * 255)
    for mask, data in (("anna/a_m.tif", two_spots), ("bert/a.tif", small), ("anna/b.tif", small)):
        assert client.put(f"{path}/annotations/{mask}", data=data).status_code == 201
    client.put(f"{path}/annotations/anna/c.tif", data=two_spots)
    client.put(f"{path}/images/a.tif", data=two_spots)
    client.put(f"{path}/images/b.tif", data=two_spots[:-1] + b"\0")
    client.put(f"{path}/images/c.tif", data=encode_tiff(np.zeros((5, 48, 40), np.uint8)))
    answer = client.get(f"{path}/pairs")
    assert answer.status_code == 200, answer.get_json(force=True)
    found = answer.get_json()
    assert found["pairs"] == [{"image": "a.tif", "experts": ["anna"]}]
    text = "\n".join(found["warnings"])
    for word in ("bert: a.tif has 20 x 20", "anna: b.tif has 20 x 20", "c.tif is a stack of 5"):
        assert word in text


def test_names_that_are_no_utf8_are_refused(service: Service, two_spots: bytes) -> None:
    """Decoded by force, two names would be one, and the second would replace the first."""
    client = service.client()
    path = client.post("/api/v1/datasets", json={"name": "x"}).headers["Location"]
    answer = client.put(f"{path}/images/%E4.tif", data=two_spots)
    assert answer.status_code == 422
    assert answer.get_json(force=True)["code"] == "invalid_name"
    assert client.put(f"{path}/images/%C3%A4.tif", data=two_spots).status_code == 201


@pytest.mark.parametrize("name", ["noext", "scan.lsm", "plate 3.1", "a.roi"])
def test_what_was_stored_is_listed_whatever_its_name(
    service: Service, two_spots: bytes, name: str
) -> None:
    """The content decides the format, so a stored file is listed and paired by its name."""
    client = service.client()
    path = client.post("/api/v1/datasets", json={"name": "x"}).headers["Location"]
    assert client.put(f"{path}/images/{name}", data=two_spots).status_code == 201
    small = encode_tiff(np.eye(20, dtype=np.uint8) * 255)
    refused = client.put(f"{path}/annotations/anna/{name}", data=small)
    assert refused.get_json(force=True)["code"] == "shape_mismatch"
    assert client.put(f"{path}/annotations/anna/{name}", data=two_spots).status_code == 201
    facts = client.get(path).get_json()
    assert facts["images"] == [name]
    assert facts["pairs"] == [{"image": name, "experts": ["anna"]}]
    assert client.get(f"{path}/pairs").get_json()["warnings"] == []
