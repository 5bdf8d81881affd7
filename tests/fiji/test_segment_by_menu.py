"""``DFL Segment...`` in a real ImageJ with a display, with the real service behind it."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
import roifile

from tests.fiji.conftest import await_recorded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras]

OPTIONS = "model=Bright channel=1 planes=current threshold=model min_roi_size=model"
LIST_ROIS = """
text = "";
for (i = 0; i < Overlay.size; i++) {
    Overlay.activateSelection(i);
    Roi.getBounds(x, y, w, h);
    text = text + Roi.getName + " " + x + "," + y + "," + w + "," + h + ";";
}
return text;
"""


@pytest.fixture
def imagej(clean_desktop: Desktop) -> Iterator[Desktop]:
    """Return ImageJ with the connection settings of a new user, before and after the test."""
    reset = 'run("DFL Set Up...", "timeout_s=30");'
    clean_desktop.do("macro", reset)
    yield clean_desktop
    clean_desktop.do("macro", reset)


def segment_by_menu(imagej: Desktop, *boxes: str) -> None:
    """Choose the command, tick `boxes`, press OK and wait for the table."""
    imagej.do("menu", "DFL Segment...")
    imagej.do("dialog")
    for box in boxes:
        imagej.do("tick", box)
    imagej.do("press", "OK")
    imagej.do("idle")


def places(listing: str) -> list[str]:
    """Return name and bounds of each ROI of a listing of the driver."""
    return [" ".join(line.split(" ")[:2]) for line in listing.splitlines()]


def test_recorded_command_replays_in_batch_mode(imagej: Desktop, pictures: Path) -> None:
    """The recorder writes the command once, and its text gives the same ROIs in batch mode."""
    imagej.do("record")
    imagej.do("open", str(pictures / "cells.tif"))
    segment_by_menu(imagej)
    by_menu = places(imagej.do("rois", "cells.tif"))
    assert len(by_menu) == 6
    line = await_recorded(imagej, "DFL")
    left_open = "pixel_size=[] separation=[]"
    assert line == f'run("DFL Segment...", "{OPTIONS} {left_open} add_to_manager table");'
    imagej.do("closeall")
    path = (pictures / "cells.tif").as_posix()
    answer = imagej.do(
        "macro", f'setBatchMode(true); open("{path}"); {line} {LIST_ROIS}'.replace("\n", " ")
    )
    assert answer.removeprefix("done ").strip(";").split(";") == by_menu


def test_display_range_does_not_change_the_result(imagej: Desktop, pictures: Path) -> None:
    """Brightness and contrast are for the eye; the raw values are what is segmented."""
    imagej.do("open", str(pictures / "cells.tif"))
    imagej.do("macro", f'run("DFL Segment...", "{OPTIONS}");')
    before = imagej.do("rois", "cells.tif")
    imagej.do("range", "0 500")
    imagej.do("macro", f'run("DFL Segment...", "{OPTIONS}");')
    assert imagej.do("rois", "cells.tif") == before
    assert before.count("Bright@1") == 6


def test_roi_manager_keeps_what_the_user_drew(imagej: Desktop, pictures: Path) -> None:
    """A second run replaces the ROIs of the first; with append it adds, under other names."""
    imagej.do("macro", 'roiManager("reset");')
    imagej.do("manager", "mine")
    imagej.do("open", str(pictures / "cells.tif"))
    names: list[str] = []
    for options, count in (("", 6), ("", 6), (" append", 12)):
        imagej.do("macro", f'run("DFL Segment...", "{OPTIONS} add_to_manager{options}");')
        names = imagej.do("manager").splitlines()
        assert names[0] == "my own"
        assert len(names) == count + 1
        assert len(set(names)) == len(names)
    assert [line.split(" ")[0] for line in imagej.do("rois", "cells.tif").splitlines()] == names[1:]


def test_files_name_each_roi_once_and_survive_a_comma(
    imagej: Desktop, pictures: Path, tmp_path: Path
) -> None:
    """Table, ROI set and overlay agree on the names that append gives; the CSV has whole rows."""
    imagej.do("open", str(pictures / "cells.tif"))
    options = f"{OPTIONS} append table probability overwrite output_folder=[{tmp_path}]"
    call = f'call("org.deepflash.Macros.segment", "{options}");'
    assert imagej.do("macro", f'rename("a, b.tif"); {call} return {call}') == "done 6"
    with (tmp_path / "a, b_rois.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["Image"] for row in rows} == {"a, b.tif"}
    names = [roi.name for roi in roifile.roiread(tmp_path / "a, b_RoiSet.zip")]
    assert [row["ROI"] for row in rows] == names
    assert names[0] == "cFOS-t001-z001-0001-2"
    overlay = [line.split(" ")[0] for line in imagej.do("rois").splitlines()]
    assert overlay[6:] == names
    assert len(set(overlay)) == 12
    assert (tmp_path / "a, b_probability.tif").is_file()


def test_names_in_files_do_not_depend_on_the_roi_manager(
    imagej: Desktop, pictures: Path, tmp_path: Path
) -> None:
    """ROIs of another image in the manager change names there only, as if the image came alone."""
    imagej.do("macro", 'roiManager("reset");')
    imagej.do("open", str(pictures / "cells.tif"))
    imagej.do("macro", f'run("DFL Segment...", "{OPTIONS} add_to_manager"); rename("again.tif");')
    options = f"{OPTIONS} add_to_manager output_folder=[{tmp_path}]"
    imagej.do("macro", f'run("DFL Segment...", "{options}");')
    names = [f"cFOS-t001-z001-{number:04d}" for number in range(1, 7)]
    assert [roi.name for roi in roifile.roiread(tmp_path / "again_RoiSet.zip")] == names
    with (tmp_path / "again_rois.csv").open(encoding="utf-8", newline="") as file:
        assert [row["ROI"] for row in csv.DictReader(file)] == names
    held = imagej.do("manager").splitlines()
    assert held == [*names, *(f"{name}-2" for name in names)]


def test_result_images_are_calibrated(imagej: Desktop, pictures: Path) -> None:
    """Mask is 0/255, labels count the ROIs, probabilities lie in 0-1; the pixel size is copied."""
    imagej.do("open", str(pictures / "cells.tif"))
    imagej.do("macro", f'run("DFL Segment...", "{OPTIONS} mask labels probability table");')
    images = {line.split(" ")[0]: line.split(" ")[1:] for line in imagej.do("images").splitlines()}
    assert images["cells-mask"][:4] == ["8", "1", "0.0", "255.0"]
    assert images["cells-labels"][:4] == ["16", "1", "0.0", "6.0"]
    assert images["cells-prob"][0] == "32"
    assert {tuple(facts[4:]) for facts in images.values()} == {("0.5", "µm")}
    headings, _ = imagej.do("table", "DeepFLaSH ROIs").splitlines()
    assert headings.strip(", ").split(",")[:7] == [
        "Image", "ROI", "Class", "C", "Z", "T", "Area (µm^2)",
    ]  # fmt: skip


def test_stack_rois_know_their_plane(imagej: Desktop, pictures: Path) -> None:
    """All slices of the second channel give 2, 4 and 6 ROIs at their own positions."""
    imagej.do("open", str(pictures / "stack.tif"))
    options = OPTIONS.replace("channel=1", "channel=2").replace("current", "all")
    imagej.do("macro", f'run("DFL Segment...", "{options} labels");')
    rows = [line.split(" ") for line in imagej.do("rois", "stack.tif").splitlines()]
    assert [row[3].rpartition(",")[0] for row in rows] == ["2,1,1"] * 2 + ["2,2,1"] * 4 + [
        "2,3,1"
    ] * 6
    assert rows[-1][0] == "cFOS-t001-z003-0006"
    assert "stack-labels 16 3" in imagej.do("images")


def test_projection_finds_what_any_slice_shows(imagej: Desktop, pictures: Path) -> None:
    """The maximum projection of the stack shows the six ROIs of its last slice."""
    imagej.do("open", str(pictures / "stack.tif"))
    options = OPTIONS.replace("channel=1", "channel=2").replace("current", "[max projection]")
    imagej.do("macro", f'run("DFL Segment...", "{options}");')
    assert len(imagej.do("rois", "stack.tif").splitlines()) == 6


def test_rgb_image_is_refused_with_two_remedies(imagej: Desktop, pictures: Path) -> None:
    """Dialog and macro say the same sentence, and nothing is added to the image."""
    sentence = (
        "This is an RGB image, but model Bright expects one channel. "
        "Use Image > Color > Split Channels or Image > Type > 8-bit."
    )
    imagej.do("open", str(pictures / "colour.tif"))
    segment_by_menu(imagej)
    assert sentence in imagej.do("dialog").replace("\n", " ")
    imagej.do("press", "OK")
    imagej.do("nodialog")
    assert imagej.do("macro", f'run("DFL Segment...", "{OPTIONS}");') == f"aborted {sentence}"
    assert sentence in imagej.do("log")
    assert not imagej.do("rois", "colour.tif")


def test_service_down_is_one_dialog_with_ways_out(imagej: Desktop, pictures: Path) -> None:
    """A person gets three buttons; a macro ends with the same sentence and no window."""
    sentence = (
        "No DeepFLaSH service answers at http://127.0.0.1:1. "
        "Start it with DFL Set Up... or `deepflash serve`, then try again."
    )
    imagej.do("open", str(pictures / "cells.tif"))
    imagej.do("macro", 'run("DFL Set Up...", "service_url=http://127.0.0.1:1");')
    imagej.do("menu", "DFL Segment...")
    shown = imagej.do("dialog")
    assert sentence in shown
    assert {"[Start service]", "[Set up]", "[Retry]"} <= set(shown.splitlines())
    imagej.do("press", "Retry")
    assert sentence in imagej.do("dialog")
    imagej.do("press", "Close")
    imagej.do("nodialog")
    assert imagej.do("macro", f'run("DFL Segment...", "{OPTIONS}");') == f"aborted {sentence}"
    imagej.do("idle")
    assert "Dialog" not in imagej.do("windows")


def test_wrong_token_names_the_remedy(imagej: Desktop, pictures: Path, service_home: Path) -> None:
    """The sentence names the address and Set Up."""
    url = json.loads((service_home / "service.json").read_text())["url"]
    imagej.do("open", str(pictures / "cells.tif"))
    imagej.do("macro", 'run("DFL Set Up...", "token=stale");')
    assert imagej.do("macro", f'run("DFL Segment...", "{OPTIONS}");') == (
        f"aborted The DeepFLaSH service at {url} refused the token. "
        "Run DFL Set Up... and leave Token empty to read the current one."
    )
    imagej.do("macro", 'run("DFL Set Up...", "token=[]");')


def test_no_image_is_a_sentence(imagej: Desktop) -> None:
    """Without an image ImageJ neither ends nor shows a trace."""
    sentence = "No image is open. Open one and run the command again."
    imagej.do("menu", "DFL Segment...")
    assert sentence in imagej.do("dialog")
    imagej.do("press", "OK")
    imagej.do("nodialog")
    assert imagej.do("macro", f'run("DFL Segment...", "{OPTIONS}");') == f"aborted {sentence}"


def test_nothing_found_tells_the_reason_of_the_service_alone(
    imagej: Desktop, pictures: Path
) -> None:
    """An image without objects is no error: a sentence, and no second one with other advice."""
    imagej.do("open", str(pictures / "dark.tif"))
    answer = imagej.do("macro", f'run("DFL Segment...", "{OPTIONS} table"); return "went on";')
    assert answer == "done went on"
    log = imagej.do("log")
    assert "DeepFLaSH: dark.tif: found nothing: all pixels have the value 7." in log
    assert "No ROI was found" not in log
    imagej.do("menu", "DFL Segment...")
    imagej.do("choose", "0 Bright")
    imagej.do("press", "OK")
    assert "dark.tif: found nothing: all pixels have the value 7." in imagej.do("dialog")
    imagej.do("press", "OK")
    imagej.do("nodialog")


def test_macro_functions_answer(imagej: Desktop, pictures: Path) -> None:
    """Ext functions and call() give health, models and the number of ROIs."""
    path = (pictures / "cells.tif").as_posix()
    answer = imagej.do(
        "macro",
        'run("DFL Macro Extensions"); setBatchMode(true); '
        f'open("{path}"); Ext.dflHealth(health); Ext.dflModels(models); '
        f'Ext.dflSegment(getImageID(), "model=Bright threshold=0.5", n); '
        'return models + n + "/" + startsWith(health, "{") + "/" + '
        'call("org.deepflash.Macros.segment", "model=None");',
    )
    assert answer.splitlines() == [
        "done Bright",
        "6/1/error: There is no model None. Known models: Bright.",
    ]


def test_unknown_option_is_named(imagej: Desktop, pictures: Path) -> None:
    """A typing error in a macro is told, not ignored."""
    imagej.do("open", str(pictures / "cells.tif"))
    answer = imagej.do("macro", 'run("DFL Segment...", "model=Bright treshold=0.4");')
    assert answer.startswith("aborted Unknown option treshold. Known are add_to_manager")
