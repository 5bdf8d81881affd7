"""``DFL Segment Folder...``: by menu, recorded, replayed, with bad files and inner folders."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from tests.fiji.conftest import await_recorded, await_that, draw_spots
from tests.fiji.test_annotations_by_menu import shoot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a folder with images, one of them damaged, one in a folder inside, and a PNG twin."""
    folder = tmp_path / "my images"
    (folder / "day 2").mkdir(parents=True)
    for name, count in (("a_c1", 2), ("b_c1", 4), ("day 2/a_c1", 6), ("dapi", 6)):
        tifffile.imwrite(folder / f"{name}.tif", draw_spots(count=count))
    tifffile.imwrite(folder / "b_c1.tiff", draw_spots(count=4))
    (folder / "z_c1.tif").write_bytes(b"no image")
    (folder / "y_c1.tif").write_bytes((folder / "a_c1.tif").read_bytes()[:200])
    return folder


def read_summary(path: Path) -> dict[str, tuple[str, str]]:
    """Return image to number of ROIs and error."""
    with path.open(newline="", encoding="utf-8") as file:
        return {row["Image"]: (row["ROIs"], row["Error"]) for row in csv.DictReader(file)}


def test_folder_is_segmented_by_menu_and_replayed(
    imagej_2: Desktop, images: Path, tmp_path: Path
) -> None:
    """Each image is a row; the recorded line keeps results, and makes the same files elsewhere."""
    output = tmp_path / "results"
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Segment Folder...")
    imagej_2.do("dialog")
    imagej_2.do("choose", "0 Bright")
    imagej_2.do("type", f"0 {images}")
    imagej_2.do("type", "1 *_c1.tif*")
    imagej_2.do("tick", "Recursive")
    imagej_2.do("type", f"2 {output}")
    imagej_2.do("type", "3 -v1")
    assert "Channel: number or name; empty = the only one." in imagej_2.do("dialog")
    shoot(imagej_2, "segment-folder")
    imagej_2.do("press", "OK")
    # The first segmentation of a service waits for its worker.
    await_that((output / "summary-v1.csv").is_file)
    imagej_2.do("idle")
    rows = read_summary(output / "summary-v1.csv")
    assert {name: rois for name, (rois, _) in rows.items()} == {
        "a_c1.tif": "2", "b_c1.tif": "4", "b_c1.tiff": "", "y_c1.tif": "", "z_c1.tif": "",
        "day 2/a_c1.tif": "6",
    }  # fmt: skip
    assert "Rename one of the two images." in rows["b_c1.tiff"][1]
    for name in ("y_c1.tif", "z_c1.tif"):
        assert "cannot be opened as an image" in rows[name][1]
    table = imagej_2.do("rows", "DeepFLaSH Folder").splitlines()
    assert len(table) == len(rows) + 1
    labels = output / "day 2" / "a_c1-v1_labels.tif"
    assert int(tifffile.imread(labels).max()) == 6
    assert (output / "a_c1-v1_RoiSet.zip").is_file()
    assert not imagej_2.do("images")
    line = await_recorded(imagej_2, "DFL Segment Folder...")
    again = f'setBatchMode(true); {line} return "on";'
    labels.write_bytes(b"mine")
    assert imagej_2.do("macro", again) == "done on"
    assert "0 segmented, 3 kept, 3 failed." in imagej_2.do("log")
    assert labels.read_bytes() == b"mine"
    elsewhere = tmp_path / "other"
    assert imagej_2.do("macro", again.replace(str(output), str(elsewhere))) == "done on"
    for path in sorted(output.rglob("*_labels.tif")):
        if path != labels:
            twin = elsewhere / path.relative_to(output)
            np.testing.assert_array_equal(tifffile.imread(path), tifffile.imread(twin))
    imagej_2.do("macro", again.replace("skip_existing", "overwrite"))
    assert int(tifffile.imread(labels).max()) == 6


def test_results_beside_the_images_are_no_images(imagej_2: Desktop, images: Path) -> None:
    """A second run in the same folder works on the same images; wrong words end it at once."""
    options = f"model=Bright input_folder=[{images}] output_folder=[{images}] filter=a mask labels"
    run = 'run("DFL Segment Folder...", "{}");'
    for words in ("", " overwrite"):
        imagej_2.do("macro", run.format(options + words))
        assert list(read_summary(images / "summary.csv")) == ["a_c1.tif", "dapi.tif"]
    answer = imagej_2.do("macro", run.format(options))
    assert "No image was segmented (0 segmented, 0 kept, 2 failed)" in answer
    assert "Add overwrite to replace it" in read_summary(images / "summary.csv")["dapi.tif"][1]
    for words, sentence in (
        ("skip_existing overwrite", "Choose one of the two."),
        ("suffix=../x", "becomes part of file names"),
        ("filtr=a", "Unknown option filtr"),
        ("filter=nothing", "has a name like nothing"),
    ):
        assert sentence in imagej_2.do("macro", run.format(f"{options} {words}"))


def test_files_on_disk_have_neither_plane_nor_channel_that_is_shown(
    imagej_2: Desktop, tmp_path: Path, project_root: Path
) -> None:
    """Without words all planes are segmented, and of several channels none is taken unasked."""
    folder = tmp_path / "odd"
    folder.mkdir()
    few, many = draw_spots(count=2), draw_spots(count=6)
    for name, axes, planes in (("stack", "ZYX", [few, many, few]), ("two", "CYX", [few, many])):
        tifffile.imwrite(
            folder / f"{name}.tif", np.stack(planes), imagej=True, metadata={"axes": axes}
        )
    macro = (project_root / "macros" / "DeepFLaSH_Segment_Folder.ijm").as_posix()
    given = f"images=[{folder}] output=[{tmp_path / 'out'}] model=Bright overwrite"
    names = f"input_folder=[{folder}] output_folder=[{tmp_path / 'out'}] model=Bright overwrite"
    refused = ("", "two.tif has 2 channels, but model Bright expects 1. "
               "Choose one with the option channel.")  # fmt: skip
    for words, stack, two in (
        ("", "10", refused),
        (" planes=all channel=2", "", ("6", "")),
        (" planes=current channel=1", "2", ("2", "")),
        (" planes=[max projection]", "6", refused),
    ):
        for line in (
            f'run("DFL Segment Folder...", "{names}{words}"); return "on";',
            f'runMacro("{macro}", "{given}{words}"); return "on";',
        ):
            assert imagej_2.do("macro", line) == "done on"
            rows = read_summary(tmp_path / "out" / "summary.csv")
            assert (rows["stack.tif"][0], rows["two.tif"]) == (stack, two), line
