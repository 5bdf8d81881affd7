"""Reading annotations: masks, label images, colour codes, ROI sets."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from deepflash_service.core.rois import labels_to_rois
from deepflash_service.errors import InputError
from deepflash_service.store import annotations as annotation_files
from deepflash_service.store.images import read_annotation, read_mask_or_map, write_labels
from tests.unit.store.image_samples import make_png, make_tiff

MASK = np.zeros((20, 30), np.uint8)
MASK[2:6, 2:6] = 255
MASK[6:9, 6:9] = 255
MASK[12:15, 20:25] = 255
LABELS = np.zeros((20, 30), np.uint16)
LABELS[2:6, 2:6] = 4
LABELS[6:9, 2:6] = 9
LABELS[12:15, 20:25] = 7


def test_two_values_are_a_mask() -> None:
    """ROIs of a mask are its 8-connected components, whatever the two values are."""
    for pixels in (MASK, MASK // 255, MASK // 255 + 1):
        labels = read_annotation(make_tiff(pixels))
        assert labels.dtype == np.int32
        assert labels.max() == 2
        np.testing.assert_array_equal(labels > 0, MASK > 0)


def test_more_values_are_labels_as_they_are() -> None:
    """Touching ROIs of a label image stay apart and keep their numbers."""
    for data in (make_tiff(LABELS), make_tiff(LABELS.astype(np.float32)), make_png(LABELS)):
        np.testing.assert_array_equal(read_annotation(data), LABELS)


def test_alpha_and_equal_colours_do_not_matter() -> None:
    """An opaque alpha channel does not mark the whole image."""
    colours = np.stack([MASK] * 3, axis=2)
    opaque = np.dstack([colours, np.full(MASK.shape, 255, np.uint8)])
    for pixels in (colours, opaque):
        np.testing.assert_array_equal(read_annotation(make_png(pixels)) > 0, MASK > 0)


def test_colours_are_labelled_one_by_one() -> None:
    """Touching cells in two colours stay two, and patches of one colour are told apart."""
    colours = np.zeros((20, 30, 4), np.uint8)
    colours[..., 3] = 255
    colours[2:6, 2:6, 0] = 30
    colours[2:6, 6:9, 0] = 60
    colours[12:15, 20:25, 0] = 30
    assert read_annotation(make_png(colours)).max() == 3


def test_two_colours_are_a_mask() -> None:
    """Red on black is the same mask as white on black: corners touch."""
    colours = np.zeros((20, 30, 3), np.uint8)
    colours[2:6, 2:6, 0] = colours[6:9, 6:9, 0] = 255
    assert read_annotation(make_png(colours)).max() == 1
    colours[..., 2] = 9
    assert read_annotation(make_png(colours)).max() == 1


def test_noise_of_sixteen_bits_is_no_label_image() -> None:
    """A raw image has more values than objects, however many grey values its camera knows."""
    rng = np.random.default_rng(0)
    for top, shape in ((60_000, (120, 130)), (4_000, (40, 50)), (700, (30, 30))):
        noise = rng.integers(0, top, shape).astype(np.uint16)
        with pytest.raises(InputError, match="looks like an image"):
            read_annotation(make_tiff(noise))
    many = np.kron(np.arange(900).reshape(30, 30), np.ones((3, 3))).astype(np.uint16)
    assert read_annotation(make_tiff(many)).max() == 899


def test_white_on_black_and_palette_agree() -> None:
    """A mask that ImageJ saved with an inverting table has the same foreground."""
    picture = Image.fromarray(MASK, "P")
    picture.putpalette(np.repeat(np.arange(255, -1, -1, dtype=np.uint8), 3).tobytes())
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    np.testing.assert_array_equal(read_annotation(stream.getvalue()) > 0, MASK > 0)


def test_empty_and_full_masks_are_allowed() -> None:
    """An expert may have marked nothing, or everything."""
    assert read_annotation(make_tiff(MASK * 0)).max() == 0
    assert read_annotation(make_tiff(MASK * 0 + 255)).min() == 1


def test_roi_sets_need_the_size_of_the_image() -> None:
    """A ROI set is drawn on the image's own size; without it the set is refused."""
    rois = labels_to_rois(LABELS.astype(np.int32))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, roi in enumerate(rois):
            archive.writestr(f"{number}.roi", roi)
    drawn = read_annotation(stream.getvalue(), shape=(20, 30))
    np.testing.assert_array_equal(drawn > 0, LABELS > 0)
    np.testing.assert_array_equal(read_annotation(rois[0], shape=(20, 30)) > 0, LABELS == 4)
    with pytest.raises(InputError, match="Name it like its image") as caught:
        read_annotation(stream.getvalue())
    assert caught.value.details["fault"] == "missing"


def test_probability_maps_are_told_from_masks() -> None:
    """A map stays a map for evaluation and is refused as an annotation."""
    probability = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    np.testing.assert_array_equal(read_mask_or_map(make_tiff(probability)), probability)
    assert read_mask_or_map(make_tiff(MASK)).dtype == np.int32
    with pytest.raises(InputError, match="holds fractions"):
        read_annotation(make_tiff(probability))


def test_rounding_errors_do_not_turn_a_map_into_an_annotation() -> None:
    """A value of 1.0000001, as blending of tiles makes it, is read as 1."""
    probability = np.full((20, 30), np.float32(1.0000001))
    probability[0, 0] = 0.25
    found = read_mask_or_map(make_tiff(probability))
    assert found.dtype == np.float32
    assert found.max() == 1.0


def _make_zip(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return stream.getvalue()


def _make_noise(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(0, 255, shape).astype(np.uint8)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (make_tiff(_make_noise(120, 130)), "looks like an image"),
        (make_png(_make_noise(80, 90, 3)), "looks like a colour image"),
        (
            make_tiff(np.zeros((3, 20, 30), np.uint8), photometric="minisblack"),
            "an annotation is one plane",
        ),
        (make_tiff(np.full((20, 30), -3, np.int16)), "not labels"),
        (b"", "is empty"),
        (b"no image", "not an image that can be read"),
        (make_tiff(MASK)[:-30], "damaged"),
        (_make_zip(readme_txt=b"x"), "holds no ImageJ ROI"),
        (_make_zip(a_roi=b"nonsense"), "damaged"),
        (b"PK\x03\x04 and then nothing", "damaged"),
    ],
)
def test_refusals_name_cause_and_remedy(data: bytes, words: str) -> None:
    """What is no annotation is refused with a code and one sentence."""
    with pytest.raises(InputError) as caught:
        read_annotation(data, shape=None if b"nonsense" not in data else (20, 30), name="m.tif")
    assert caught.value.code == "invalid_annotation"
    assert words in caught.value.message or "does not tell the size" in caught.value.message


def test_jpeg_masks_are_refused() -> None:
    """JPEG blurs the values of a mask."""
    stream = io.BytesIO()
    Image.fromarray(MASK).save(stream, "JPEG")
    with pytest.raises(InputError, match="is a JPEG"):
        read_annotation(stream.getvalue())


def test_sizes_must_agree() -> None:
    """A mask of another size names both sizes."""
    with pytest.raises(InputError, match=r"20 x 30 pixels .* 30 x 20") as caught:
        read_annotation(make_tiff(MASK), shape=(30, 20))
    assert caught.value.code == "shape_mismatch"


def test_a_label_image_that_does_not_fit_into_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence tells how much memory is needed and what to do; nothing is decoded."""
    monkeypatch.setattr(annotation_files, "_ALWAYS_FITTING", 1000)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=60_000))
    write_labels(tmp_path / "small.tif", np.eye(40, dtype=np.int32))
    write_labels(tmp_path / "large.tif", np.eye(60, dtype=np.int32))
    assert read_annotation(tmp_path / "small.tif").max() == 1
    with pytest.raises(InputError, match=r"large\.tif holds 3,600 pixels; to read it") as caught:
        read_annotation(tmp_path / "large.tif")
    assert caught.value.code == "image_too_large"
    with pytest.raises(InputError, match="crop the image"):
        read_mask_or_map(tmp_path / "large.tif")
