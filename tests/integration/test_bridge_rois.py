"""ROIs between numpy and ImageJ, both ways, without one changed pixel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from deepflash_service.bridge import FijiBridge
from deepflash_service.bridge.jvm import java_class
from deepflash_service.bridge.pixels import decode_tiff
from deepflash_service.bridge.rois import (
    labels_to_rois,
    read_outlines,
    read_roi_zip,
    rois_to_labels,
)
from deepflash_service.core.pairing import pair_names
from deepflash_service.errors import InputError

pytestmark = pytest.mark.jvm

SHAPE = (200, 300)
Make = Callable[[FijiBridge], Any]


def fill_in_imagej(roi: Any, shape: tuple[int, int] = SHAPE) -> npt.NDArray[np.bool_]:
    """Return the mask that ImageJ itself fills."""
    processor = java_class("ij.process.ByteProcessor")(shape[1], shape[0])
    processor.setValue(255.0)
    processor.fill(roi)
    pixels: npt.NDArray[np.int8] = np.array(processor.getPixels())
    return pixels.reshape(shape).astype(bool)


def make_polygon(kind: str, corners: list[tuple[float, float]]) -> Any:
    """Return a polygon of (x, y) corners; ``kind`` is a constant of ``ij.gui.Roi``."""
    import jpype

    floats = jpype.JArray(jpype.JFloat)
    x, y = (floats([float(corner[axis]) for corner in corners]) for axis in (0, 1))
    roi = java_class("ij.gui.Roi")
    return java_class("ij.gui.PolygonRoi")(x, y, getattr(roi, kind))


def make_donut(_: FijiBridge) -> Any:
    """Return an oval with a rectangular and an oval hole, and an island in one of them."""
    shape, oval, box = (java_class(f"ij.gui.{name}") for name in ("ShapeRoi", "OvalRoi", "Roi"))
    whole = shape(oval(20, 30, 151, 120)).not_(shape(box(40, 70, 30, 25)))
    return whole.not_(shape(oval(90, 60, 51, 48))).or_(shape(box(110, 80, 7, 6)))


def trace_with_wand(fiji: FijiBridge) -> Any:
    """Return what the wand finds around a blurred spot."""
    pixels = np.zeros(SHAPE, np.float32)
    pixels[80:130, 100:190] = np.random.default_rng(3).random((50, 90)) * 100
    image = fiji.to_imageplus(pixels)
    fiji.run_command("Gaussian Blur...", image=image, sigma=3)
    fiji.run_macro("doWand(145, 105, 20, 'legacy');", image=image)
    return image.getRoi()


RAGGED = [(10.5, 20.25), (90, 14.5), (130.75, 60.5), (70.5, 60.49), (88, 150.5), (15.25, 99)]
SHAPES: dict[str, Make] = {
    "polygon": lambda _: make_polygon("POLYGON", RAGGED),
    "polygon on whole pixels": lambda _: make_polygon("POLYGON", [(5, 5), (60, 9), (30, 77)]),
    "freehand": lambda _: make_polygon(
        "FREEROI",
        [(100 + 60 * np.cos(t), 90 + 40 * np.sin(3 * t)) for t in np.linspace(0, 6.2, 80)],
    ),
    "freehand that crosses itself": lambda _: make_polygon(
        "FREEROI", [(10, 10), (90, 80), (90, 10), (10, 80)]
    ),
    "oval": lambda _: java_class("ij.gui.OvalRoi")(31, 17, 84, 61),
    "oval of three pixels": lambda _: java_class("ij.gui.OvalRoi")(31, 17, 3, 3),
    "oval at the border": lambda _: java_class("ij.gui.OvalRoi")(-20, -9, 84, 61),
    "ellipse": lambda _: java_class("ij.gui.EllipseRoi")(30.0, 40.0, 130.0, 95.0, 0.4),
    "rectangle": lambda _: java_class("ij.gui.Roi")(290, 190, 40, 40),
    "rotated rectangle": lambda _: java_class("ij.gui.RotatedRectRoi")(
        40.0, 40.0, 140.0, 90.0, 35.0
    ),
    "composite with holes": make_donut,
    "wand": trace_with_wand,
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_drawn_in_imagej_is_the_same_in_numpy(fiji: FijiBridge, name: str) -> None:
    """ImageJ to bytes to numpy, and from there to bytes and back to ImageJ."""
    drawn = SHAPES[name](fiji)
    expected = fill_in_imagej(drawn)
    assert expected.any()
    (data,) = fiji.rois_from(fiji.to_overlay([drawn]))
    labels = rois_to_labels([data], SHAPE)
    assert np.array_equal(labels > 0, expected)
    (back,) = fiji.to_overlay(labels_to_rois(labels)).toArray()
    assert np.array_equal(fill_in_imagej(back), expected)
    again = rois_to_labels(fiji.rois_from(fiji.to_overlay([back])), SHAPE)
    assert np.array_equal(again, labels)


@pytest.mark.data
def test_roi_files_of_other_programs_are_what_imagej_reads(
    fiji: FijiBridge, shared_data: Path
) -> None:
    """Area and, for polygons, each corner are those of ImageJ; what has no area is refused."""
    refused, read = [], []
    for path in sorted((shared_data / "roi").rglob("*.roi")):
        data = read_roi_zip(path)
        (roi,) = fiji.to_overlay(data).toArray()
        if not roi.isArea():
            refused.append(path.stem)
            with pytest.raises(InputError, match="encloses no area"):
                fiji.annotate_from_rois(fiji.to_imageplus(np.zeros(SHAPE, np.uint8)), data)
            continue
        read.append(path.stem)
        labels = rois_to_labels(data, SHAPE)
        assert np.array_equal(labels > 0, fill_in_imagej(roi)), path.stem
        if (
            str(roi.getTypeAsString()) in {"Polygon", "Freehand"}
            and len(read_outlines(data[0])) == 1
        ):
            outline = roi.getFloatPolygon()
            x, y = (
                np.array(values)[: outline.npoints] for values in (outline.xpoints, outline.ypoints)
            )
            (corners,) = read_outlines(data[0])
            assert np.allclose(corners, np.stack([y, x], axis=1), atol=1e-4), path.stem
    assert (len(read), len(refused)) == (24, 8)


def test_points_and_lines_are_refused(fiji: FijiBridge) -> None:
    """A counted cell is no outlined cell; the sentence names the tools that make one."""
    image = fiji.to_imageplus(np.zeros(SHAPE, np.uint8))
    point, line = java_class("ij.gui.PointRoi")(5, 5), java_class("ij.gui.Line")(1, 1, 9, 9)
    point.setName("cell 7")
    for roi, kind in ((point, "'cell 7' is a point"), (line, "is a line")):
        with pytest.raises(InputError, match=f"{kind} and encloses no area") as caught:
            fiji.annotate_from_rois(image, [roi])
        assert caught.value.code == "invalid_roi"


def test_annotations_come_from_overlay_or_selection(fiji: FijiBridge) -> None:
    """The overlay goes first, then the selection; without any the sentence says what to do."""
    image = fiji.to_imageplus(np.zeros((40, 50), np.uint8), title="cells")
    with pytest.raises(InputError, match="no ROI on cells") as caught:
        fiji.annotate_from_rois(image)
    assert caught.value.code == "no_rois"
    image.setRoi(5, 6, 10, 4)
    assert np.count_nonzero(fiji.annotate_from_rois(image)) == 40
    labels = np.zeros((40, 50), np.int32)
    labels[2:9, 3:20] = 1
    labels[4:6, 5:9] = 0
    labels[20:30, 20:30] = 2
    fiji.set_overlay(image, labels_to_rois(labels))
    assert np.array_equal(fiji.annotate_from_rois(image), labels)
    with pytest.raises(InputError, match="labels_to_rois") as caught:
        fiji.annotate_from_rois(image, [labels])
    assert caught.value.code == "invalid_roi"


class _Library:
    """Takes what is put into a data set."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.put: dict[str, npt.NDArray[Any]] = {}

    def dataset(self, _: str) -> dict[str, Any]:
        return {"images": list(self.names)}

    def put_image(self, _: str, name: str, image: bytes) -> None:
        self.put[f"image {name}"] = decode_tiff(image)

    def put_annotation(self, _: str, name: str, annotation: bytes, *, expert: str) -> None:
        self.put[f"{expert} {name}"] = decode_tiff(annotation)


def test_an_annotation_goes_to_the_data_set_with_its_image(fiji: FijiBridge) -> None:
    """The image is sent only where it is missing; of a stack, the plane that is shown."""
    pixels = np.arange(3 * 2 * 20 * 30, dtype=np.uint16).reshape(3, 2, 20, 30)
    image = fiji.to_imageplus(pixels, dims="ZCYX", title="stack.tif")
    labels = np.zeros((20, 30), np.int32)
    labels[2:9, 3:20] = 1
    there = labels_to_rois(labels, positions=(0, 2, 1))
    elsewhere = labels_to_rois(np.roll(labels, 9, axis=0), positions=(0, 3, 1))
    fiji.set_overlay(image, there + elsewhere)
    image.setPosition(1, 2, 1)
    library = _Library()
    found = fiji.annotate_from_rois(image, dataset="d", expert="anna", service=cast("Any", library))
    assert np.array_equal(found, labels)
    assert set(library.put) == {"image stack-t001-z002.tif", "anna stack-t001-z002.tif"}
    assert np.array_equal(np.squeeze(library.put["image stack-t001-z002.tif"]), pixels[1])
    assert np.array_equal(np.squeeze(library.put["anna stack-t001-z002.tif"]), labels)
    library = _Library("stack-t001-z002.tif")
    fiji.annotate_from_rois(image, dataset="d", expert="ben", service=cast("Any", library))
    assert set(library.put) == {"ben stack-t001-z002.tif"}
    image.setPosition(1, 1, 1)
    with pytest.raises(InputError, match="no ROI on"):
        fiji.annotate_from_rois(image)


@pytest.mark.parametrize(
    ("title", "there", "wanted"),
    [
        ("cells.tiff", ["cells.tiff"], {"anna cells.tif"}),
        ("cells.png", ["cells.png", "cells2.png"], {"anna cells.tif"}),
        ("cells", ["cells.tiff"], {"anna cells.tif"}),
        ("cells.tif", ["cells.ome.tif"], {"anna cells.tif"}),
        ("cells 0.5 um", ["cells 0.5 um.png"], {"anna cells 0.5 um.tif"}),
        ("cells.png", ["other.png"], {"image cells.tif", "anna cells.tif"}),
    ],
)
def test_an_image_of_the_data_set_is_known_whatever_its_ending(
    fiji: FijiBridge, title: str, there: list[str], wanted: set[str]
) -> None:
    """No second image of the same name is added, which would part the data set from all masks."""
    library = _Library(*there)
    image = fiji.to_imageplus(np.zeros((20, 30), np.uint8), title=title)
    image.setRoi(5, 6, 10, 4)
    fiji.annotate_from_rois(image, dataset="d", expert="anna", service=cast("Any", library))
    assert set(library.put) == wanted
    masks = {"anna": [name.partition(" ")[2] for name in library.put if name.startswith("anna")]}
    images = [*there, *(name.partition(" ")[2] for name in library.put if name[:5] == "image")]
    pairing = pair_names(images, masks)
    assert len(pairing.pairs) == 1
    assert not pairing.doubts


def test_an_image_that_could_be_two_of_the_data_set_is_refused(fiji: FijiBridge) -> None:
    """It is not guessed which one was annotated."""
    image = fiji.to_imageplus(np.zeros((20, 30), np.uint8), title="cells")
    image.setRoi(5, 6, 10, 4)
    library = _Library("cells.png", "cells.tiff")
    with pytest.raises(InputError, match=r"cells\.png and cells\.tiff"):
        fiji.annotate_from_rois(image, dataset="d", expert="anna", service=cast("Any", library))
    assert not library.put
