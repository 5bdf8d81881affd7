"""The mask that ImageJ draws from our ROIs is ours, pixel for pixel."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from deepflash_service.bridge import FijiBridge
from deepflash_service.bridge.jvm import java_class
from deepflash_service.bridge.rois import (
    labels_to_rois,
    pack_rois,
    rois_to_labels,
    unpack_rois,
)

SIZE = 2048
CELL = 37
COUNT = 3000
Labels = npt.NDArray[np.int32]


def make_labels(seed: int = 0) -> Labels:
    """Return 3,000 labels: discs, full squares that touch, holes, islets, single pixels."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((SIZE + CELL, SIZE + CELL), np.int32)
    across = SIZE // CELL + 1
    tiles = rng.permutation(across * across)[:COUNT]
    rows, columns = np.mgrid[:CELL, :CELL] - CELL // 2
    for number, tile in enumerate(np.sort(tiles), 1):
        top, left = (tile // across) * CELL - CELL // 2, (tile % across) * CELL - CELL // 2
        shape = make_shape(rng, rows, columns, kind=number % 8)
        view = labels[max(top, 0) : top + CELL, max(left, 0) : left + CELL]
        view[shape[max(-top, 0) :, max(-left, 0) :][: view.shape[0], : view.shape[1]]] = number
    return np.ascontiguousarray(labels[:SIZE, :SIZE])


def make_shape(
    rng: np.random.Generator, rows: npt.NDArray[Any], columns: npt.NDArray[Any], *, kind: int
) -> npt.NDArray[np.bool_]:
    """Return one shape in a square of `CELL` pixels."""
    radius = rng.uniform(4, CELL / 2)
    distance = np.hypot(rows * rng.uniform(0.8, 1.6), columns)
    shape: npt.NDArray[np.bool_] = distance <= radius
    if kind == 0:
        shape = np.ones_like(shape)
    elif kind == 1:
        shape = shape & (distance > radius / 2)
    elif kind == 2:
        shape = (shape & (distance > 0.6 * radius)) | (distance < 0.3 * radius)
    elif kind == 3:
        shape = (rows == 0) & (columns == 0)
    elif kind == 4:
        shape = shape & (rng.random(shape.shape) < 0.7)
        shape[CELL // 2, CELL // 2] = True
    elif kind == 5:
        shape = (rows == columns) | (rows == 0)
    return shape


def draw_in_imagej(fiji: FijiBridge, rois: list[bytes], shape: tuple[int, int]) -> Labels:
    """Return the label image that ImageJ itself paints from the ROIs."""
    overlay = fiji.to_overlay(rois)
    processor = java_class("ij.process.FloatProcessor")(shape[1], shape[0])
    for roi in overlay.toArray():
        processor.setValue(float(str(roi.getProperty("dfl.label"))))
        processor.setRoi(roi)
        processor.fill(processor.getMask())
    image = java_class("ij.ImagePlus")("labels", processor)
    return fiji.from_imageplus(image).astype(np.int32)


@pytest.mark.jvm
def test_imagej_draws_3000_rois_exactly_as_they_were(
    fiji: FijiBridge, record_property: Callable[[str, object], None]
) -> None:
    """Holes, islets, touching and one-pixel ROIs, border cells: no pixel differs."""
    labels = make_labels()
    assert len(np.unique(labels)) == COUNT + 1
    assert (labels[0] > 0).any()
    assert (labels[:, -1] > 0).any()
    start = time.perf_counter()
    rois = labels_to_rois(labels)
    traced = time.perf_counter() - start
    start = time.perf_counter()
    packed = pack_rois(rois)
    written = time.perf_counter() - start
    start = time.perf_counter()
    drawn = draw_in_imagej(fiji, unpack_rois(packed), labels.shape)
    record_property("seconds_traced", round(traced, 3))
    record_property("seconds_packed", round(written, 3))
    record_property("seconds_drawn_by_imagej", round(time.perf_counter() - start, 3))
    assert len(rois) == COUNT
    assert np.count_nonzero(drawn != labels) == 0
    assert traced < 3.0, "tracing is expected in 0.3 s on an idle machine"


@pytest.mark.jvm
def test_rois_that_imagej_writes_back_are_the_same_area(fiji: FijiBridge) -> None:
    """Decoded by ImageJ, encoded by ImageJ, drawn by Python: the same label image."""
    labels = make_labels(1)[:400, :400]
    labels = np.searchsorted(np.unique(labels), labels).astype(np.int32)
    overlay = fiji.to_overlay(labels_to_rois(labels))
    again = rois_to_labels(fiji.rois_from(overlay), labels.shape)
    assert np.array_equal(again, labels)


@pytest.mark.jvm
def test_an_overlay_travels_in_a_tiff(fiji: FijiBridge, tmp_path: Path) -> None:
    """Names, positions, properties and shapes survive saving and opening in ImageJ."""
    labels = np.zeros((60, 80), np.int32)
    labels[5:20, 5:20] = 1
    labels[8:12, 8:12] = 0
    labels[30:50, 40:79] = 2
    rois = labels_to_rois(labels, scores=[0.5, 0.75], positions=[(1, 2, 1), (1, 3, 1)])
    image = fiji.to_imageplus(np.zeros((3, 60, 80), np.uint16), dims="ZYX", title="cells")
    fiji.set_overlay(image, rois)
    path = fiji.save_tiff(image, tmp_path / "cells.tif")
    opened = fiji.open(path)
    overlay = opened.getOverlay()
    facts = [
        (str(roi.getName()), int(roi.getZPosition()) or int(roi.getPosition()))
        for roi in overlay.toArray()
    ]
    assert facts == [("roi-0001", 2), ("roi-0002", 3)]
    assert str(overlay.get(1).getProperty("dfl.prob")) == "0.7500"
    assert np.array_equal(rois_to_labels(fiji.rois_from(opened), labels.shape), labels)
    assert [entry.name for entry in tmp_path.iterdir()] == ["cells.tif"]
