"""Walks through the commands with which experts mark images and are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tifffile

from tests.fiji.conftest import draw_spots
from tests.fiji.stage import make_masks, read_files
from tests.fiji.walks_of_segmentations import EMPTY_MANAGER, TWO_ROIS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fiji.stage import Stage


def annotate(stage: Stage) -> None:
    """The same image is open, with the same tool and brush."""
    command = "DFL Annotate..."
    images = stage.place / "my images"
    images.mkdir()
    for name in ("alpha", "beta", "gamma"):
        tifffile.imwrite(images / f"{name}.tif", draw_spots(), imagej=True)
    stage.imagej.do("macro", EMPTY_MANAGER)
    filled = stage.choose(
        command, expert="anna", image_folder=images, output_folder=stage.place / "out",
        colour_by="expert", brush="21", blind=True, seed="7", **{"class": "cFOS"},
    )  # fmt: skip
    look = (
        'selectImage(1); return getTitle() + " " + getInfo("dfl.file") + " " + IJ.getToolName + '
        '" " + call("ij.Prefs.get", "toolbar.brush.size", "");'
    )
    seen = stage.imagej.do("macro", look).removeprefix("done ")
    line = stage.recorded(command, filled)
    stage.imagej.do("closeall")
    stage.imagej.do("macro", 'setTool("rectangle");')
    assert stage.replay(line, look) == seen
    assert seen.startswith("Image 1 of 3")
    assert seen.endswith("polygon 21")


def save_annotation(stage: Stage) -> None:
    """Label image, ROI set and facts are the same."""
    command = "DFL Save Annotation..."
    stage.imagej.do("macro", EMPTY_MANAGER)
    stage.imagej.do("open", str(stage.pictures / "cells.tif"))
    stage.imagej.do("macro", TWO_ROIS)
    folders = [stage.place / "saved first", stage.place / "saved again"]
    filled = stage.choose(
        command, expert="cleo", output_folder=folders[0], format="both", allow_empty=False,
        overwrite=True, **{"class": "cFOS"},
    )  # fmt: skip
    line = stage.recorded(command, filled)
    stage.replay(line.replace(str(folders[0]), str(folders[1])))
    first, second = (read_files(folder) for folder in folders)
    assert first == second
    assert {"cleo/cells.tif", "cleo/cells_RoiSet.zip", "cleo/cells.json"} <= set(first)
    assert len(first["cleo/cells_RoiSet.zip"]) == first["cleo/cells.json"]["rois"] == 2
    save_stack(stage, command)


def save_stack(stage: Stage, command: str) -> None:
    """The dialog for a stack asks for a folder of its planes; the planes are there again."""
    stage.imagej.do("closeall")
    stage.imagej.do("macro", EMPTY_MANAGER)
    stage.imagej.do("open", str(stage.pictures / "stack.tif"))
    stage.imagej.do("macro", f"Stack.setPosition(1, 3, 1); {TWO_ROIS}")
    folders = [stage.place / "stack first", stage.place / "stack again"]
    filled = stage.choose(
        command, kind="stack", expert="cleo", output_folder=folders[0] / "masks",
        image_folder=folders[0] / "planes", format="mask", allow_empty=False, overwrite=False,
        **{"class": "cFOS"},
    )  # fmt: skip
    line = stage.recorded(command, filled)
    stage.replay(line.replace(str(folders[0]), str(folders[1])))
    first, second = (read_files(folder) for folder in folders)
    assert first == second
    assert {"masks/cleo/stack-t001-z003.tif", "planes/stack-t001-z003.tif"} <= set(first)


def make_experts(place: Path) -> dict[str, str]:
    """Write what two experts marked, one of them only the left half; return the options."""
    pictures = {str(count): draw_spots(shape=(144, 144), count=count) for count in (2, 4, 6)}
    for expert, columns in (("anna", 144), ("ben", 64)):
        make_masks(place / "my data", pictures, expert=expert, columns=columns)
    return {
        "image_folder": str(place / "my data" / "images"),
        "mask_folders": str(place / "my data" / "masks"),
    }


def check_pairs(stage: Stage) -> None:
    """Verdicts and sizes are the same."""
    command = "DFL Check Pairs..."
    tables = ("DeepFLaSH Pairs", "DeepFLaSH ROI Sizes")
    filled = stage.choose(command, experts="anna, ben", **make_experts(stage.place))
    line = stage.recorded(command, filled)
    pairs, sizes = (stage.rows(table) for table in tables)
    told = [row for row in stage.log() if "anna and ben agree" in row]
    stage.clear_log()
    stage.replay(line, tables=",".join(tables))
    assert len(pairs) == 1 + 3 * 2
    assert [row[0] for row in sizes[1:]] == ["anna", "ben"]
    assert [stage.rows(table) for table in tables] == [pairs, sizes]
    assert told
    assert [row for row in stage.log() if "anna and ben agree" in row] == told


def merge_experts(stage: Stage) -> None:
    """The masks and the table of agreement are the same."""
    command = "DFL Merge Experts..."
    folders = [stage.place / "merged first", stage.place / "merged again"]
    filled = stage.choose(
        command, output_folder=folders[0], method="union", min_experts="2", overwrite=False,
        **make_experts(stage.place),
    )  # fmt: skip
    line = stage.recorded(command, filled)
    rows = stage.rows("DeepFLaSH Agreement")
    stage.replay(line.replace(str(folders[0]), str(folders[1])), tables="DeepFLaSH Agreement")
    first, second = (read_files(folder) for folder in folders)
    assert first == second
    assert sorted(first) == ["2.tif", "4.tif", "6.tif"]
    assert rows[1][:2] == ["anna", "ben"]
    assert stage.rows("DeepFLaSH Agreement") == rows
