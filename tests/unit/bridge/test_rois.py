"""ROI sets in Python: the same ROIs come back, whatever else is refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import roifile

from deepflash_service.bridge.rois import (
    labels_to_rois,
    pack_rois,
    read_roi_name,
    read_roi_zip,
    rois_to_labels,
    unpack_rois,
    write_roi_zip,
)
from deepflash_service.errors import InputError


def make_rois() -> list[bytes]:
    """Return three ROIs, one of them with a hole."""
    labels = np.zeros((20, 20), np.int32)
    labels[1:8, 1:8] = 1
    labels[3:5, 3:5] = 0
    labels[10, 10] = 2
    labels[12:20, 15:20] = 3
    return labels_to_rois(labels, names=["b", "a/c", "ä"])


def test_a_set_comes_back_in_its_order(tmp_path: Path) -> None:
    """Order, bytes and names survive; the file is written whole."""
    rois = make_rois()
    path = tmp_path / "set.zip"
    path.write_bytes(b"old")
    write_roi_zip(path, rois)
    assert read_roi_zip(path) == rois
    assert [entry.name for entry in tmp_path.iterdir()] == ["set.zip"]
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["b.roi", "a_c.roi", "ä.roi"]
    assert pack_rois(rois) == path.read_bytes()
    (tmp_path / "one.roi").write_bytes(rois[0])
    assert read_roi_zip(tmp_path / "one.roi") == rois[:1]
    assert rois_to_labels(unpack_rois(pack_rois(rois)), (20, 20)).max() == 3


def test_names_are_those_that_other_readers_see() -> None:
    """The name is found where the format keeps it."""
    for roi in make_rois():
        assert read_roi_name(roi) == roifile.ImagejRoi.frombytes(roi).name
    assert read_roi_name(b"Iout") == ""
    assert read_roi_name(b"Iout" + bytes(100)) == ""


def test_repeated_names_get_a_number() -> None:
    """ImageJ would bring them back in another order."""
    roi = make_rois()[0]
    with zipfile.ZipFile(io.BytesIO(pack_rois([roi, roi, roi]))) as archive:
        assert archive.namelist() == ["b.roi", "b-2.roi", "b-3.roi"]


def test_an_empty_set_is_a_set() -> None:
    """An image without ROIs has a set all the same."""
    assert unpack_rois(pack_rois([])) == []


def make_zip(name: str, data: bytes) -> bytes:
    """Return a zip file with one entry."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize("data", [b"", b"text", b"PK\x03\x04 cut", make_zip("a.roi", b"text")])
def test_what_is_no_set_is_refused(data: bytes, tmp_path: Path) -> None:
    """The sentence says how to make a good one; with a file it names it."""
    with pytest.raises(InputError, match="ROI Manager"):
        unpack_rois(data)
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(InputError, match=r"bad\.zip"):
        read_roi_zip(tmp_path / "bad.zip")


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(InputError, match="cannot be read"):
        read_roi_zip(tmp_path / "missing.zip")


def test_other_files_in_a_set_are_left_out() -> None:
    """The folder files of macOS and others are no ROIs."""
    assert unpack_rois(make_zip("__MACOSX/._a", b"junk")) == []
