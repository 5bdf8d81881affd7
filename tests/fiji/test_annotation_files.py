"""Check Pairs on broken files, Save Annotation on stacks: a real ImageJ, the real service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import roifile
import tifffile

from deepflash_service.core.geojson import labels_to_geojson
from deepflash_service.core.labels import label_rois
from tests.fiji.conftest import draw_spots

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras]

NOISE = np.random.default_rng(1).random((96, 128)).astype(np.float32)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return images and masks of anna and ben, each file of ben with a fault of its own."""
    for name in ("images", "masks/anna", "masks/ben"):
        (tmp_path / name).mkdir(parents=True)
    spots = draw_spots()
    mask = (spots > 1000).astype(np.uint8) * 255
    for number, name in enumerate(("good", "size", "noise", "torn", "empty", "other", "colour")):
        tifffile.imwrite(tmp_path / "images" / f"{name}.tif", spots + np.uint16(number))
        for expert in ("anna", "ben"):
            tifffile.imwrite(tmp_path / "masks" / expert / f"{name}.tif", mask)
    ben = tmp_path / "masks" / "ben"
    tifffile.imwrite(ben / "size.tif", mask[:50])
    tifffile.imwrite(ben / "noise.tif", NOISE)
    (ben / "torn.tif").write_bytes((ben / "torn.tif").read_bytes()[:60])
    tifffile.imwrite(ben / "empty.tif", np.zeros_like(mask))
    tifffile.imwrite(ben / "other.tif", np.roll(mask, 16, axis=1))
    (tmp_path / "images" / "colour.tif").write_bytes(b"II*\0 no image")
    tifffile.imwrite(tmp_path / "images" / "byte.tif", mask)
    tifffile.imwrite(tmp_path / "masks" / "anna" / "byte_word.tif", mask)
    return tmp_path


def check(imagej: Desktop, folder: Path) -> dict[tuple[str, str, str], tuple[str, str]]:
    """Return verdict and advice by image, expert and annotation."""
    options = f"image_folder=[{folder / 'images'}] mask_folders=[{folder / 'masks'}]"
    answer = imagej.do("macro", f'run("DFL Check Pairs...", "{options}"); return "on";')
    assert answer == "done on"
    rows = [row.split("\t") for row in imagej.do("rows", "DeepFLaSH Pairs").splitlines()[1:]]
    found = {(row[0], row[1], row[2]): (row[3], row[7] if len(row) > 7 else "") for row in rows}
    assert len(found) == len(rows)
    return found


def test_each_broken_file_has_its_verdict_and_remedy(imagej_2: Desktop, broken: Path) -> None:
    """What the service refuses and what it takes stand in one table, one row per pair."""
    found = check(imagej_2, broken)
    words = {place: word for place, (word, _) in found.items() if word != "fits"}
    assert words == {
        ("size.tif", "ben", "size.tif"): "size",
        ("noise.tif", "ben", "noise.tif"): "not binary",
        ("torn.tif", "ben", "torn.tif"): "unreadable",
        ("empty.tif", "ben", "empty.tif"): "empty",
        ("empty.tif", "anna", "empty.tif"): "agreement",
        ("other.tif", "ben", "other.tif"): "agreement",
        ("other.tif", "anna", "other.tif"): "agreement",
        ("colour.tif", "anna", "colour.tif"): "unreadable",
        ("colour.tif", "ben", "colour.tif"): "unreadable",
        ("byte.tif", "anna", "byte_word.tif"): "bit depth",
        ("byte.tif", "ben", ""): "missing",
    }
    for place, part in (
        (("size.tif", "ben", "size.tif"), "50 x 128 pixels (rows x columns), but its image has"),
        (("noise.tif", "ben", "noise.tif"), "Give a mask (0 and 255) or a label image."),
        (("empty.tif", "ben", "empty.tif"), "annotate the image and save again"),
        (("byte.tif", "anna", "byte_word.tif"), "Save it again from the original."),
        (("byte.tif", "ben", ""), "Annotate the image"),
        (("other.tif", "anna", "other.tif"), "Look at it together"),
    ):
        assert part in found[place][1], place
    assert all((word == "fits") == (advice == "") for word, advice in found.values())
    assert "5 pairs fit, 11 problems" in imagej_2.do("log")
    sizes = [row.split("\t") for row in imagej_2.do("rows", "DeepFLaSH ROI Sizes").splitlines()]
    assert [row[0] for row in sizes[1:]] == ["anna", "ben"]
    # What is no annotation says nothing about sizes: the noise has ROIs of one pixel.
    assert [float(number) for number in sizes[2][1:]] == [4, 19, 113, 197]


def test_a_folder_in_which_nothing_fits_still_has_its_table(
    imagej_2: Desktop, tmp_path: Path
) -> None:
    """The worst case is the one that needs the table most."""
    for name in ("images", "masks/anna"):
        (tmp_path / name).mkdir(parents=True)
    tifffile.imwrite(tmp_path / "images" / "a.tif", draw_spots())
    tifffile.imwrite(tmp_path / "masks" / "anna" / "b.tif", np.eye(96, 128, dtype=np.uint8) * 255)
    words = {place: word for place, (word, _) in check(imagej_2, tmp_path).items()}
    assert words == {("a.tif", "anna", ""): "missing", ("", "anna", "b.tif"): "missing"}


DRAW = """
roiManager("reset"); open("{path}");
makeRectangle(10, 10, 8, 8); Roi.setPosition(2, 3, 1); roiManager("add");
makeRectangle(40, 10, 8, 8); Roi.setPosition(2, 1, 1); roiManager("add");
makeRectangle(60, 10, 9, 9); Roi.setPosition(2, 1, 1); roiManager("add");
"""


def draw(imagej: Desktop, pictures: Path) -> None:
    """Open the stack of 2 channels and 3 slices, with one ROI on slice 3 and two on slice 1."""
    text = DRAW.format(path=pictures / "stack.tif").replace("\n", " ")
    assert imagej.do("macro", text).startswith("done")
    assert len(imagej.do("manager").splitlines()) == 3


def test_each_annotated_plane_of_a_stack_is_saved_for_itself(
    imagej_2: Desktop, pictures: Path, tmp_path: Path
) -> None:
    """Label image, ROI set, facts and the plane itself; what was not annotated is not there."""
    draw(imagej_2, pictures)
    place = f"expert=gina output_folder=[{tmp_path / 'masks'}] image_folder=[{tmp_path / 'images'}]"
    save = f'run("DFL Save Annotation...", "{place}");'
    assert imagej_2.do("macro", save).startswith("done")
    assert "3 ROIs of gina on 2 planes saved" in imagej_2.do("log")
    folder = tmp_path / "masks" / "gina"
    names = ["stack-t001-z001", "stack-t001-z003"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        name + ending for name in names for ending in (".json", ".tif", "_RoiSet.zip")
    )
    stack = tifffile.imread(pictures / "stack.tif")
    for name, slice_, areas in ((names[0], 1, [64, 81]), (names[1], 3, [64])):
        labels = tifffile.imread(folder / f"{name}.tif")
        assert np.bincount(labels.ravel())[1:].tolist() == areas
        rois = roifile.roiread(folder / f"{name}_RoiSet.zip")
        assert [(roi.position, roi.z_position) for roi in rois] == [(0, 0)] * len(areas)
        facts = json.loads((folder / f"{name}.json").read_text())
        assert (facts["slice"], facts["frame"], facts["rois"]) == (slice_, 1, len(areas))
        plane = tifffile.imread(tmp_path / "images" / f"{name}.tif")
        np.testing.assert_array_equal(plane, stack[slice_ - 1])
    # The pairs that a training would take.
    found = check(imagej_2, tmp_path)
    assert {place: word for place, (word, _) in found.items()} == {
        (f"{name}.tif", "gina", f"{name}.tif"): "fits" for name in names
    }


def test_a_stack_is_never_half_overwritten(
    imagej_2: Desktop, pictures: Path, tmp_path: Path
) -> None:
    """One file that is there keeps all others from being written; with overwrite all are."""
    draw(imagej_2, pictures)
    folder = tmp_path / "gina"
    folder.mkdir()
    (folder / "stack-t001-z003.tif").write_bytes(b"mine")
    save = f'run("DFL Save Annotation...", "expert=gina output_folder=[{tmp_path}]");'
    answer = imagej_2.do("macro", save)
    assert "stack-t001-z003.tif exists already and was kept. Add overwrite to replace it" in answer
    assert [path.name for path in folder.iterdir()] == ["stack-t001-z003.tif"]
    assert (folder / "stack-t001-z003.tif").read_bytes() == b"mine"
    imagej_2.do("macro", save.replace('"expert', '"overwrite expert'))
    assert tifffile.imread(folder / "stack-t001-z003.tif").max() == 1


def test_rois_without_position_lie_on_the_plane_shown_and_channels_do_not_count(
    imagej_2: Desktop, pictures: Path, tmp_path: Path
) -> None:
    """One annotation per plane, on whichever channel the ROIs were drawn."""
    draw(imagej_2, pictures)
    free = (
        'Stack.setPosition(1, 2, 1); makeOval(80, 30, 9, 9); Roi.setPosition(0); roiManager("add");'
    )
    other = 'makeOval(20, 60, 9, 9); Roi.setPosition(1, 2, 1); roiManager("add");'
    save = f'run("DFL Save Annotation...", "expert=hal output_folder=[{tmp_path}] format=mask");'
    imagej_2.do("macro", 'roiManager("associate", "false");')
    answer = imagej_2.do("macro", f"{free} {other} Stack.setPosition(1, 2, 1); {save}")
    assert answer.startswith("done"), answer
    found = sorted(path.stem for path in (tmp_path / "hal").glob("*.tif"))
    assert found == ["stack-t001-z001", "stack-t001-z002", "stack-t001-z003"]
    assert tifffile.imread(tmp_path / "hal" / "stack-t001-z002.tif").max() == 2


def test_a_roi_of_another_stack_is_named(imagej_2: Desktop, pictures: Path, tmp_path: Path) -> None:
    """A position that the image does not have is refused, and nothing is written."""
    draw(imagej_2, pictures)
    far = 'makeOval(80, 30, 9, 9); Roi.setPosition(1, 9, 1); Roi.setName("far"); roiManager("add");'
    save = f'run("DFL Save Annotation...", "expert=ian output_folder=[{tmp_path}]");'
    answer = imagej_2.do("macro", f"{far} {save}")
    assert answer.startswith("aborted The ROI "), answer
    assert "which stack.tif does not have" in answer
    assert not (tmp_path / "ian").exists()


def test_outlines_of_another_program_are_checked_with_the_rest(
    imagej_2: Desktop, tmp_path: Path
) -> None:
    """GeoJSON in the folder of an expert fits its image, agrees with the mask, and is measured."""
    for name in ("images", "masks/anna", "masks/ben"):
        (tmp_path / name).mkdir(parents=True)
    spots = draw_spots()
    labels = label_rois(spots > 1000)
    tifffile.imwrite(tmp_path / "images" / "1.tif", spots)
    tifffile.imwrite(tmp_path / "masks" / "anna" / "1.tif", (labels > 0).astype(np.uint8) * 255)
    outlines = json.dumps(labels_to_geojson(labels))
    (tmp_path / "masks" / "ben" / "1.geojson").write_text(outlines)
    imagej_2.do("macro", 'print("\\\\Clear");')
    verdicts = check(imagej_2, tmp_path)
    assert verdicts["1.tif", "ben", "1.geojson"] == ("fits", "")
    told = imagej_2.do("log")
    sizes = np.bincount(labels.ravel())[1:]
    for expert in ("anna", "ben"):
        assert f"{expert}: 6 ROIs in 1 files, smallest {sizes.min()} px" in told
    assert "anna and ben agree with F1 1.000, ROI Jaccard 1.000, pixel Jaccard 1.000" in told


NOTHING = "no image has usable annotations of two experts, so nothing says how well they agree"


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ("consensus", "An expert is called consensus, as is the consensus of all experts"),
        ("", NOTHING),
    ],
    ids=["a name that is taken", "one expert"],
)
def test_the_log_tells_why_experts_are_not_compared(
    imagej_2: Desktop, tmp_path: Path, second: str, reason: str
) -> None:
    """The reason of the service comes through; there is nothing to compare only if that is so."""
    marks = (draw_spots() > 1000).astype(np.uint8) * 255
    for name in ("images", "masks/anna", *([f"masks/{second}"] if second else [])):
        (tmp_path / name).mkdir(parents=True)
        tifffile.imwrite(tmp_path / name / "1.tif", marks)
    tifffile.imwrite(tmp_path / "images" / "2.tif", marks.T)
    tifffile.imwrite(tmp_path / "masks" / "anna" / "2.tif", np.zeros_like(marks.T))
    imagej_2.do("macro", 'print("\\\\Clear");')
    check(imagej_2, tmp_path)
    told = imagej_2.do("log")
    assert f"DeepFLaSH: {reason}" in told
    assert (NOTHING in told) == (reason == NOTHING)
    assert "DeepFLaSH: 2.tif: anna marked nothing; check that." in told


def test_the_macro_function_saves_planes_too(
    imagej_2: Desktop, pictures: Path, tmp_path: Path
) -> None:
    """``Macros.saveAnnotation`` never draws the ROIs of several planes into one image."""
    draw(imagej_2, pictures)
    call = f'call("org.deepflash.Macros.saveAnnotation", "output=[{tmp_path}] expert=jo")'
    assert imagej_2.do("macro", f"return {call};") == "done 3"
    assert sorted(path.name for path in (tmp_path / "jo").glob("*.tif")) == [
        "stack-t001-z001.tif", "stack-t001-z003.tif"
    ]  # fmt: skip
    assert "exists already and was kept" in imagej_2.do("macro", f"return {call};")
