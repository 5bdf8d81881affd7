"""Annotations given as GeoJSON files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from deepflash_service.core.geojson import labels_to_geojson
from deepflash_service.errors import InputError
from deepflash_service.store import geojson_files
from deepflash_service.store.datasets import create_dataset, put_annotation, put_image
from deepflash_service.store.images import list_images, read_annotation, read_image
from deepflash_service.workflows.expert_folders import read_folders
from deepflash_service.workflows.pair_report import check_pairs
from tests.unit.store.image_samples import make_tiff

if TYPE_CHECKING:
    from pathlib import Path

LABELS = np.zeros((20, 30), np.int32)
LABELS[2:9, 2:9] = 4
LABELS[4:6, 4:6] = 0
LABELS[9:12, 2:9] = 9
TEXT = json.dumps(labels_to_geojson(LABELS)).encode()
POINT = b'{"type": "Feature", "geometry": {"type": "Point", "coordinates": [3, 4]}}'


@pytest.mark.parametrize("data", [TEXT, b"\xef\xbb\xbf" + TEXT, b"\n  " + TEXT])
def test_geojson_is_an_annotation(data: bytes) -> None:
    """The bytes tell the format; labels, holes and touching borders are kept."""
    np.testing.assert_array_equal(read_annotation(data, shape=(20, 30)), LABELS)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (TEXT[:-9], "m.geojson is damaged or incomplete"),
        (b"[" * 100_000, "m.geojson is damaged or incomplete"),
        (b'{"type": "\xff"}', "m.geojson is damaged or incomplete"),
        (b'{"version": 2}', "m.geojson: This JSON file is no GeoJSON"),
        (POINT, "m.geojson: ROI 1 of the GeoJSON file is a Point and encloses no area"),
    ],
)
def test_refusals_name_file_cause_and_remedy(data: bytes, words: str) -> None:
    """Each has the code of annotations and says what to do."""
    with pytest.raises(InputError) as caught:
        read_annotation(data, shape=(20, 30), name="m.geojson")
    assert caught.value.code == "invalid_annotation"
    assert caught.value.message.startswith(words)
    assert caught.value.message.count("m.geojson") == 1


def test_the_size_of_the_image_is_needed_and_large_files_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GeoJSON does not tell the size of its image, and as objects it takes much memory."""
    with pytest.raises(InputError, match="does not tell the size of its image"):
        read_annotation(TEXT)
    monkeypatch.setattr(geojson_files, "_MOST_BYTES", 100)
    with pytest.raises(InputError, match="more than the 100 that are accepted"):
        read_annotation(TEXT, shape=(20, 30))


def test_geojson_is_no_image() -> None:
    """Given as an image it is refused as what it is."""
    with pytest.raises(InputError, match="is a file of ROIs, not an image"):
        read_image(TEXT, name="a.geojson")


def test_folders_of_experts_may_hold_geojson(tmp_path: Path) -> None:
    """A file pairs by its name, beside a mask of the same name it is the same annotation."""
    for expert in ("anna", "ben"):
        (tmp_path / expert).mkdir()
    (tmp_path / "anna" / "0001.GeoJSON").write_bytes(TEXT)
    (tmp_path / "ben" / "0001.tif").write_bytes(make_tiff(LABELS.astype(np.uint16)))
    (tmp_path / "ben" / "0001.geojson").write_bytes(TEXT)
    found = list_images(tmp_path / "ben", with_rois=True)
    assert [path.name for path in found] == ["0001.tif"]
    images, warnings = read_folders({name: tmp_path / name for name in ("anna", "ben")})
    assert warnings == []
    (one,) = images
    assert one.name == "0001"
    for expert in ("anna", "ben"):
        np.testing.assert_array_equal(one.labels[expert], LABELS)


def test_a_data_set_takes_geojson(tmp_path: Path) -> None:
    """An upload is counted, stored and paired with its image."""
    dataset = create_dataset(tmp_path, "x")
    put_image(tmp_path, dataset, name="0001.tif", data=make_tiff(LABELS.astype(np.uint8)))
    stored = put_annotation(tmp_path, dataset, expert="anna", name="0001.ome.geojson", data=TEXT)
    assert stored.rois == 2
    assert check_pairs(tmp_path, dataset)["pairs"][0]["experts"] == ["anna"]
