"""Writing results: what Fiji opens, and what comes back."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from deepflash_service.core.rois import labels_to_rois
from deepflash_service.records import Calibration
from deepflash_service.store.images import (
    PlaneLayout,
    encode_mask,
    encode_png,
    encode_tiff,
    read_annotation,
    read_image,
    write_image,
    write_labels,
    write_mask,
    write_overlay_tiff,
    write_probability,
    write_roi_zip,
)

SIZE = Calibration(pixel_width=0.25, pixel_height=0.5, unit="µm")
LABELS = np.zeros((20, 30), np.int32)
LABELS[2:6, 2:6] = 1
LABELS[6:9, 2:6] = 2


def test_calibration_travels(tmp_path: Path) -> None:
    """Pixel size and unit come back from every kind of file."""
    path = tmp_path / "a.tif"
    for write in (write_labels, write_mask, write_probability, write_image):
        write(path, LABELS, calibration=SIZE)
        assert read_image(path).calibration == SIZE


def test_types_are_what_imagej_expects(tmp_path: Path) -> None:
    """Labels have 16 bits, or 32 above 65,535 ROIs; masks 8 bits and 255; maps 32 bits."""
    path = tmp_path / "a.tif"
    write_labels(path, LABELS)
    assert read_image(path).planes.dtype == np.uint16
    many = np.arange(300 * 300, dtype=np.int32).reshape(300, 300)
    write_labels(path, many)
    assert read_image(path).planes.dtype == np.float32
    np.testing.assert_array_equal(read_annotation(path), many)
    write_mask(path, LABELS)
    assert sorted(np.unique(read_image(path).planes)) == [0, 255]
    write_probability(path, LABELS / 2)
    assert read_image(path).planes.dtype == np.float32


def test_stacks_keep_slices_and_frames(tmp_path: Path) -> None:
    """The result of a stack is a stack with the same axes."""
    layout = PlaneLayout(slices=3, frames=2, spacing=0.7, interval=1.5)
    write_labels(tmp_path / "s.tif", np.stack([LABELS] * 6), calibration=SIZE, layout=layout)
    image = read_image(tmp_path / "s.tif")
    assert image.planes.shape == (6, 20, 30)
    assert (image.layout.slices, image.layout.frames) == (3, 2)
    assert image.layout.spacing == pytest.approx(0.7)
    assert image.layout.interval == pytest.approx(1.5)


def test_overlay_holds_the_rois(tmp_path: Path) -> None:
    """The ROIs lie in the overlay block that ImageJ reads."""
    rois = labels_to_rois(LABELS)
    write_overlay_tiff(tmp_path / "o.tif", LABELS.astype(np.uint8), rois, calibration=SIZE)
    with tifffile.TiffFile(tmp_path / "o.tif") as tiff:
        assert tiff.imagej_metadata is not None
        overlays = tiff.imagej_metadata["Overlays"]
        assert ([overlays] if isinstance(overlays, bytes) else list(overlays)) == rois


def test_roi_set_has_one_entry_per_roi(tmp_path: Path) -> None:
    """Entries are called like their ROIs."""
    write_roi_zip(tmp_path / "r.zip", labels_to_rois(LABELS, names=["cell-1", "cell-2"]))
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        assert archive.namelist() == ["cell-1.roi", "cell-2.roi"]
        assert archive.testzip() is None
    np.testing.assert_array_equal(read_annotation(tmp_path / "r.zip", shape=(20, 30)), LABELS)


def test_empty_roi_set_is_a_valid_file(tmp_path: Path) -> None:
    """No ROI found is a result, too."""
    write_roi_zip(tmp_path / "r.zip", [])
    assert read_annotation(tmp_path / "r.zip", shape=(4, 4)).max() == 0


def test_three_thousand_rois_are_written_quickly(tmp_path: Path) -> None:
    """Writing the set takes a small part of the 0.3 s that tracing and writing may take."""
    roi = labels_to_rois(LABELS, names=["a", "b"])[0]
    start = time.process_time()
    write_roi_zip(tmp_path / "r.zip", [roi] * 3000)
    assert time.process_time() - start < 0.3


def test_bytes_in_memory_are_images() -> None:
    """What the service sends is what the reader reads."""
    pixels = (np.arange(600) % 251).astype(np.uint8).reshape(20, 30)
    np.testing.assert_array_equal(read_image(encode_tiff(pixels)).select(), pixels)
    np.testing.assert_array_equal(read_image(encode_png(pixels)).select(), pixels)
    np.testing.assert_array_equal(read_image(encode_mask(LABELS)).select(), (LABELS > 0) * 255)


@given(
    arrays.arrays(
        np.int32,
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        elements=st.integers(0, 5),
    )
)
def test_label_images_survive_a_file(
    tmp_path_factory: pytest.TempPathFactory,
    labels: np.ndarray[tuple[int, int], np.dtype[np.int32]],
) -> None:
    """Label images with more than two values come back as they are; others mark the same pixels."""
    path = tmp_path_factory.getbasetemp() / "labels.tif"
    write_labels(path, labels)
    found = read_annotation(path)
    if np.unique(labels).size > 2:
        np.testing.assert_array_equal(found, labels)
    elif labels.min() == 0:
        np.testing.assert_array_equal(found > 0, labels > 0)
