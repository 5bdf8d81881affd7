"""Figures that were published or measured elsewhere, on the shared microscopy data."""

from __future__ import annotations

import timeit
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Picture

from deepflash_service.core.agreement import compare_experts, roi_jaccard
from deepflash_service.core.consensus import staple
from deepflash_service.core.roi_shapes import read_roi
from deepflash_service.core.rois import labels_to_rois, rois_to_labels, rois_to_mask
from deepflash_service.errors import InputError
from deepflash_service.records import Mask

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.data

LABS = {"lab-wue1": 18, "lab-mue": 5, "lab-inns1": 5}
COLUMNS = ("images", "pixel_jaccard", "f1", "consensus", "kept", "mean", "median", "worst", "dice")
PUBLISHED = {
    "lab-wue1": (30, (18, 0.445, 0.593, 1749, 1692, 0.752, 0.783, 0.540, 0.758)),
    "lab-mue": (30, (5, 0.408, 0.597, 1990, 1965, 0.769, 0.840, 0.526, 0.751)),
    "lab-inns1": (16, (5, 0.499, 0.690, 812, 809, 0.853, 0.867, 0.747, 0.810)),
    "lab-wue1-parv": (61, (12, 0.662, 0.877, 197, 196, 0.923, 0.923, 0.831, 0.869)),
}
ROIS = {
    "lab-wue1": [879, 1738, 1967, 1908, 1711],
    "lab-mue": [1319, 1625, 2302, 2249],
    "lab-inns1": [517, 663, 887, 913],
    "lab-wue1-parv": [159, 174, 191, 191, 218],
}
ORIGINAL = {
    "1049": (0.659, 0.763),
    "1051": (0.679, 0.798),
    "1052": (0.571, 0.771),
    "1057": (0.713, 0.799),
    "1058": (0.676, 0.826),
}
AREAS = {
    "read_roi/oval.roi": 994,
    "read_roi/polygon.roi": 7164,
    "read_roi/freehand.roi": 2056,
    "read_roi/ellipse.roi": 24,
    "read_roi/rectangle.roi": 1548,
    "read_roi/composite-brush-donut.roi": 18,
    "read_roi/composite-brush-yin-yang.roi": 545,
    "read_roi/composite-oval-in-rect.roi": 938,
    "read_roi/composite-rect-in-rect.roi": 2004,
    "read_roi/composite-two-ellipses.roi": 1389,
    "read_roi/composite-two-ovals.roi": 685,
    "read_roi/oval-left.roi": 16,
    "read_roi/ellipse-top.roi": 16,
    "ijroi/freehand_circle.roi": 4,
    "ijroi/polygon_integer.roi": 36,
}
"""Pixels that ImageJ 1.54p draws inside an image of 180 rows and 280 columns."""


def read_mask(path: Path) -> Mask:
    """Read a 0/255 mask, grey or with equal colour channels."""
    with Picture.open(path) as picture:
        return np.asarray(picture.convert("L")) > 127


def read_experts(folder: Path) -> dict[str, list[Mask]]:
    """Read the masks of all experts of a lab, in the order of the images."""
    experts = sorted(folder.glob("labels/expert_*"))
    return {
        expert.name: [read_mask(path) for path in sorted(expert.iterdir())] for expert in experts
    }


@pytest.mark.parametrize("lab", LABS)
def test_staple_reproduces_the_published_consensus(lab: str, shared_data: Path) -> None:
    """Every pixel of every published consensus mask."""
    experts = list(read_experts(shared_data / lab).values())
    published = [
        read_mask(path) for path in sorted((shared_data / lab / "labels/est_GT").iterdir())
    ]
    assert len(published) == LABS[lab]
    for index, expected in enumerate(published):
        np.testing.assert_array_equal(staple([masks[index] for masks in experts]), expected)


@pytest.mark.parametrize("lab", PUBLISHED)
def test_agreement_reproduces_the_table(lab: str, shared_data: Path) -> None:
    """Pairs, consensus and counts, to three digits."""
    minimum, expected = PUBLISHED[lab]
    result = compare_experts(
        read_experts(shared_data / lab), min_roi_size=minimum, consensus="staple"
    ).to_json()
    found = (
        result["images"],
        result["pairs"]["pixel_jaccard"],
        result["pairs"]["f1"],
        result["rois"].pop("consensus"),
        result["consensus"]["rois_kept"],
        *(result["consensus"][name] for name in ("mean_f1", "median_f1", "worst_f1", "mean_dice")),
    )
    rounded = {name: round(value, 3) for name, value in zip(COLUMNS, found, strict=True)}
    assert rounded == dict(zip(COLUMNS, expected, strict=True))
    assert list(result["rois"].values()) == ROIS[lab]


@pytest.mark.parametrize("image", ORIGINAL)
def test_original_variant_reproduces_the_scores_of_2018(image: str, shared_data: Path) -> None:
    """Consensus against expert 3 and 5, minimum 15 pixels, within 0.005."""
    folder = shared_data / "lab-mue/labels"
    consensus, *experts = (
        read_mask(folder / name / f"{image}_cFOS.png")
        for name in ("est_GT", "expert_3", "expert_5")
    )
    found = [
        roi_jaccard(consensus, expert, min_roi_size=15, variant="original") for expert in experts
    ]
    assert found == pytest.approx(ORIGINAL[image], abs=0.005)


def test_roi_jaccard_is_fast(shared_data: Path) -> None:
    """About 400 ROIs a side on 1024 x 1024 take at most 50 ms of processor time."""
    folder = shared_data / "lab-mue/labels"
    first, second = (read_mask(folder / name / "1058_cFOS.png") for name in ("est_GT", "expert_5"))
    roi_jaccard(first, second)
    seconds = timeit.repeat(
        lambda: roi_jaccard(first, second), number=1, repeat=7, timer=process_time
    )
    assert min(seconds) <= 0.05


@pytest.mark.parametrize("name", AREAS)
def test_rois_of_other_programs_are_drawn_as_imagej_does(name: str, shared_data: Path) -> None:
    """The area inside the image equals ImageJ's, and survives our own tracing."""
    mask = rois_to_mask([(shared_data / "roi" / name).read_bytes()], (180, 280))
    assert np.count_nonzero(mask) == AREAS[name]
    labels = mask.astype(np.int32)
    np.testing.assert_array_equal(rois_to_labels(labels_to_rois(labels), mask.shape), labels)


def test_every_roi_file_is_read_or_refused(shared_data: Path) -> None:
    """Rectangles to composites are read; points, lines and polylines are refused by a sentence."""
    refused = []
    for path in sorted((shared_data / "roi").rglob("*.roi")):
        try:
            read_roi(path.read_bytes())
        except InputError as error:
            refused.append(path.stem)
            assert "encloses no area" in error.message  # noqa: PT017 - both ends are counted below
    assert refused == [
        *("float_point", "int_point", "freeline", "line1", "line2", "multipoint", "point"),
        "polyline",
    ]
