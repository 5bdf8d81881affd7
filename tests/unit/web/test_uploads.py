"""Bad uploads: 4xx with a code and a remedy, and nothing is left on disk."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import Any

import numpy as np
import pytest
from werkzeug.test import TestResponse

from tests.unit.web.conftest import Service, encode_tiff


def _header_only(width: int, height: int) -> bytes:
    """Return a TIFF whose header promises an image and whose pixels are missing."""
    entries = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, height),
        (279, 4, 10),
    ]
    packed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + b"\0\0\0\0" + b"\0" * 10


def _bad_files(good: bytes) -> dict[str, tuple[bytes, int]]:
    return {
        "truncated": (good[: len(good) // 2], 422),
        "text": (b"this is no picture\n" * 20, 422),
        "empty": (b"", 422),
        "huge header": (_header_only(100_000, 100_000), 413),
        "no pixels": (_header_only(200, 200), 422),
        "html": (b"<!doctype html><html></html>", 422),
        "broken png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, 422),
    }


BAD = ["truncated", "text", "empty", "huge header", "no pixels", "html", "broken png"]


def _segment(service: Service, name: str, data: bytes, **options: Any) -> TestResponse:
    form: dict[str, Any] = {
        "options": (io.BytesIO(json.dumps({"model": "tiny", **options}).encode()), "options.json"),
        "image": (io.BytesIO(data), name),
    }
    return service.client().post("/api/v1/segmentations?wait=20", data=form)


def _check_refusal(answer: TestResponse, status: int) -> None:
    assert answer.status_code == status, answer.get_data(as_text=True)
    problem = answer.get_json(force=True)
    assert problem["code"] not in {"internal_error", ""}
    assert len(problem["detail"].split()) > 8


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_image_for_a_segmentation_leaves_nothing(
    service: Service, two_spots: bytes, fault: str
) -> None:
    """The request is refused, no job exists, and the home folder is as before."""
    data, status = _bad_files(two_spots)[fault]
    before = service.list_tree()
    _check_refusal(_segment(service, "a.tif", data), status)
    assert service.list_tree() == before
    assert service.client().get("/api/v1/jobs").get_json() == {"jobs": []}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_image_for_a_data_set_leaves_nothing(
    service: Service, two_spots: bytes, fault: str
) -> None:
    """The same files are refused as images and as annotations of a data set."""
    client = service.client()
    dataset = client.post("/api/v1/datasets", json={"name": "x"}).get_json()["id"]
    client.put(f"/api/v1/datasets/{dataset}/images/a.tif", data=two_spots)
    data, status = _bad_files(two_spots)[fault]
    before = service.list_tree()
    for path in ("images/b.tif", "annotations/e1/a.tif", "annotations/e2/a.zip"):
        answer = client.put(f"/api/v1/datasets/{dataset}/{path}", data=data)
        _check_refusal(answer, status)
    assert service.list_tree() == before


def test_one_bad_file_among_good_ones_refuses_all(service: Service, two_spots: bytes) -> None:
    """Half of a request is never kept."""
    before = service.list_tree()
    form: dict[str, Any] = {
        "options": '{"model": "tiny"}',
        "image": [(io.BytesIO(two_spots), "a.tif"), (io.BytesIO(two_spots[:99]), "b.tif")],
    }
    answer = service.client().post("/api/v1/segmentations", data=form)
    _check_refusal(answer, 422)
    assert "b.tif" in answer.get_json(force=True)["detail"]
    assert service.list_tree() == before


def test_a_mask_of_another_size_is_refused(service: Service, two_spots: bytes) -> None:
    """Image and annotation must have the same shape; the message tells both."""
    client = service.client()
    dataset = client.post("/api/v1/datasets", json={"name": "x"}).get_json()["id"]
    client.put(f"/api/v1/datasets/{dataset}/images/a.tif", data=two_spots)
    before = service.list_tree()
    small = encode_tiff(np.eye(20, dtype=np.uint8) * 255)
    answer = client.put(f"/api/v1/datasets/{dataset}/annotations/e1/a.tif", data=small)
    _check_refusal(answer, 422)
    problem = answer.get_json(force=True)
    assert problem["code"] == "shape_mismatch"
    assert "20" in problem["detail"]
    assert "48" in problem["detail"]
    assert service.list_tree() == before


@pytest.mark.parametrize(
    "name",
    [
        "../a.tif",
        "..\\a.tif",
        "a/b.tif",
        "C:a.tif",
        "nul.tif",
        "CON",
        "..",
        ".",
        "a\x01.tif",
        ".hidden.tif",
        "a.tif ",
        "a" * 300 + ".tif",
        "/etc/passwd",
    ],
)
def test_names_that_leave_their_folder_are_refused(
    service: Service, two_spots: bytes, name: str
) -> None:
    """Slashes, device names, control characters and the like never become a path."""
    before = service.list_tree()
    answer = _segment(service, name, two_spots)
    assert answer.status_code == 422
    assert answer.get_json(force=True)["code"] in {"invalid_name", "missing_part"}
    assert service.list_tree() == before


@pytest.mark.parametrize("name", ["%2e%2e", "..%5cx", "nul", "c%3ax", "a%00b", "%2e%2e%2fx", "a*"])
def test_names_in_addresses_are_refused(service: Service, two_spots: bytes, name: str) -> None:
    """The same holds for names in a URL, however they are encoded."""
    client = service.client()
    dataset = client.post("/api/v1/datasets", json={"name": "x"}).get_json()["id"]
    before = service.list_tree()
    for path in (f"images/{name}", f"annotations/{name}/a.tif", f"annotations/e1/{name}"):
        answer = client.put(f"/api/v1/datasets/{dataset}/{path}", data=two_spots)
        assert answer.status_code in {404, 422}, path
    for path in (f"/api/v1/models/{name}", f"/api/v1/jobs/{name}/results/labels.tif"):
        assert client.get(path).status_code in {404, 422}
    assert service.list_tree() == before


def test_two_images_of_one_name_are_refused(service: Service, two_spots: bytes) -> None:
    """Their results would overwrite each other."""
    form: dict[str, Any] = {
        "options": '{"model": "tiny"}',
        "image": [(io.BytesIO(two_spots), "a.tif"), (io.BytesIO(two_spots), "A.png")],
    }
    answer = service.client().post("/api/v1/segmentations", data=form)
    assert answer.status_code == 422
    assert answer.get_json(force=True)["code"] == "duplicate_name"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "unsupported_media_type"),
        ({"image": "x"}, "missing_part"),
        ({"options": '{"model": "tiny"}'}, "missing_part"),
        ({"options": '{"model": "tiny"}', "image": "not a file"}, "missing_part"),
        ({"options": '{"model": "none"}', "image": "x"}, "unknown_model"),
        ({"options": '{"model": "tiny", "treshold": 1}', "image": "x"}, "invalid_options"),
        ({"options": '{"model": "tiny", "threshold": 2}', "image": "x"}, "invalid_options"),
        ({"options": "{model", "image": "x"}, "bad_request"),
    ],
)
def test_requests_without_what_they_need_are_refused(
    service: Service, form: dict[str, str], code: str
) -> None:
    """A missing part, a wrong option and an unknown model each have their code."""
    kind = "multipart/form-data" if form else "text/plain"
    answer = service.client().post("/api/v1/segmentations", data=form, content_type=kind)
    assert 400 <= answer.status_code < 500
    assert answer.get_json(force=True)["code"] == code


def test_options_larger_than_the_limit_are_refused(service: Service) -> None:
    """A part of a form that is not a file may not fill the memory."""
    form = {"options": " " * 10_000 + "{}"}
    answer = service.client().post(
        "/api/v1/segmentations", data=form, content_type="multipart/form-data"
    )
    assert answer.status_code == 413
    assert answer.get_json(force=True)["code"] == "too_large"


def test_a_full_disk_refuses_uploads(service: Service, two_spots: bytes, monkeypatch: Any) -> None:
    """Before anything is written, the free space is compared with what is needed."""
    monkeypatch.setattr("deepflash_service.web.codec.free_bytes", lambda _home: 10)
    answer = _segment(service, "a.tif", two_spots)
    assert answer.status_code == 507
    assert answer.get_json(force=True)["code"] == "disk_full"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"model.json": b"{}"},
        {"model.json": b'{"name": "x"}', "../evil.txt": b"x"},
        {"model.json": b'{"name": "x"}', "code.py": b"print()"},
        {"model.json": b"\0" * 50_000_000},
    ],
)
def test_a_bad_model_package_is_refused(service: Service, members: dict[str, bytes]) -> None:
    """Foreign members, missing weights and bombs are refused, and nothing is unpacked."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    before = service.list_tree()
    answer = service.client().post(
        "/api/v1/models", data=stream.getvalue(), content_type="application/zip"
    )
    _check_refusal(answer, 422)
    assert service.list_tree() == before
