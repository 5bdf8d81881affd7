"""The command line on the shared microscopy data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service import cli
from deepflash_service.errors import InputError
from deepflash_service.store.images import read_annotation, read_image, read_rois

pytestmark = pytest.mark.data

EXPECTED: dict[str, tuple[int, str, tuple[float, ...], dict[str, int], tuple[int, int]]] = {
    "lab-wue1": (
        30, "labels/est_GT", (0.445, 0.593, 0.752, 0.783, 0.540, 0.758),
        {"expert_1": 879, "expert_2": 1738, "expert_3": 1967, "expert_4": 1908, "expert_5": 1711},
        (1749, 1692),
    ),
    "lab-mue": (
        30, "labels/est_GT", (0.408, 0.597, 0.769, 0.840, 0.526, 0.751),
        {"expert_1": 1319, "expert_3": 1625, "expert_4": 2302, "expert_5": 2249}, (1990, 1965),
    ),
    "lab-inns1": (
        16, "labels/est_GT", (0.499, 0.690, 0.853, 0.867, 0.747, 0.810),
        {"expert_1": 517, "expert_3": 663, "expert_4": 887, "expert_5": 913}, (812, 809),
    ),
    "lab-wue1-parv": (
        61, "staple", (0.662, 0.877, 0.923, 0.923, 0.831, 0.869),
        {"expert_1": 159, "expert_2": 174, "expert_3": 191, "expert_4": 191, "expert_5": 218},
        (197, 196),
    ),
}  # fmt: skip


def list_masks(folder: Path) -> list[str]:
    """Return the --masks options for all experts of a set."""
    experts = sorted((folder / "labels").glob("expert_*"))
    return [item for one in experts for item in ("--masks", f"{one.name}={one}")]


@pytest.mark.parametrize("name", list(EXPECTED))
def test_agreement_equals_the_published_table(
    shared_data: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pairs, consensus and ROI counts of the real data to three digits."""
    smallest, consensus, expected, rois, kept = EXPECTED[name]
    folder = shared_data / name
    given = str(folder / consensus) if "/" in consensus else consensus
    options = ["--consensus", given, "--min-roi-size", str(smallest), "--json"]
    assert cli.run(["agreement", *list_masks(folder), *options]) == 0
    result: Any = json.loads(capsys.readouterr().out)
    found = result["consensus"]
    values = [result["pairs"]["pixel_jaccard"], result["pairs"]["f1"]]
    values += [found[key] for key in ("mean_f1", "median_f1", "worst_f1", "mean_dice")]
    assert values == pytest.approx(expected, abs=0.0006)
    assert result["rois"] == {**rois, "consensus": kept[0]}
    assert found["rois_kept"] == kept[1]


@pytest.mark.parametrize(("name", "images"), [("lab-wue1", 18), ("lab-mue", 5), ("lab-inns1", 5)])
def test_consensus_equals_the_published_masks(
    shared_data: Path, tmp_path: Path, name: str, images: int
) -> None:
    """STAPLE reproduces est_GT pixel for pixel on every image."""
    folder = shared_data / name
    options = ["--method", "staple", "--output", str(tmp_path)]
    assert cli.run(["consensus", *list_masks(folder), *options]) == 0
    truths = sorted((folder / "labels" / "est_GT").iterdir())
    assert len(truths) == images
    for truth in truths:
        found = read_image(tmp_path / f"{truth.stem}.tif").select()
        assert set(np.unique(found)) <= {0, 255}
        np.testing.assert_array_equal(found > 0, read_annotation(truth) > 0)


def test_colour_coded_masks_give_their_nuclei(shared_data: Path) -> None:
    """871 nuclei in the eight fields of bbbc039, none in one of them."""
    files = sorted((shared_data / "bbbc039" / "masks").iterdir())
    counts = [int(read_annotation(path).max()) for path in files]
    assert sum(counts) == 871
    assert min(counts) == 0


def test_label_images_give_their_nuclei(shared_data: Path) -> None:
    """1,697 nuclei in dsb2018, the numbers as they are in the files."""
    files = sorted((shared_data / "dsb2018" / "masks").iterdir())
    assert sum(np.unique(read_annotation(path)).size - 1 for path in files) == 1697


ZOO: dict[str, tuple[tuple[int, ...], str, float, str]] = {
    "blobs.gif": ((1, 254, 256), "uint8", 1.0, "pixel"),
    "xy_12bit__saturated_plant.tif": ((1, 512, 512), "uint16", 2.4859, "µm"),
    "xy_16bit__nuclei_with_background.tif": ((1, 249, 212), "uint16", 0.32, "µm"),
    "xy_8bit_labels__nuclei_touchborder.tif": ((1, 505, 488), "uint8", 1.0, "pixel"),
    "xy_float__nuclei_probability.tif": ((1, 50, 59), "float32", 1.0, "pixel"),
    "xy_rgb__cells.tif": ((1, 257, 280, 3), "uint8", 1.0, "pixel"),
    "xyc_16bit__nuclei_tubulin_crop.tif": ((1, 156, 163, 2), "uint16", 1.0, "pixel"),
    "xyc_8bit__nuclei_nup.tif": ((1, 512, 512, 2), "uint8", 0.26358, "µm"),
    "xyt_8bit_polyp.tif": ((3, 313, 313), "uint8", 1.0, "pixel"),
    "xyz_8bit__nucleus.tif": ((7, 207, 207), "uint8", 1.0, "pixel"),
    "xyzc_16bit__spots.tif": ((17, 88, 89, 2), "uint16", 0.094134, "µm"),
}


@pytest.mark.parametrize("name", list(ZOO))
def test_the_format_zoo_is_read(shared_data: Path, name: str) -> None:
    """Axes, type and calibration of every kind of file."""
    shape, dtype, width, unit = ZOO[name]
    image = read_image(shared_data / "format_zoo" / name)
    assert image.planes.shape == shape
    assert image.planes.dtype == dtype
    assert image.calibration.pixel_width == pytest.approx(width, rel=1e-4)
    assert image.calibration.unit == unit
    assert image.is_rgb == (name == "xy_rgb__cells.tif")


def find_refusal(path: Path, shape: tuple[int, int] | None = None) -> str:
    """Return the sentence with which an annotation is refused, or nothing if it is read."""
    try:
        read_annotation(path, shape=shape)
    except InputError as error:
        return error.message
    return ""


def test_every_image_is_read_or_refused_with_a_sentence(shared_data: Path) -> None:
    """No file of the pack ends in a traceback, neither as image nor as annotation."""
    read = 0
    for part in ("format_zoo", "deepflash_samples", "dsb2018", "bbbc039", "lab-wue1-parv"):
        for path in sorted((shared_data / part).rglob("*.*")):
            assert read_image(path).planes.size
            read += 1
            sentence = find_refusal(path)
            assert not sentence or (path.name in sentence and sentence.endswith("."))
    assert read > 180


def test_every_roi_file_is_read_or_refused_with_a_sentence(shared_data: Path) -> None:
    """All 32 ROI files are drawn, or refused because they have no area."""
    drawn = 0
    files = sorted((shared_data / "roi").rglob("*.roi"))
    assert len(files) == 32
    for path in files:
        assert len(read_rois(path)) == 1
        sentence = find_refusal(path, shape=(600, 600))
        assert not sentence or (path.name in sentence and sentence.endswith("."))
        drawn += not sentence
    assert drawn >= 20


def test_calibrated_images_and_their_plain_masks_pair(shared_data: Path) -> None:
    """An image in micrometres and its mask without unit belong together."""
    folder = shared_data / "lab-wue1-parv"
    image = read_image(folder / "images" / "0001.tif")
    assert image.calibration.pixel_width == pytest.approx(100 / 161)
    mask = folder / "labels" / "expert_1" / "0001_Parv.tif"
    assert read_image(mask).calibration.unit == "pixel"
    assert read_annotation(mask, shape=image.shape).max() > 0
