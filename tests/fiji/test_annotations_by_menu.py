"""Save Annotation, Check Pairs and Merge Experts: by menu, recorded and replayed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import roifile
import tifffile

from deepflash_service.core.agreement import pixel_jaccard
from deepflash_service.core.kappa import cohen_kappa
from tests.fiji.conftest import await_recorded, await_that, draw_spots

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras]

SHOTS = Path(os.environ["DEEPFLASH_PICTURES"]) if "DEEPFLASH_PICTURES" in os.environ else None


def shoot(imagej: Desktop, name: str) -> None:
    """Keep a picture of the screen where DEEPFLASH_PICTURES asks for it."""
    if SHOTS:
        imagej.do("shot", str(SHOTS / f"{name}.png"))


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    """Return three images, annotations of anna for all and of ben for two, and a lonely mask."""
    folder = tmp_path / "my data"
    for name in ("images", "masks/anna", "masks/ben"):
        (folder / name).mkdir(parents=True)
    for count in (2, 4, 6):
        image = draw_spots(count=count)
        mask = (image > 1000).astype(np.uint8) * 255
        tifffile.imwrite(folder / "images" / f"{count}.tif", image)
        tifffile.imwrite(folder / "masks" / "anna" / f"{count}.tif", mask)
        if count > 2:
            mask[:, 64:] = 0
            tifffile.imwrite(folder / "masks" / "ben" / f"{count}.tif", mask)
    lonely = np.zeros((96, 128), np.uint8)
    lonely[4:20, 4:20] = 255
    tifffile.imwrite(folder / "masks" / "ben" / "lonely.tif", lonely)
    return folder


def read_mask(folder: Path, expert: str, count: int) -> NDArray[np.uint8]:
    """Return what an expert marked in an image."""
    mask: NDArray[np.uint8] = tifffile.imread(folder / "masks" / expert / f"{count}.tif")
    return mask


def test_annotation_is_saved_by_menu_and_replayed(
    imagej_2: Desktop, pictures: Path, tmp_path: Path
) -> None:
    """Label image, ROI set and facts; a second save asks, a macro needs the word overwrite."""
    imagej_2.do("macro", 'roiManager("reset");')
    imagej_2.do("open", str(pictures / "cells.tif"))
    draw = "makeOval(10, 10, 20, 20); roiManager('add'); makeRectangle(60, 10, 8, 9);"
    imagej_2.do("macro", f"{draw} roiManager('add');".replace("'", '"'))
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Save Annotation...")
    imagej_2.do("dialog")
    imagej_2.do("type", "0 cleo")
    imagej_2.do("type", "1 cFOS")
    imagej_2.do("type", f"2 {tmp_path}")
    shoot(imagej_2, "save")
    imagej_2.do("press", "OK")
    imagej_2.do("idle")
    folder = tmp_path / "cleo"
    labels = tifffile.imread(folder / "cells.tif")
    assert (labels.dtype, int(labels.max())) == (np.dtype(np.uint16), 2)
    assert len(roifile.roiread(folder / "cells_RoiSet.zip")) == 2
    facts = json.loads((folder / "cells.json").read_text())
    assert (facts["expert"], facts["class"], facts["rois"], facts["image"]) == (
        "cleo", "cFOS", 2, "cells.tif",
    )  # fmt: skip
    line = await_recorded(imagej_2, "DFL Save Annotation...")
    answer = imagej_2.do("macro", f"setBatchMode(true); {line}")
    assert "exists already and was kept. Add overwrite to replace it" in answer
    again = line.replace("expert=cleo", "expert=dora").replace("format=both", "format=mask")
    imagej_2.do("macro", f"setBatchMode(true); {again}")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "dora" / "cells.tif"), labels)
    assert not (tmp_path / "dora" / "cells_RoiSet.zip").exists()
    imagej_2.do("macro", 'roiManager("reset");')
    none = f"expert=emil output_folder=[{tmp_path}]"
    answer = imagej_2.do("macro", f'run("DFL Save Annotation...", "{none}");')
    assert answer.startswith("aborted No ROI is drawn on cells.tif.")
    imagej_2.do("macro", f'run("DFL Save Annotation...", "{none} allow_empty");')
    assert not tifffile.imread(tmp_path / "emil" / "cells.tif").any()


def test_pairs_are_judged_by_menu_and_replayed(imagej_2: Desktop, annotated: Path) -> None:
    """A verdict per image and expert, what is left over by name, and the sizes of the ROIs."""
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Check Pairs...")
    imagej_2.do("dialog")
    imagej_2.do("type", f"0 {annotated / 'images'}")
    imagej_2.do("type", f"1 {annotated / 'masks'}")
    imagej_2.do("press", "OK")
    imagej_2.do("idle")
    log = await_that(lambda: "5 pairs fit" in imagej_2.do("log") and imagej_2.do("log"))
    assert "anna: 12 ROIs in 3 files, smallest 113 px, median 197 px." in log
    assert "anna and ben agree with F1 " in log
    rows = [row.split("\t") for row in imagej_2.do("rows", "DeepFLaSH Pairs").splitlines()]
    assert ["2.tif", "anna", "2.tif", "fits", "2"] in [row[:5] for row in rows]
    assert ["2.tif", "ben", "", "missing"] in [row[:4] for row in rows]
    assert ["", "ben", "lonely.tif", "missing"] in [row[:4] for row in rows]
    agreement = {row[0]: row[5:7] for row in rows[1:] if row[3] == "fits" and row[1] == "ben"}
    jaccards = [
        pixel_jaccard(*(read_mask(annotated, expert, count) for expert in ("anna", "ben")))
        for count in (4, 6)
    ]
    assert agreement == {
        "4.tif": ["0.667", f"{jaccards[0]:.3f}"],
        "6.tif": ["0.800", f"{jaccards[1]:.3f}"],
    }
    sizes = [row.split("\t") for row in imagej_2.do("rows", "DeepFLaSH ROI Sizes").splitlines()]
    assert [row[0] for row in sizes[1:]] == ["anna", "ben"]
    assert [float(number) for number in sizes[1][1:]] == [3, 12, 113, 197]
    shoot(imagej_2, "pairs")
    line = await_recorded(imagej_2, "DFL Check Pairs...")
    before = imagej_2.do("rows", "DeepFLaSH Pairs")
    assert imagej_2.do("macro", f'setBatchMode(true); {line} return "on";') == "done on"
    assert imagej_2.do("rows", "DeepFLaSH Pairs") == before
    answer = imagej_2.do("macro", line.replace("experts=[]", "experts=[anna, carl]"))
    assert "There is no expert carl. Known are anna, ben." in answer
    imagej_2.do("macro", line.replace("experts=[]", "experts=anna"))
    assert "ben" not in imagej_2.do("rows", "DeepFLaSH Pairs")


def test_experts_are_merged_by_menu_and_replayed(
    imagej_2: Desktop, annotated: Path, tmp_path: Path
) -> None:
    """Images with two experts get a mask of 0 and 255; a replay needs the word overwrite."""
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Merge Experts...")
    imagej_2.do("dialog")
    imagej_2.do("type", f"0 {annotated / 'images'}")
    imagej_2.do("type", f"1 {annotated / 'masks'}")
    imagej_2.do("type", f"2 {tmp_path / 'merged'}")
    imagej_2.do("choose", "0 union")
    shoot(imagej_2, "merge")
    imagej_2.do("press", "OK")
    imagej_2.do("idle")
    await_that(lambda: "2 merged, 1 with too few experts" in imagej_2.do("log"))
    merged = tifffile.imread(tmp_path / "merged" / "6.tif")
    assert set(np.unique(merged)) == {0, 255}
    np.testing.assert_array_equal(merged > 0, draw_spots(count=6) > 1000)
    heading, row = imagej_2.do("rows", "DeepFLaSH Agreement").splitlines()
    assert heading.strip().split("\t")[:5] == [
        "Expert", "Other expert", "Pixel Jaccard", "Dice coefficient", "Cohen's kappa",
    ]  # fmt: skip
    assert row.split("\t")[:2] == ["anna", "ben"]
    kappas = [
        cohen_kappa(*(read_mask(annotated, expert, count) for expert in ("anna", "ben")))
        for count in (4, 6)
    ]
    assert float(row.split("\t")[4]) == pytest.approx(np.mean(kappas), abs=1e-3)
    line = await_recorded(imagej_2, "DFL Merge Experts...")
    assert "exists already" in imagej_2.do("macro", f"setBatchMode(true); {line}")
    again = line.replace("min_experts=2", "min_experts=2 overwrite")
    assert imagej_2.do("macro", f'setBatchMode(true); {again} return "on";') == "done on"
