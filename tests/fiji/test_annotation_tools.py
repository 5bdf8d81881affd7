"""The tool set: an annotation session in a real ImageJ, blind and open, interrupted and resumed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import roifile
import tifffile

from tests.fiji.conftest import await_recorded, await_that, draw_spots
from tests.fiji.test_annotations_by_menu import shoot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras]

NAMES = ("alpha", "beta", "gamma", "delta")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a folder with four images, whose slices are labelled with their names."""
    folder = tmp_path / "my images"
    folder.mkdir()
    for name in NAMES:
        metadata = {"Labels": [f"{name}.tif"]}
        tifffile.imwrite(folder / f"{name}.tif", draw_spots(), imagej=True, metadata=metadata)
    return folder


@pytest.fixture
def tools(imagej_2: Desktop, project_root: Path) -> Desktop:
    """Return ImageJ with the tool set installed, an empty ROI Manager and the usual settings."""
    for key, value in (("blind", "false"), ("colour_by", "class"), ("session_planes", "")):
        imagej_2.do("macro", f'call("ij.Prefs.set", "deepflash.{key}", "{value}");')
    path = (project_root / "macros" / "toolsets" / "DeepFLaSH Annotation.ijm").as_posix()
    imagej_2.do("macro", f'run("Install...", "install=[{path}]"); roiManager("reset");')
    return imagej_2


def act(imagej: Desktop, options: str) -> str:
    """Do one step of the session and return its answer."""
    call = f'return call("org.deepflash.Macros.annotate", "{options}");'
    return str(imagej.do("macro", call)).removeprefix("done ")


def draw(imagej: Desktop, *, left: int) -> None:
    """Outline an object and press the key of the tool set."""
    macro = f'makeOval({left}, 10, 12, 14); run("Add ROI [F2]");'
    assert imagej.do("macro", macro).startswith("done")


def title(imagej: Desktop) -> str:
    """Return title and subtitle of the current image, and the names that a person could read."""
    return str(imagej.do("macro", 'return getTitle() + getInfo("slice.label");'))


def test_a_session_by_its_dialog_is_blind_and_saved(
    tools: Desktop, images: Path, tmp_path: Path
) -> None:
    """No name is shown, the order is that of the seed, and facts tell that it was blind."""
    tools.do("menu", "Start session...")
    tools.do("dialog")
    tools.do("type", "0 anna")
    tools.do("type", "1 cFOS")
    tools.do("type", f"2 {images}")
    tools.do("type", f"3 {tmp_path / 'out'}")
    tools.do("tick", "Blind (file names hidden, order by the seed)")
    tools.do("type", "4 7")
    shoot(tools, "annotate")
    tools.do("press", "OK")
    await_that(lambda: "Image 1 of 4" in tools.do("images"))
    order: list[str] = []
    for number in range(1, 5):
        shown = title(tools)
        assert shown == f"done Image {number} of 4"
        draw(tools, left=10 * number)
        if number == 1:
            shoot(tools, "annotating")
        assert tools.do("macro", 'run("Save annotation [F3]");').startswith("done")
        saved = {path.stem for path in (tmp_path / "out" / "anna").glob("*.tif")}
        order += sorted(saved - set(order))
        if number < 4:
            tools.do("macro", 'run("Next image [F4]");')
    assert sorted(order) == sorted(NAMES)
    assert order != sorted(NAMES)
    facts = json.loads((tmp_path / "out" / "anna" / f"{order[0]}.json").read_text())
    assert (facts["image"], facts["blind_seed"]) == (f"{order[0]}.tif", "7")
    labels = tifffile.imread(tmp_path / "out" / "anna" / f"{order[2]}.tif")
    assert np.argwhere(labels)[:, 1].min() == 30
    assert not list((tmp_path / "out" / "anna" / ".drafts").iterdir())
    assert "All 4 images are annotated by anna" in act(tools, "action=next")
    assert title(tools) == "done Image 4 of 4"


def test_killed_in_the_middle_nothing_is_lost(
    open_imagej: Callable[..., Any], images: Path, tmp_path: Path
) -> None:
    """ImageJ dies; the next session goes on at the same image with the same ROIs."""
    start = f"action=start images=[{images}] output=[{tmp_path / 'out'}] expert=ben class=Parv"
    with open_imagej("first") as first:
        assert act(first, start) == "Image 1 of 4, 0 done"
        first.do("macro", "makeOval(10, 10, 12, 14);")
        act(first, "action=add")
        act(first, "action=save")
        act(first, "action=next")
        for left in (30, 60):
            first.do("macro", f"makeOval({left}, 10, 12, 14);")
            act(first, "action=add")
        first.kill()
    with open_imagej("second") as second:
        assert act(second, start) == "Image 2 of 4, 1 done, 2 ROIs restored"
        assert title(second) == "done beta.tifbeta.tif"
        assert second.do("manager").splitlines() == ["Parv-0001", "Parv-0002"]
        act(second, "action=save")
        assert act(second, "action=unsaved") == "0"
        assert act(second, "action=previous") == "Image 1 of 4, 2 done, 1 ROIs restored"
    assert len(roifile.roiread(tmp_path / "out" / "ben" / "beta_RoiSet.zip")) == 2


def test_undo_classes_and_the_own_rois_of_a_person(
    tools: Desktop, images: Path, tmp_path: Path
) -> None:
    """Each step is undone, classes have colours, and ROIs that were there before stay there."""
    tools.do("manager", "mine")
    start = f"action=start images=[{images}] output=[{tmp_path / 'out'}] expert=cleo class=cFOS"
    act(tools, start)
    draw(tools, left=10)
    act(tools, "action=class class=Parv")
    draw(tools, left=40)
    draw(tools, left=70)
    assert act(tools, "action=class class=cFOS x=75 y=15") == "3 ROIs"
    assert act(tools, "action=delete x=15 y=15") == "2 ROIs"
    assert "There is no ROI at 15, 15" in act(tools, "action=delete x=15 y=15")
    assert tools.do("macro", 'run("Undo last step [F6]");').startswith("done")
    assert tools.do("manager").splitlines() == ["my own", "cFOS-0001", "Parv-0002", "Parv-0003"]
    act(tools, "action=save")
    rois = roifile.roiread(tmp_path / "out" / "cleo" / "alpha_RoiSet.zip")
    found = [(roi.properties["dfl.class"], roi.stroke_color) for roi in rois]
    assert [name for name, _ in found] == ["cFOS", "Parv", "cFOS"]
    assert found[0][1] == found[2][1] != found[1][1]
    for _ in range(4):
        act(tools, "action=undo")
    assert "nothing to undo" in act(tools, "action=undo")
    assert tools.do("manager") == "my own"
    act(tools, "action=next")
    assert tools.do("manager") == "my own"
    assert act(tools, start + " colour_by=expert") == "Image 1 of 4, 1 done"
    assert "error: No ROI is drawn" in act(tools, "action=save")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("action=fly", "Choose start, next, previous"),
        ("action=start images=/nope output=/nope expert=x", "There is no folder /nope"),
        ("action=start images=/nope output=/nope expert=../x", "becomes a file name"),
        ("action=start images=. output=. expert=x colour_by=mood", "Choose class or expert"),
        ("action=add", "No image is open"),
        ("action=add odd=1", "Unknown option odd"),
    ],
)  # fmt: skip
def test_wrong_steps_are_told_in_one_sentence(tools: Desktop, options: str, sentence: str) -> None:
    """Nothing happens, and cause and remedy are named."""
    assert sentence in act(tools, options)


def test_the_command_installs_the_tools_and_starts(
    imagej_2: Desktop, images: Path, tmp_path: Path
) -> None:
    """By menu the tools are there and the first image is open; the recorded line goes on."""
    imagej_2.do("macro", 'roiManager("reset");')
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Annotate...")
    imagej_2.do("dialog")
    for index, text in enumerate(("anna", "cFOS", images, tmp_path / "out", "21", "7")):
        imagej_2.do("type", f"{index} {text}")
    if "Blind: file names hidden, order by the seed=true" in imagej_2.do("dialog"):
        imagej_2.do("tick", "Blind")
    shoot(imagej_2, "annotate-command")
    imagej_2.do("press", "OK")
    imagej_2.do("idle")
    assert imagej_2.do("macro", "return getTitle() + IJ.getToolName;") == "done alpha.tifpolygon"
    draw(imagej_2, left=20)
    assert act(imagej_2, "action=save") == "1 ROIs of anna saved"
    assert int(tifffile.imread(tmp_path / "out" / "anna" / "alpha.tif").max()) == 1
    line = await_recorded(imagej_2, "DFL Annotate...")
    assert "brush=21" in line
    imagej_2.do("closeall")
    assert imagej_2.do("macro", f"{line} return getTitle();") == "done beta.tif"
    width = 'return call("ij.Prefs.get", "{}brush{}", "");'
    assert imagej_2.do("macro", width.format("deepflash.", "")) == "done 21"
    assert imagej_2.do("macro", width.format("toolbar.", ".size")) == "done 21"
    for wrong, sentence in (
        (line.replace("brush=21", "brush=0"), "brush=0 is no width"),
        (line.replace("expert=anna", "expert=../x"), "becomes a file name"),
        (line.replace("image_folder=", "images="), "Unknown option images"),
    ):
        assert sentence in imagej_2.do("macro", wrong)
