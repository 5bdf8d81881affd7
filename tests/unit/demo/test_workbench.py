"""Without ImageJ, Python does the same, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from deepflash_service.bridge.jobs import Job
from deepflash_service.bridge.rois import pack_rois
from deepflash_service.core.rois import labels_to_rois
from deepflash_service.demo import run, workbench
from deepflash_service.errors import InputError, SetupError
from deepflash_service.records import Calibration
from deepflash_service.store.images import read_image, write_image


class FakeService:
    """Finds one square cell in every image."""

    def __init__(self) -> None:
        self.labels = np.zeros((20, 24), np.int32)
        self.labels[4:9, 5:11] = 1
        self.sent: list[str] = []

    def segment(self, images: dict[str, Path], model: str, *, wait: float) -> Job:
        self.sent += images
        return Job("1", "segmentation", "done")

    def wait(self, job: Job) -> Job:
        return job

    def result(self, job: Job, name: str) -> bytes:
        if name == "RoiSet.zip":
            return pack_rois(labels_to_rois(self.labels))
        return b"Image,ROI\na.tif,roi-0001\n"


def refuse_java() -> Any:
    raise SetupError("There is no Java. Install it.", code="no_java")


def test_the_fallback_says_why_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing JVM is told in one sentence; Python takes over."""
    monkeypatch.setattr(workbench, "start_imagej", refuse_java)
    told: list[str] = []
    with workbench.open_workbench(FakeService(), tell=told.append) as bench:  # type: ignore[arg-type]
        assert bench.imagej is None
    assert told == ["Without ImageJ, Python does its part. There is no Java. Install it."]


def test_python_converts_roi_sets_like_imagej(tmp_path: Path) -> None:
    """Each ROI set becomes a label image of its own image's size."""
    from deepflash_service.store.roi_files import write_roi_zip

    service = FakeService()
    (tmp_path / "images").mkdir()
    tifffile.imwrite(tmp_path / "images" / "a.tif", np.zeros((20, 24), np.uint16))
    write_roi_zip(tmp_path / "rois" / "a_RoiSet.zip", labels_to_rois(service.labels))
    workbench.PythonBench(service).convert_rois(  # type: ignore[arg-type]
        tmp_path / "images", tmp_path / "rois", output=tmp_path / "masks", expert="anna"
    )
    assert np.array_equal(tifffile.imread(tmp_path / "masks" / "anna" / "a.tif"), service.labels)


def test_python_segments_and_leaves_the_same_files(tmp_path: Path) -> None:
    """Overlay TIFF, ROI set, label image and table."""
    service = FakeService()
    size = Calibration(pixel_width=0.5, pixel_height=0.5, unit="µm")
    pixels = np.arange(480, dtype=np.uint16).reshape(20, 24)
    write_image(tmp_path / "a.tif", pixels, calibration=size)
    bench = workbench.PythonBench(service)  # type: ignore[arg-type]
    found = bench.segment(tmp_path / "a.tif", "demo@1", output=tmp_path)
    assert service.sent == ["a.tif"]
    assert np.array_equal(found.labels, service.labels)
    assert found.table["ROI"].tolist() == ["roi-0001"]
    assert (tmp_path / "a_RoiSet.zip").is_file()
    with tifffile.TiffFile(tmp_path / "a_overlay.tif") as tiff:
        assert tiff.imagej_metadata is not None
        assert tiff.imagej_metadata["Overlays"] in (found.rois[0], found.rois)
    kept = read_image(tmp_path / "a_overlay.tif")
    assert np.array_equal(kept.planes[0], pixels)
    assert kept.calibration.pixel_width == pytest.approx(0.5)


def test_a_file_is_no_output_folder(tmp_path: Path) -> None:
    """The sentence names the remedy, and the file is left alone."""
    target = tmp_path / "demo"
    target.write_text("mine")
    with pytest.raises(InputError, match="--output"):
        run.run_demo(target)
    assert target.read_text() == "mine"
