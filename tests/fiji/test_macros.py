"""The macros in a real ImageJ, without a display and with one."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
import roifile
import tifffile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fiji.desktop import Desktop

pytestmark = pytest.mark.jvm

CONVERT = "DeepFLaSH_ROIs_to_Masks.ijm"
WORKFLOW = "Workflow_Example.ijm"
PLACES = "data=[/no pe] output=/nope model=x"

SHAPES = {"a 1": (64, 100), "b": (80, 50)}


def square(name: str, *, left: int, top: int, side: int) -> roifile.ImagejRoi:
    """Return a square ROI."""
    corners = [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
    roi = roifile.ImagejRoi.frompoints(np.array(corners, np.int32))
    roi.name = name
    return roi


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two images of different size, their ROI sets, and two lonely files."""
    (tmp_path / "my images").mkdir()
    (tmp_path / "rois").mkdir()
    for name, shape in SHAPES.items():
        tifffile.imwrite(
            tmp_path / "my images" / f"{name}.tif",
            np.zeros(shape, np.uint16),
            imagej=True,
            resolution=(4, 4),
            metadata={"unit": "um"},
        )
    tifffile.imwrite(tmp_path / "my images" / "lonely.tif", np.zeros((9, 9), np.uint8))
    pair = [square("x", left=2, top=2, side=18), square("y", left=20, top=2, side=18)]
    roifile.roiwrite(tmp_path / "rois" / "a 1_RoiSet.zip", pair, mode="w")
    roifile.roiwrite(tmp_path / "rois" / "b.roi", square("z", left=5, top=60, side=12))
    roifile.roiwrite(tmp_path / "rois" / "zz_RoiSet.zip", pair, mode="w")
    return tmp_path


@pytest.fixture
def run_headless(require_jvm: Path, plugin_jar: Path, project_root: Path) -> object:
    """Return a function that runs a macro without a display: its answer and all output."""
    classes = plugin_jar.parent / "test-classes"
    path = os.pathsep.join([str(require_jvm / "*"), str(plugin_jar), str(classes)])
    fixed = ["java", "-Djava.awt.headless=true", "--add-opens=java.base/java.lang=ALL-UNNAMED"]

    def run(macro: str, argument: str) -> tuple[int, str]:
        command = [*fixed, "-cp", path, "org.deepflash.driver.HeadlessDriver"]
        done = subprocess.run(
            [*command, str(project_root / "macros" / macro), argument],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def argument(folder: Path, words: str = "") -> str:
    """Return the argument of the conversion macro."""
    places = f"images=[{folder / 'my images'}] rois=[{folder / 'rois'}] output=[{folder / 'out'}]"
    return f"{places} expert=anna {words}".strip()


def test_conversion_pairs_by_name_and_keeps_touching_rois_apart(
    folder: Path, run_headless: object
) -> None:
    """Each label image has the size and calibration of its image; the lonely files are named."""
    code, output = run_headless(CONVERT, argument(folder))  # type: ignore[operator]
    assert code == 0, output
    assert ">> 2 converted, 0 kept, 2 left out, 0 failed" in output
    assert "lonely.tif" in output
    assert "zz_RoiSet.zip" in output
    for name, shape in SHAPES.items():
        path = folder / "out" / "anna" / f"{name}.tif"
        with tifffile.TiffFile(path) as tiff:
            labels = tiff.asarray()
            assert tiff.imagej_metadata is not None
            assert tiff.imagej_metadata["unit"] in {"um", "micron", "µm", "\\u00B5m"}
        assert (labels.dtype, labels.shape) == (np.dtype(np.uint16), shape)
        assert path.with_name(f"{name}_RoiSet.zip").is_file()
    labels = tifffile.imread(folder / "out" / "anna" / "a 1.tif")
    assert np.bincount(labels.ravel())[1:].tolist() == [324, 324]
    assert (labels[5, 19], labels[5, 20]) == (1, 2)


def test_nothing_is_replaced_without_the_word(folder: Path, run_headless: object) -> None:
    """A second run keeps the results and says so; overwrite replaces them."""
    run = run_headless
    run(CONVERT, argument(folder))  # type: ignore[operator]
    mark = folder / "out" / "anna" / "b.tif"
    mark.write_bytes(b"mine")
    code, output = run(CONVERT, argument(folder))  # type: ignore[operator]
    assert code == 0
    assert "0 converted, 2 kept" in output
    assert mark.read_bytes() == b"mine"
    _, output = run("DeepFLaSH_Annotate.ijm", argument(folder, "watershed overwrite"))  # type: ignore[operator]
    assert "2 converted, 0 kept" in output
    assert mark.read_bytes() != b"mine"


def test_annotation_macro_saves_one_image(folder: Path, run_headless: object) -> None:
    """With arguments no dialog opens, and the ROI set lies beside the label image."""
    image, rois = folder / "my images" / "b.tif", folder / "rois" / "b.roi"
    places = f"image=[{image}] rois=[{rois}] output=[{folder / 'out'}]"
    code, output = run_headless("DeepFLaSH_Annotate.ijm", f"{places} expert=ben")  # type: ignore[operator]
    assert code == 0, output
    labels = tifffile.imread(folder / "out" / "ben" / "b.tif")
    assert (labels.shape, int((labels == 1).sum())) == ((80, 50), 144)
    assert (folder / "out" / "ben" / "b_RoiSet.zip").is_file()


@pytest.mark.parametrize(
    ("macro", "given", "sentence"),
    [
        (CONVERT, "images=/nope rois=/nope output=/nope expert=x", "There is no folder"),
        (CONVERT, "images=/nope", "images=DIR rois=DIR output=DIR expert=NAME"),
        ("DeepFLaSH_Annotate.ijm", "output=/nope expert=x", "No image is open"),
        ("DeepFLaSH_Annotate.ijm", "output=/nope expert=../x", "becomes a file name"),
        ("DeepFLaSH_Segment_Folder.ijm", "images=/nope output=/nope model=x", "There is no folder"),
        ("DeepFLaSH_Segment_Folder.ijm", "images=/nope output=/nope model=[x", "Close it with ]"),
        ("DeepFLaSH_Segment_Folder.ijm", "images=. output=. model=x threshold=9", "no probability"),
        (WORKFLOW, "data=/nope", "data=DIR output=DIR model=NAME"),
        (WORKFLOW, f"{PLACES} epoch=1", "Unknown word epoch=1. Known are data="),
        (WORKFLOW, f"{PLACES} seed", "Unknown word seed. Known are data="),
        (WORKFLOW, "data=[/no pe] output=/nope out model=x", "Unknown word out. Known are data="),
        (WORKFLOW, "data=/nope output=/nope model=[x y", "Close it with ]"),
    ],
)  # fmt: skip
def test_wrong_arguments_end_the_macro_with_a_sentence(
    macro: str, given: str, sentence: str, run_headless: object
) -> None:
    """The macro stops early with cause and remedy, and the process ends."""
    code, output = run_headless(macro, given)  # type: ignore[operator]
    assert code == 1
    assert sentence in output


@pytest.mark.xvfb
@pytest.mark.keras
def test_conversion_runs_with_a_display_too(
    folder: Path, clean_desktop: Desktop, project_root: Path
) -> None:
    """The same macro file gives the same answer in a real ImageJ with windows."""
    macro = (project_root / "macros" / "DeepFLaSH_ROIs_to_Masks.ijm").as_posix()
    answer = clean_desktop.do("macro", f'return runMacro("{macro}", "{argument(folder)}");')
    assert answer == "done 2 converted, 0 kept, 2 left out, 0 failed"
    assert tifffile.imread(folder / "out" / "anna" / "b.tif").max() == 1


@pytest.mark.xvfb
@pytest.mark.keras
def test_folder_macro_segments_and_tells_what_failed(
    pictures: Path, clean_desktop: Desktop, project_root: Path, tmp_path: Path
) -> None:
    """What cannot be segmented is a row with its reason, and the user's own image stays open."""
    given_pictures = tmp_path / "do not overwrite these labels"
    shutil.copytree(pictures, given_pictures)
    (given_pictures / "zz_bad.tif").write_text("no image")
    macro = (project_root / "macros" / "DeepFLaSH_Segment_Folder.ijm").as_posix()
    given = f"images=[{given_pictures}] output=[{tmp_path / 'out'}] model=Bright labels"
    call = f'newImage("mine", "8-bit", 64, 64, 1); r = runMacro("{macro}", "{given}");'
    call += 'r = r + " " + getTitle() + nImages; close(); return r;'
    assert clean_desktop.do("macro", call) == "done 2 segmented, 0 kept, 3 failed mine1"
    assert not (tmp_path / "out" / "mine_RoiSet.zip").exists()
    rows = (tmp_path / "out" / "summary.csv").read_text().splitlines()
    assert "cells.tif,6," in rows
    assert any("stack.tif has 2 channels" in row for row in rows)
    assert any(row.startswith('colour.tif,,"This is an RGB image') for row in rows)
    assert any(row.startswith('zz_bad.tif,,"') and "cannot be opened" in row for row in rows)
    assert clean_desktop.do("macro", call) == "done 0 segmented, 2 kept, 3 failed mine1"
    odd = f'return call("org.deepflash.Macros.segmentFolder", "{given} odd=1");'
    assert "Unknown option odd" in clean_desktop.do("macro", odd)
    assert tifffile.imread(tmp_path / "out" / "cells_labels.tif").max() == 6
    assert len(roifile.roiread(tmp_path / "out" / "cells_RoiSet.zip")) == 6
    table = (tmp_path / "out" / "cells_rois.csv").read_text().splitlines()
    assert table[0].startswith("Image,ROI,Class,C,Z,T,Area")
    assert len(table) == 7


@pytest.mark.xvfb
@pytest.mark.keras
def test_tool_set_is_accepted_and_saves(
    pictures: Path, clean_desktop: Desktop, project_root: Path, tmp_path: Path
) -> None:
    """The tool set installs without a macro error; its save function writes under the expert."""
    path = project_root / "macros" / "toolsets" / "DeepFLaSH Annotation.ijm"
    image = (pictures / "cells.tif").as_posix()
    answer = clean_desktop.do(
        "macro",
        f'call("ij.Prefs.set", "deepflash.expert", "cleo"); '
        f'call("ij.Prefs.set", "deepflash.output", "{tmp_path.as_posix()}"); '
        f'run("Install...", "install=[{path.as_posix()}]"); roiManager("reset"); '
        f'open("{image}"); makeOval(10, 10, 20, 20); run("Add ROI [F2]"); '
        'run("Save annotation [F3]"); roiManager("reset"); return "went on";',
    )
    assert answer == "done went on"
    assert tifffile.imread(tmp_path / "cleo" / "cells.tif").max() == 1
