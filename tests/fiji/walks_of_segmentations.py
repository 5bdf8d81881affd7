"""Walks through the commands that find ROIs, judge and measure them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tifffile

from tests.fiji.conftest import MODEL, draw_spots
from tests.fiji.stage import make_masks, read_files

if TYPE_CHECKING:
    from tests.fiji.stage import Stage

EMPTY_MANAGER = 'roiManager("reset");'
TWO_ROIS = (
    'makeRectangle(0, 0, 4, 5); Roi.setProperty("dfl.class", "cell"); roiManager("add"); '
    'makeOval(10, 10, 12, 12); roiManager("add"); run("Select None");'
)
# What is open: pixels in figures, calibration, and the outlines of each overlay.
LIST_IMAGES = """
text = "";
for (i = 1; i <= nImages; i++) {
    selectImage(i);
    getStatistics(area, mean, min, max);
    getPixelSize(unit, width, height);
    text = text + getTitle() + " " + bitDepth() + " " + mean + " " + max + " " + width + unit;
    for (j = 0; j < Overlay.size; j++) {
        Overlay.activateSelection(j);
        Roi.getBounds(x, y, w, h);
        text = text + ";" + Roi.getName + " " + x + "," + y + "," + w + "," + h;
    }
    run("Select None");
    text = text + "|";
}
return text;
""".replace("\n", " ")


def segment(stage: Stage) -> None:
    """Overlay, mask, labels, probabilities and table rows are the same."""
    command = "DFL Segment..."
    picture = stage.pictures / "cells.tif"
    stage.imagej.do("macro", EMPTY_MANAGER)
    stage.imagej.do("open", str(picture))
    filled = stage.choose(
        command, model=MODEL, channel=1, planes="current", threshold="0.4", min_roi_size="20",
        pixel_size="", separation="", mask=True, labels=True, probability=True,
        add_to_manager=True, append=False, table=True,
    )  # fmt: skip
    images = stage.imagej.do("macro", LIST_IMAGES).removeprefix("done ")
    names = stage.imagej.do("manager").splitlines()
    rows = stage.rows("DeepFLaSH ROIs")[-6:]
    line = stage.recorded(command, filled)
    stage.imagej.do("closeall")
    stage.imagej.do("macro", EMPTY_MANAGER)
    again = stage.replay(
        line, LIST_IMAGES, before=f'open("{picture.as_posix()}");', tables="DeepFLaSH ROIs"
    )
    assert again == images
    assert [row.split(" ")[0] for row in images.split("|")] == [
        "cells.tif", "cells-mask", "cells-labels", "cells-prob", "",
    ]  # fmt: skip
    assert images.count(";cFOS-") == len(names) == len(rows) == 6
    assert stage.imagej.do("manager").splitlines() == names
    assert stage.rows("DeepFLaSH ROIs")[1:] == rows


def segment_folder(stage: Stage) -> None:
    """The files of both runs say the same."""
    command = "DFL Segment Folder..."
    images = stage.place / "my images"
    (images / "day 2").mkdir(parents=True)
    for name, count in (("a", 2), ("day 2/b", 4), ("other", 6)):
        tifffile.imwrite(images / f"{name}.tif", draw_spots(count=count))
    outputs = [stage.place / "first run", stage.place / "second run"]
    filled = stage.choose(
        command, model=MODEL, input_folder=images, filter="?.tif", recursive=True,
        output_folder=outputs[0], suffix="-v1", channel="1", planes="all", threshold="0.4",
        min_roi_size="20", pixel_size="", separation="", mask=True, labels=True,
        probability=True, skip_existing=False, overwrite=True,
    )  # fmt: skip
    line = stage.recorded(command, filled)
    rows = stage.rows("DeepFLaSH Folder")
    stage.replay(line.replace(str(outputs[0]), str(outputs[1])), tables="DeepFLaSH Folder")
    first, second = (read_files(output) for output in outputs)
    assert first == second
    assert {"a-v1_labels.tif", "day 2/b-v1_RoiSet.zip", "summary-v1.csv"} <= set(first)
    assert len(first["day 2/b-v1_RoiSet.zip"]) == 4
    assert [row[:2] for row in rows[1:]] == [["a.tif", "2"], ["day 2/b.tif", "4"]]
    assert stage.rows("DeepFLaSH Folder") == rows


def evaluate(stage: Stage) -> None:
    """The table is the same."""
    command = "DFL Evaluate..."
    pictures = {str(count): draw_spots(count=count) for count in (4, 6)}
    for expert, columns in (("model", 64), ("anna", 128)):
        make_masks(stage.place, pictures, expert=expert, columns=columns)
    filled = stage.choose(
        command, prediction=stage.place / "masks" / "model", truth=stage.place / "masks" / "anna",
        model="none", level="both", threshold="", min_roi_size="5", iou_match="0.60",
        pixel_size="", separation="",
    )  # fmt: skip
    line = stage.recorded(command, filled)
    rows = stage.rows("DeepFLaSH Evaluation")
    stage.replay(line, tables="DeepFLaSH Evaluation")
    assert [row[0] for row in rows[1:]] == ["4", "6", "Mean"]
    assert [float(number) for number in rows[1][-3:]] == [2, 0, 2]
    assert stage.rows("DeepFLaSH Evaluation") == rows


def show_errors(stage: Stage) -> None:
    """The coloured images are the same, pixel for pixel."""
    command = "DFL Show Errors..."
    for expert, columns in (("model", 64), ("anna", 128)):
        make_masks(stage.place, {expert: draw_spots()}, expert=expert, columns=columns)
        stage.imagej.do("open", str(stage.place / "masks" / expert / f"{expert}.tif"))
    filled = stage.choose(command, prediction="model.tif", truth="anna.tif")
    line = stage.recorded(command, filled)
    files = [stage.place / "by-menu.tif", stage.place / "by-macro.tif"]
    stage.imagej.do("macro", f'saveAs("Tiff", "{files[0].as_posix()}"); close();')
    stage.replay(line, f'saveAs("Tiff", "{files[1].as_posix()}"); return "";')
    first, second = (tifffile.imread(file) for file in files)
    np.testing.assert_array_equal(first, second)
    colours = {tuple(colour) for colour in first.reshape(-1, 3).tolist()}
    assert colours == {(0, 0, 0), (255, 255, 255), (0, 255, 0)}


def measure(stage: Stage) -> None:
    """The rows of the ROIs and of the groups are the same."""
    command = "DFL Measure ROIs..."
    tables = ("DeepFLaSH ROIs", "DeepFLaSH Groups")
    stage.imagej.do("macro", EMPTY_MANAGER)
    stage.imagej.do("open", str(stage.pictures / "cells.tif"))
    stage.imagej.do("macro", TWO_ROIS)
    stage.close_tables(",".join(tables))
    filled = stage.choose(command, intensity_image="same image", group_by="class")
    line = stage.recorded(command, filled)
    rois, groups = (stage.rows(table) for table in tables)
    stage.replay(line, tables=",".join(tables))
    assert [row[rois[0].index("Area px")] for row in rois[-2:]] == ["20", "112"]
    assert [row[1] for row in groups[1:]] == ["", "cell"]
    assert [stage.rows(table) for table in tables] == [rois, groups]
