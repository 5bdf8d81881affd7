"""Images, overlays and tables between numpy and a real ImageJ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from deepflash_service.bridge import FijiBridge
from deepflash_service.bridge.images import list_dims, read_calibration
from deepflash_service.bridge.jvm import java_class
from deepflash_service.bridge.pixels import decode_tiff
from deepflash_service.bridge.rois import labels_to_rois
from deepflash_service.bridge.segmentation import encode_image
from deepflash_service.errors import ComputeError, InputError, SetupError
from deepflash_service.records import Calibration

pytestmark = pytest.mark.jvm


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_pixels_go_to_imagej_and_back_unchanged(fiji: FijiBridge, dtype: Any) -> None:
    """The whole range of each pixel type survives, in a writable copy."""
    rng = np.random.default_rng(1)
    array = (rng.random((17, 31)) * 65_535).astype(dtype)
    array[0, :2] = (0, 255 if dtype == np.uint8 else 65_535)
    image = fiji.to_imageplus(array, title="mine")
    back = fiji.from_imageplus(image)
    assert back.dtype == dtype
    assert np.array_equal(back, array)
    back[0, 0] = 3
    assert np.array_equal(fiji.from_imageplus(image), array)
    assert (int(image.getWidth()), int(image.getHeight())) == (31, 17)
    assert str(image.getTitle()) == "mine"


def test_axes_are_where_imagej_expects_them(fiji: FijiBridge) -> None:
    """Time, slice and channel are told apart, in any order of the axes."""
    array = np.arange(2 * 3 * 4 * 5 * 6, dtype=np.uint16).reshape(2, 3, 4, 5, 6)
    image = fiji.to_imageplus(array, dims="CTZXY")
    sizes = (image.getNChannels(), image.getNFrames(), image.getNSlices())
    assert tuple(int(size) for size in sizes) == (2, 3, 4)
    assert list_dims(image) == "TZCYX"
    image.setPosition(2, 4, 3)
    assert np.array_equal(np.array(image.getProcessor().getPixels())[:5], array[1, 2, 3, :, 0])
    assert np.array_equal(fiji.from_imageplus(image, dims="CTZXY"), array)
    with pytest.raises(InputError, match="TZCYX"):
        fiji.from_imageplus(image, dims="ZYX")


def test_stacks_and_calibration(fiji: FijiBridge) -> None:
    """A stack of one axis stays one; the size of a pixel is set and read."""
    scale = Calibration(pixel_width=0.5, pixel_height=0.25, unit="µm")
    image = fiji.to_imageplus(np.zeros((3, 8, 9), np.uint8), dims="ZYX", calibration=scale)
    assert int(image.getNSlices()) == 3
    assert read_calibration(image) == scale
    assert fiji.from_imageplus(image).shape == (3, 8, 9)


def test_rgb_images_give_three_channels(fiji: FijiBridge) -> None:
    """Red, green and blue are channels 1 to 3."""
    fiji.run_macro('newImage("rgb", "RGB black", 8, 9, 1); setPixel(2, 1, 0x0a141e);')
    image = java_class("ij.WindowManager").getCurrentImage()
    pixels = fiji.from_imageplus(image)
    image.close()
    assert pixels.shape == (3, 9, 8)
    assert pixels[:, 1, 2].tolist() == [10, 20, 30]


def test_the_roi_manager_needs_a_display(fiji: FijiBridge) -> None:
    """Without a display the error names three other ways."""
    with pytest.raises(SetupError, match="write_roi_zip") as caught:
        fiji.to_roi_manager([])
    assert caught.value.code == "no_display"


def test_what_is_no_roi_is_refused(fiji: FijiBridge) -> None:
    """Neither other bytes nor half a ROI reach an overlay."""
    roi = labels_to_rois(np.ones((3, 3), np.int32))[0]
    for data in (b"", b"no roi at all", b"Iout", roi[:20]):
        with pytest.raises(InputError, match="roi"):
            fiji.to_overlay([roi, data])


def test_an_image_without_overlay_has_no_rois(fiji: FijiBridge) -> None:
    """No overlay is an empty list, not an error."""
    assert fiji.rois_from(fiji.to_imageplus(np.zeros((4, 4), np.uint8))) == []


def test_files_that_imagej_cannot_open_are_refused(fiji: FijiBridge, tmp_path: Path) -> None:
    """A missing file and a text file named .tif give a sentence."""
    (tmp_path / "text.tif").write_text("no image")
    for name in ("missing.tif", "text.tif"):
        with pytest.raises(InputError, match="cannot open"):
            fiji.open(tmp_path / name)


def test_saving_into_a_missing_folder_is_refused(fiji: FijiBridge, tmp_path: Path) -> None:
    """The sentence names the file; nothing is left behind."""
    image = fiji.to_imageplus(np.zeros((4, 4), np.uint8))
    with pytest.raises(InputError, match="cannot be written"):
        fiji.save_tiff(image, tmp_path / "missing" / "a.tif")
    assert list(tmp_path.iterdir()) == []


def test_arrays_where_an_image_is_needed_are_refused_or_taken(
    fiji: FijiBridge, tmp_path: Path
) -> None:
    """What would get lost names to_imageplus; what is only read is converted."""
    array = np.zeros((4, 5), np.uint8)
    needs_image: list[Callable[[Any], Any]] = [
        lambda image: fiji.set_overlay(image, []),
        lambda image: fiji.run_macro('return "a";', image=image),
        lambda image: fiji.run_command("Invert", image=image),
        fiji.from_imageplus,
        lambda image: fiji.save_tiff(image, tmp_path / "a.tif"),
        fiji.rois_from,
    ]
    for call in needs_image:
        for wrong in (array, "a.tif", 7):
            with pytest.raises(InputError, match=r"to_imageplus|fiji\.open") as caught:
                call(wrong)
            assert caught.value.code == "invalid_image"
    assert list(tmp_path.iterdir()) == []


class _AskedService:
    """Takes the image of a segmentation and ends there."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def segment(self, images: dict[str, bytes], *_: object, **__: object) -> None:
        self.sent += images.values()
        raise InputError("taken")


@pytest.mark.parametrize(
    ("shape", "dims"), [((6, 7), None), ((3, 6, 7), "ZYX"), ((6, 7, 2), "YXC"), ((6, 7), "yx")]
)
def test_segment_takes_numpy_arrays(
    fiji: FijiBridge, shape: tuple[int, ...], dims: str | None
) -> None:
    """The pixels are sent as they are, with the axes that were named."""
    array = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    service = _AskedService()
    with pytest.raises(InputError, match="taken"):
        fiji.segment(array, "m", dims=dims, service=cast("Any", service))
    sent = np.squeeze(decode_tiff(service.sent[0]))
    expected = array if dims != "YXC" else array.transpose(2, 0, 1)
    assert np.array_equal(sent, expected)


def test_segment_refuses_arrays_whose_axes_are_not_clear(fiji: FijiBridge) -> None:
    """Three axes may be slices, times or channels; neither is guessed, and text is no image."""
    service = cast("Any", _AskedService())
    with pytest.raises(InputError, match="dims='ZYX'"):
        fiji.segment(np.zeros((3, 6, 7)), "m", service=service)
    with pytest.raises(InputError, match=r"fiji\.open"):
        fiji.segment("a.tif", "m", service=service)


def test_results_tables_keep_labels_numbers_and_text(fiji: FijiBridge) -> None:
    """Row labels are kept, numbers are numbers, text is text."""
    table = java_class("ij.measure.ResultsTable")()
    for row in range(2):
        table.incrementCounter()
        table.addLabel(f"cell {row}")
        table.addValue("Area", row + 0.5)
        table.addValue("Class", "abc"[row])
    frame = fiji.results_to_dataframe(table)
    expected = {"Label": ["cell 0", "cell 1"], "Area": [0.5, 1.5], "Class": ["a", "b"]}
    pd.testing.assert_frame_equal(frame, pd.DataFrame(expected))
    empty = fiji.results_to_dataframe(java_class("ij.measure.ResultsTable")())
    assert len(empty) == 0


def test_xarrays_come_back_with_axes_and_calibration(fiji: FijiBridge) -> None:
    """The names of pyimagej, coordinates in the unit of the image; and back unchanged."""
    array = np.arange(3 * 2 * 4 * 5, dtype=np.uint16).reshape(3, 2, 4, 5)
    scale = Calibration(pixel_width=0.5, pixel_height=0.25, unit="µm")
    image = fiji.to_imageplus(array, dims="ZCYX", title="cells", calibration=scale)
    found = fiji.to_xarray(image)
    assert found.dims == ("pln", "row", "col", "ch")
    assert (found.name, found.attrs["unit"]) == ("cells", "µm")
    assert found["col"].to_numpy().tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert np.array_equal(found.transpose("pln", "ch", "row", "col").to_numpy(), array)
    again = fiji.to_imageplus(found)
    assert list_dims(again) == "ZCYX"
    assert read_calibration(again) == scale
    assert np.array_equal(fiji.from_imageplus(again, dims="ZCYX"), array)


def test_any_java_exception_is_an_error_of_this_package(fiji: FijiBridge) -> None:
    """Its words are kept, its cause is the exception of Java."""

    class Broken:
        def getStack(self) -> object:  # noqa: N802 - the name in Java
            return java_class("ij.ImagePlus")("empty", java_class("ij.ImageStack")(4, 4))

    with pytest.raises(ComputeError, match=r"Stack is empty\. Check") as caught:
        fiji.from_imageplus(Broken())
    assert caught.value.code == "imagej_failed"
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_large_planes_are_copied_in_blocks(
    fiji: FijiBridge, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A buffer of Java ends at 2 GB, a plane of ImageJ later: no view may hold a whole one."""
    import jpype.nio

    sizes = []
    take = jpype.nio.convertToDirectBuffer

    def watch(array: Any) -> Any:
        sizes.append(array.nbytes)
        return take(array)

    monkeypatch.setattr("deepflash_service.bridge.images._MOST_BYTES", 1000)
    monkeypatch.setattr(jpype.nio, "convertToDirectBuffer", watch)
    array = (np.random.default_rng(2).random((41, 53)) * 255).astype(dtype)
    assert np.array_equal(fiji.from_imageplus(fiji.to_imageplus(array)), array)
    assert sum(sizes) == array.nbytes
    assert max(sizes) <= 1000


def test_a_closed_image_is_refused(fiji: FijiBridge) -> None:
    """Its pixels are gone; the sentence says so, whatever its type was."""
    for dtype in (np.uint8, np.uint16):
        image = fiji.to_imageplus(np.zeros((5, 6), dtype), title="gone")
        image.flush()
        with pytest.raises(InputError, match="gone was closed") as caught:
            fiji.from_imageplus(image)
        assert caught.value.code == "invalid_image"


def test_coordinates_that_are_no_numbers_tell_no_calibration(fiji: FijiBridge) -> None:
    """Rows called by letters, as of a plate, do not keep an xarray from ImageJ."""
    array = xr.DataArray(
        np.zeros((4, 5), np.uint8),
        dims=("row", "col"),
        coords={"row": list("abcd"), "col": np.arange(5)},
        attrs={"unit": "m"},
    )
    assert read_calibration(fiji.to_imageplus(array)).pixel_width == 1


def test_want_of_memory_while_reading_for_segment_is_an_error_of_this_package(
    fiji: FijiBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plane of a virtual stack is read only now, and may be too much for Java."""

    def fail(*_: Any, **__: Any) -> None:
        raise java_class("java.lang.OutOfMemoryError")("heap")

    monkeypatch.setattr("deepflash_service.bridge.images.read_image_plus", fail)
    with pytest.raises(ComputeError) as caught:
        encode_image(fiji.to_imageplus(np.zeros((5, 6), np.uint8)))
    assert caught.value.code == "out_of_memory"
