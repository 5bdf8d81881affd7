"""Outlines from GeoJSON cover in ImageJ the pixels that they cover here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deepflash_service.bridge import FijiBridge
from deepflash_service.bridge.jvm import java_class
from deepflash_service.core.geojson_shapes import geojson_to_labels, geojson_to_rois

pytestmark = pytest.mark.jvm

SHAPE = (400, 500)


def draw_star(rng: np.random.Generator, centre: tuple[float, float], radius: float) -> list[Any]:
    """Return a closed ring with corners anywhere between the pixels, as QuPath writes it."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, 24))
    reach = radius * rng.uniform(0.5, 1, angles.size)
    x, y = centre[0] + reach * np.cos(angles), centre[1] + reach * np.sin(angles)
    ring = [[round(float(a), 2), round(float(b), 2)] for a, b in zip(x, y, strict=True)]
    return [*ring, ring[0]]


def make_document(seed: int) -> dict[str, Any]:
    """Return 80 drawn outlines: with holes, in two parts, on whole pixels, over the border."""
    rng = np.random.default_rng(seed)
    features = []
    for number in range(80):
        centre = (float(50 * (number % 10) + 25), float(50 * (number // 10) + 25))
        outer = draw_star(rng, centre, 30)
        if number % 4 == 0:
            outer = [[round(x), round(y)] for x, y in outer]
        hole = draw_star(rng, centre, 8)
        polygons = [[outer, hole] if number % 3 == 0 else [outer]]
        if number % 5 == 0:
            polygons.append([draw_star(rng, (centre[0] + 40.3, centre[1]), 9)])
        geometry = {"type": "MultiPolygon", "coordinates": polygons}
        features.append({"type": "Feature", "geometry": geometry, "properties": {}})
    return {"type": "FeatureCollection", "features": features}


def test_imagej_draws_the_same_pixels(fiji: FijiBridge) -> None:
    """The mask of every ROI in ImageJ equals the one in Python, as far as the image reaches."""
    document = make_document(0)
    rois = fiji.to_overlay(geojson_to_rois(document)).toArray()
    assert len(rois) == 80
    for feature, roi in zip(document["features"], rois, strict=True):
        processor = java_class("ij.process.ByteProcessor")(SHAPE[1], SHAPE[0])
        processor.setValue(255.0)
        processor.setRoi(roi)
        processor.fill(processor.getMask())
        drawn = fiji.from_imageplus(java_class("ij.ImagePlus")("mask", processor))
        np.testing.assert_array_equal(
            np.asarray(drawn, np.uint8) > 0, geojson_to_labels(feature, SHAPE) > 0
        )
