"""Every function that macros have answers in ImageJ, and its fault is a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from deepflash_service.core.rois import labels_to_rois
from deepflash_service.store.roi_files import write_roi_zip
from tests.fiji.conftest import MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.bridge.service import Service
    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras]

JAVA = "fiji_plugin/src/main/java/org/deepflash"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with images, the masks of two experts and ROI sets."""
    labels = np.zeros((64, 64), np.uint16)
    labels[10:20, 10:22], labels[40:52, 30:44] = 1, 2
    for place in ("images", "anna", "ben", "rois"):
        (tmp_path / place).mkdir()
    for ground, name in enumerate(("a", "b"), 300):
        image = np.where(labels > 0, 3000, ground).astype(np.uint16)
        tifffile.imwrite(tmp_path / "images" / f"{name}.tif", image, imagej=True)
        for expert in ("anna", "ben"):
            tifffile.imwrite(tmp_path / expert / f"{name}.tif", labels, imagej=True)
        rois = labels_to_rois(labels.astype(np.int32))
        write_roi_zip(tmp_path / "rois" / f"{name}_RoiSet.zip", rois)
    return tmp_path


def test_each_function_answers(imagej_2: Desktop, service: Service, folder: Path) -> None:
    """One call of each, by the options that the page for macro writers names."""
    masks = f"mask_folders=[anna={folder}/anna;ben={folder}/ben]"
    images = f"image_folder=[{folder}/images]"
    found = f"prediction=[{folder}/anna/a.tif] truth=[{folder}/ben/a.tif]"
    calls = {
        "setUp": ("", r"Connected to DeepFLaSH .+"),
        "health": ("", r'(?s)\{.*"service".*\}\s*'),
        "models": ("", rf"(?s).*{MODEL}\n.*"),
        "segment": (f"model={MODEL} image=a.tif", "2"),
        "segmentFolder": (
            f"images=[{folder}/images] output=[{folder}/out] model={MODEL}",
            "2 segmented, 0 kept, 0 failed",
        ),
        "measure": ("group_by=class", "2"),
        "jobs": ("action=log", r"(?s).*running: Loading the model\..*done: .*"),
        "library": (f"action=info model={MODEL}", rf"(?s)Model: {MODEL}@1\n.*"),
        "checkPairs": (f"{images} {masks}", r"4 pairs fit, 0 problems"),
        "mergeExperts": (f"{images} {masks} output_folder=[{folder}/merged]", r"2 .+"),
        "evaluate": (found, r"(?s)pixel_jaccard=1\.0000\n.*"),
        "showErrors": (f"{found} output=[{folder}/errors.tif]", r".*errors\.tif"),
        "roisToMask": (
            f"rois=[{folder}/rois/a_RoiSet.zip] output=[{folder}/mask.tif] width=64 height=64",
            "2",
        ),
        "roisToMasks": (
            f"images=[{folder}/images] rois=[{folder}/rois] output=[{folder}/drawn] expert=eva",
            r".*2.*",
        ),
        "saveAnnotation": (
            f"image=[{folder}/images/a.tif] rois=[{folder}/rois/a_RoiSet.zip] "
            f"output=[{folder}/saved] expert=eva",
            "2",
        ),
        "pairRois": (f"images=[{folder}/images] rois=[{folder}/rois]", r"(?s).*a_RoiSet\.zip.*"),
        "annotate": ("action=burn", r"error: .+"),
        "train": ("model=x", r"error: .+"),
        "correct": ("expert=eva class=roi", r"error: .+"),
    }  # fmt: skip
    imagej_2.do("macro", 'roiManager("reset");')
    imagej_2.do("open", f"{folder}/images/a.tif")
    for name, (options, expected) in calls.items():
        answer = imagej_2.do(
            "macro", f'return call("org.deepflash.Macros.{name}", "{options}");', seconds=300
        ).removeprefix("done ")
        assert re.fullmatch(expected, answer), (name, answer)
        wrong = imagej_2.do("macro", f'return call("org.deepflash.Macros.{name}", "no_key=1");')
        assert name in {"health", "models"} or wrong.startswith("done error: "), (name, wrong)


def test_no_function_is_left_out(project_root: Path) -> None:
    """What the plugin offers to macros is called somewhere in these tests."""
    tests = "".join(
        path.read_text(encoding="utf-8") for path in (project_root / "tests" / "fiji").glob("*.py")
    )
    tests += (project_root / "macros" / "Workflow_Example.ijm").read_text(encoding="utf-8")
    macros = (project_root / JAVA / "Macros.java").read_text(encoding="utf-8")
    names = re.findall(r"public static String (\w+)\(", macros)
    assert "annotate" in names
    extensions = project_root / JAVA / "commands" / "MacroExtensions.java"
    functions = re.findall(r'describe\("(\w+)"', extensions.read_text(encoding="utf-8"))
    assert len(functions) == 10
    assert [
        name for name in names if f'"{name}": (' not in tests and f"Macros.{name}" not in tests
    ] == []
    assert [name for name in functions if f"Ext.{name}(" not in tests] == []


def test_a_macro_cancels_a_job(imagej_2: Desktop, service: Service, folder: Path) -> None:
    """The results are discarded, and the last sentence can be asked for."""
    options = (
        f"model=gone base={MODEL} image_folder=[{folder}/images] "
        f"mask_folders=[anna={folder}/anna] preset=quick"
    )
    answer = imagej_2.do(
        "macro",
        'run("DFL Macro Extensions"); '
        f'Ext.dflTrain("{options}", job); Ext.dflCancel(job); Ext.dflWait(job, 60, state); '
        'call("org.deepflash.Macros.segment", "model=None"); Ext.dflLastError(sentence); '
        'return state + "," + sentence;',
        seconds=300,
    )
    assert answer.startswith("done cancelled,")
    assert "gone" not in [card.name for card in service.models()]
