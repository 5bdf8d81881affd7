"""The whole workflow by a person who only uses the menu, on the demonstration data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from deepflash_service.workflows.samples import write_samples
from tests.fiji.conftest import await_that

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fiji.stage import Stage

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras, pytest.mark.slow]

EXPERTS = ("expert_1", "expert_2")
COLOURS = {(0, 0, 0), (255, 255, 255), (255, 0, 255), (0, 255, 0)}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demonstration data with two training images and two experts."""
    folder = tmp_path_factory.mktemp("by-menu") / "the data"
    write_samples(folder, images=2, experts=len(EXPERTS), seed=1)
    return folder


def annotate(stage: Stage, samples: Path) -> dict[str, str]:
    """Open each image, draw what each expert drew, and save it; return the folders."""
    masks = stage.place / "masks"
    images = sorted((samples / "train" / "images").glob("*.tif"))
    for expert in EXPERTS:
        for image in images:
            drawn = samples / "train" / "rois" / expert / f"{image.stem}_RoiSet.zip"
            stage.imagej.do("open", str(image))
            stage.imagej.do("macro", f'roiManager("reset"); roiManager("open", "{drawn}");')
            stage.choose(
                "DFL Save Annotation...", expert=expert, output_folder=masks, format="both",
                overwrite=False, **{"class": "cell"},
            )  # fmt: skip
            stage.imagej.do("closeall")
            labels = tifffile.imread(masks / expert / image.name)
            assert (labels > 0).sum() > 0
    return {"image_folder": str(samples / "train" / "images"), "mask_folders": str(masks)}


def agree(stage: Stage, annotated: dict[str, str]) -> None:
    """Check the pairs and merge the experts."""
    stage.choose("DFL Check Pairs...", experts="", **annotated)
    assert "4 pairs fit, 0 problems" in stage.imagej.do("log")
    output = stage.place / "consensus"
    stage.choose("DFL Merge Experts...", output_folder=output, method="auto", **annotated)
    assert len(list(output.glob("*.tif"))) == 2
    assert stage.rows("DeepFLaSH Agreement")[1][:2] == list(EXPERTS)


def train(stage: Stage, annotated: dict[str, str]) -> None:
    """Train for one epoch and see in the window how it ended."""
    stage.choose(
        "DFL Train...", model="by_menu", base="new", preset="quick", epochs="1", seed="3",
        consensus="auto", **annotated,
    )  # fmt: skip
    title = "DeepFLaSH Training by_menu"
    await_that(lambda: "is in the library" in stage.imagej.do("window", title), seconds=400)
    stage.imagej.do("close", title)
    assert stage.service.model("by_menu").version == 1


def segment(stage: Stage, image: Path) -> int:
    """Segment an image that the model has not seen; return the number of ROIs."""
    stage.imagej.do("macro", 'roiManager("reset");')
    stage.imagej.do("open", str(image))
    stage.close_tables("DeepFLaSH ROIs")
    stage.choose(
        "DFL Segment...", model="by_menu", planes="current", threshold="model",
        min_roi_size="model", mask=False, labels=True, probability=False, add_to_manager=True,
        append=False, table=True,
    )  # fmt: skip
    count = len(stage.imagej.do("manager").splitlines())
    assert count == len(stage.imagej.do("rois", image.name).splitlines()) > 0
    assert len(stage.rows("DeepFLaSH ROIs")) == count + 1
    return count


def judge(stage: Stage, image: Path, truth: Path) -> None:
    """Score the labels against the truth, see the errors, and measure the ROIs."""
    found = f"{image.stem}-labels"
    stage.choose(
        "DFL Evaluate...", prediction=found, truth=truth, model="none", level="both",
        threshold="", min_roi_size="",
    )  # fmt: skip
    heading, *rows = stage.rows("DeepFLaSH Evaluation")
    assert float(rows[-1][heading.index("F1")]) > 0.5
    stage.imagej.do("open", str(truth))
    stage.choose("DFL Show Errors...", prediction=found, truth=truth.name)
    file = stage.place / "errors.tif"
    stage.imagej.do("macro", f'saveAs("Tiff", "{file.as_posix()}"); close();')
    colours = np.unique(tifffile.imread(file).reshape(-1, 3), axis=0).tolist()
    assert {tuple(colour) for colour in colours} <= COLOURS
    stage.imagej.do("show", image.name)
    before = len(stage.rows("DeepFLaSH ROIs"))
    stage.choose("DFL Measure ROIs...", intensity_image="same image", group_by="none")
    assert len(stage.rows("DeepFLaSH ROIs")) == before + len(stage.imagej.do("manager").split())


def share(stage: Stage) -> None:
    """Take the model out of the library, and bring it back under another name."""
    file = stage.place / "by menu.deepflash.zip"
    library = "DFL Model Library..."
    stage.choose(library, action="export", model="by_menu", file=file, new_name="")
    stage.choose(library, action="import", model="by_menu", file=file, new_name="by_post")
    assert stage.service.model("by_post").version == 1
    names = [row[0] for row in stage.rows("DeepFLaSH Models")]
    assert {"by_menu", "by_post"} <= set(names)


def test_the_whole_workflow_by_menu_only(stage: Stage, samples: Path) -> None:
    """From the outlines of two experts to a model, its scores, its ROIs and its package."""
    annotated = annotate(stage, samples)
    agree(stage, annotated)
    train(stage, annotated)
    image = sorted((samples / "test" / "images").glob("*.tif"))[0]
    segment(stage, image)
    judge(stage, image, samples / "test" / "truth" / image.name)
    share(stage)
    assert not re.search("left out|failed", stage.imagej.do("log"))
