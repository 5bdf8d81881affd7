"""The GeoJSON of a segmentation tells QuPath what the ROI set tells Fiji."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.geojson_shapes import geojson_to_labels
from deepflash_service.core.roi_shapes import read_roi
from deepflash_service.store.images import read_image, read_rois, write_image
from deepflash_service.workflows.segment import segment_images
from deepflash_service.workflows.segment_files import NESTED
from tests.unit.workflows.huge_samples import OPTIONS

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.workflows.prediction import LoadedModel


def test_names_class_and_planes_are_those_of_the_roi_set(
    tmp_path: Path, bright_model: LoadedModel
) -> None:
    """In a stack each outline lies on its slice, counted from 0, and gives back its labels."""
    stack = np.zeros((3, 40, 50), np.uint8)
    stack[0, 5:15, 5:15] = stack[2, 5:15, 5:15] = stack[2, 20:30, 30:45] = 200
    stack[2, 8:11, 8:11] = 0
    write_image(tmp_path / "a.tif", stack)
    options = OPTIONS.model_copy(update={"model": "bright", "planes": "all"})
    folder: dict[str, Any] = {"output": tmp_path, "layout": NESTED}
    segment_images([tmp_path / "a.tif"], bright_model, options=options, **folder)
    features = json.loads((tmp_path / "a" / "rois.geojson").read_text())["features"]
    rois = [read_roi(roi) for roi in read_rois(tmp_path / "a" / "RoiSet.zip")]
    assert [one["properties"]["name"] for one in features] == [roi.name for roi in rois]
    assert len(rois) == 3
    classes = {one["properties"]["classification"]["name"] for one in features}
    assert classes == {bright_model.card.target}
    slices = [one["geometry"].get("plane", {"z": 0, "t": 0})["z"] for one in features]
    assert slices == [max(roi.plane, roi.position[1]) - 1 for roi in rois] == [0, 2, 2]
    labels = read_image(tmp_path / "a" / "labels.tif")
    drawn = geojson_to_labels(features[1:], (40, 50))
    np.testing.assert_array_equal(drawn, labels.select(3))
