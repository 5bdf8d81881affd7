"""Reading images: every layout of the axes, and refusals that say what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.errors import InputError
from deepflash_service.store.images import list_images, read_image
from tests.unit.store.image_samples import (
    make_huge_header,
    make_palette,
    make_png,
    make_png_header,
    make_tiff,
)

GREY = (np.arange(12 * 17).reshape(12, 17) % 200).astype(np.uint8)
RAMP = np.repeat(np.arange(256, dtype=np.uint8)[:, np.newaxis], 3, axis=1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_values_stay_as_they_are_stored(dtype: Any) -> None:
    """Grey values of any type come back unchanged, not scaled to a display range."""
    image = read_image(make_tiff(GREY.astype(dtype)))
    assert image.planes.shape == (1, 12, 17)
    np.testing.assert_array_equal(image.select(), GREY.astype(dtype))


def test_hyperstack_axes_are_sorted_out() -> None:
    """An ImageJ hyperstack gives planes in the order t, z and channels last."""
    pixels = np.arange(3 * 4 * 2 * 5 * 6, dtype=np.uint16).reshape(3, 4, 2, 5, 6)
    image = read_image(make_tiff(pixels, imagej=True, metadata={"axes": "TZCYX"}))
    assert image.planes.shape == (12, 5, 6, 2)
    assert (image.layout.frames, image.layout.slices, image.layout.channels) == (3, 4, 2)
    assert image.layout.is_hyperstack
    assert image.layout.locate(5) == (2, 2)
    np.testing.assert_array_equal(image.select(6, channel=2), pixels[1, 1, 1])


def test_ome_axes_and_calibration_are_read() -> None:
    """OME-TIFF tells axes, pixel size and unit in its XML."""
    pixels = np.zeros((2, 3, 8, 9), np.uint8)
    metadata = {"axes": "CZYX", "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm"}
    metadata |= {"PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
    image = read_image(make_tiff(pixels, ome=True, metadata=metadata))
    assert image.planes.shape == (3, 8, 9, 2)
    assert image.calibration.pixel_width == 0.25
    assert image.calibration.pixel_height == 0.5
    assert image.calibration.unit == "µm"


@pytest.mark.parametrize("unit", ["um", "micron", "\\u00B5m", "microns"])
def test_units_have_one_spelling(unit: str) -> None:
    """A micrometre is a micrometre however the program spelt it."""
    data = make_tiff(GREY, imagej=True, resolution=(4, 2), metadata={"unit": unit})
    calibration = read_image(data).calibration
    assert calibration.unit == "µm"
    assert calibration.pixel_width == pytest.approx(0.25)
    assert calibration.pixel_height == pytest.approx(0.5)


def test_dots_per_inch_are_no_calibration() -> None:
    """A resolution per inch is a setting of printers."""
    image = read_image(make_tiff(GREY, resolution=(72, 72), resolutionunit="INCH"))
    assert image.calibration.unit == "pixel"


def test_pixels_per_centimetre_are_a_calibration() -> None:
    """A plain TIFF with pixels per centimetre gives micrometres."""
    image = read_image(make_tiff(GREY, resolution=(20_000, 20_000), resolutionunit="CENTIMETER"))
    assert image.calibration.unit == "µm"
    assert image.calibration.pixel_width == pytest.approx(0.5)


def test_equal_colour_channels_are_grey() -> None:
    """RGB and RGBA files of a grey picture become one channel; alpha is ignored."""
    colours = np.stack([GREY] * 3, axis=2)
    opaque = np.dstack([colours, np.full(GREY.shape, 255, np.uint8)])
    for data in (make_png(colours), make_png(opaque), make_tiff(colours, photometric="rgb")):
        image = read_image(data)
        assert not image.is_rgb
        np.testing.assert_array_equal(image.select(), GREY)


def test_colours_are_told() -> None:
    """A photograph keeps its colours and says that it is one."""
    colours = np.dstack([GREY, GREY // 2, GREY // 3])
    opaque = np.dstack([colours, np.full(GREY.shape, 255, np.uint8)])
    tiff = make_tiff(opaque, photometric="rgb", extrasamples=["unassalpha"])
    for data in (make_png(colours), make_png(opaque), make_tiff(colours, photometric="rgb"), tiff):
        image = read_image(data)
        assert image.is_rgb
        assert image.channels == 3
        np.testing.assert_array_equal(image.select(channel=2), GREY // 2)


def test_sixteen_bit_png_keeps_its_bits() -> None:
    """A 16-bit PNG is not squeezed into 8 bits."""
    deep = GREY.astype(np.uint16) * 300
    np.testing.assert_array_equal(read_image(make_png(deep)).select(), deep)


def test_grey_ramps_give_indices() -> None:
    """A rising or an inverted grey table is display only, as in ImageJ."""
    for table in (RAMP, RAMP[::-1]):
        image = read_image(make_palette(GREY, table))
        np.testing.assert_array_equal(image.select(), GREY)


def test_shuffled_grey_table_gives_its_greys() -> None:
    """Indices into a shuffled table mean nothing; the greys they stand for do."""
    table = np.roll(RAMP, 7, axis=0)[np.argsort(np.arange(256) * 37 % 256)]
    image = read_image(make_palette(GREY, table, "PNG"))
    np.testing.assert_array_equal(image.select(), table[GREY, 0])


def test_gaps_take_the_smallest_value() -> None:
    """ImageJ marks gaps by NaN; they become background."""
    pixels = GREY.astype(np.float32) + 5
    pixels[2, 3] = np.nan
    assert read_image(make_tiff(pixels)).select()[2, 3] == 5
    with pytest.raises(InputError, match="holds no number"):
        read_image(make_tiff(np.full((4, 4), np.nan, np.float32)))


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "invalid_image", "is empty"),
        (b"hello, I am a text\n", "invalid_image", "not an image that can be read"),
        (make_tiff(GREY)[:-40], "invalid_image", "damaged or incomplete"),
        (make_tiff(GREY)[:60], "invalid_image", "damaged or incomplete"),
        (make_tiff(GREY, compression="zlib")[:-90], "invalid_image", "damaged or incomplete"),
        (make_png(GREY)[:-40], "invalid_image", "damaged or incomplete"),
        (make_huge_header(), "image_too_large", "10,000,000,000"),
        (make_png_header(100_000), "image_too_large", "Save it as TIFF"),
        (b"Iout" + bytes(60), "invalid_image", "a file of ROIs, not an image"),
        (make_tiff(np.zeros((4, 4), np.complex64)), "invalid_image", "not grey values"),
    ],
)
def test_refusals_name_cause_and_remedy(data: bytes, code: str, words: str) -> None:
    """What cannot be read is refused with a code and one sentence that says what to do."""
    with pytest.raises(InputError) as caught:
        read_image(data, name="picture.tif")
    assert caught.value.code == code
    assert words in caught.value.message
    assert "picture.tif" in caught.value.message


def test_limit_is_checked_before_decoding() -> None:
    """The limit counts all planes and channels, and comes from the header."""
    data = make_tiff(np.zeros((5, 20, 20), np.uint8))
    assert read_image(data, max_pixels=2000).layout.planes == 5
    with pytest.raises(InputError) as caught:
        read_image(data, max_pixels=1999)
    assert caught.value.code == "image_too_large"


def test_planes_and_channels_out_of_range_are_refused() -> None:
    """The message tells how many there are."""
    image = read_image(make_tiff(GREY), name="a.tif")
    with pytest.raises(InputError, match=r"a.tif has 1 plane, so there is no plane 2"):
        image.select(2)
    with pytest.raises(InputError, match="1 channel, so there is no channel 3"):
        image.select(channel=3)


def test_folders_are_listed_by_name(tmp_path: Path) -> None:
    """Hidden files, tables and folders are no images."""
    for name in ("b.tif", "a.PNG", ".c.tif", "t.csv", "s.zip"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "d.tif").mkdir()
    assert [path.name for path in list_images(tmp_path)] == ["a.PNG", "b.tif"]
    assert [path.name for path in list_images(tmp_path, with_rois=True)][-1] == "s.zip"
    with pytest.raises(InputError, match="cannot be read"):
        list_images(tmp_path / "none")


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A path that does not exist is an input error, not a traceback."""
    with pytest.raises(InputError) as caught:
        read_image(tmp_path / "none.tif")
    assert caught.value.code == "unreadable_file"


OME_OF_TWO_FILES = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">
<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="17" SizeY="12"
SizeZ="2" SizeC="1" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>
<TiffData IFD="0" FirstZ="0" PlaneCount="1"><UUID FileName="a.ome.tif">urn:uuid:1</UUID></TiffData>
<TiffData IFD="0" FirstZ="1" PlaneCount="1"><UUID FileName="../b.tif">urn:uuid:2</UUID></TiffData>
</Pixels></Image></OME>"""


def test_no_image_reaches_for_another_file(tmp_path: Path) -> None:
    """An OME-TIFF that names a file elsewhere does not get its pixels."""
    (tmp_path / "b.tif").write_bytes(make_tiff(GREY))
    path = tmp_path / "uploads" / "a.ome.tif"
    path.parent.mkdir()
    path.write_bytes(make_tiff(GREY, description=OME_OF_TWO_FILES, metadata=None))
    with pytest.raises(InputError, match="one part of an image in several files"):
        read_image(path)


def test_a_roi_set_beside_its_mask_is_the_same_annotation(tmp_path: Path) -> None:
    """What the annotation macros write, NAME.tif and NAME_RoiSet.zip, counts once."""
    for name in ("a.tif", "a_RoiSet.zip", "B.png", "b.zip", "c_RoiSet.zip", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    found = [path.name for path in list_images(tmp_path, with_rois=True)]
    assert found == ["B.png", "a.tif", "c_RoiSet.zip"]
