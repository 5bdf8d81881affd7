"""``DFL Correct and Retrain...``: segment, mend, save, fine-tune; by menu, recorded, replayed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from tests.fiji.conftest import MODEL, await_recorded, await_that, draw_spots
from tests.fiji.test_annotations_by_menu import shoot

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.bridge.service import Service
    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras]

# The first ROI is the one that begins highest, the largest of the first row.
MEND = (
    'roiManager("select", 0); roiManager("delete"); makeOval(100, 70, 12, 14); roiManager("add");'
)


def test_mended_rois_become_an_annotation_and_a_model(
    imagej_2: Desktop, service: Service, tmp_path: Path
) -> None:
    """One ROI is deleted, one drawn: both reach the mask, and a model goes on from there."""
    picture = tmp_path / "cells.tif"
    tifffile.imwrite(picture, draw_spots(shape=(144, 144)), imagej=True)
    folder = tmp_path / "corrections"
    imagej_2.do("macro", 'roiManager("reset");')
    imagej_2.do("open", str(picture))
    imagej_2.do("macro", f'run("DFL Segment...", "model={MODEL} add_to_manager");')
    assert len(imagej_2.do("manager").splitlines()) == 6
    imagej_2.do("macro", MEND)
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Correct and Retrain...")
    imagej_2.do("dialog")
    imagej_2.do("type", "0 anna")
    imagej_2.do("type", "1 cFOS")
    imagej_2.do("type", f"2 {folder}")
    imagej_2.do("tick", "Train now")
    imagej_2.do("type", "3 mended")
    imagej_2.do("type", "4 2")
    shoot(imagej_2, "correct")
    imagej_2.do("press", "OK")
    imagej_2.do("window", "DeepFLaSH Training mended")
    labels = tifffile.imread(folder / "annotations" / "anna" / "cells.tif")
    assert (int(labels.max()), bool(labels[77, 106]), bool(labels[16, 112])) == (6, True, False)
    np.testing.assert_array_equal(
        tifffile.imread(folder / "images" / "cells.tif"), tifffile.imread(picture)
    )
    found = re.search(r"training (\S+) started with 1 images of 1 experts", imagej_2.do("log"))
    assert found
    assert await_that(lambda: service.job(found[1]).has_ended)
    assert service.job(found[1]).state == "done"
    assert service.model("mended").base == f"{MODEL}@1"
    line = await_recorded(imagej_2, "DFL Correct and Retrain...")
    assert f"base={MODEL} model=mended epochs=2" in line
    assert "exists already and was kept" in imagej_2.do("macro", f"setBatchMode(true); {line}")
    again = line.replace("anna", "ben").replace("model=mended", "model=again")
    assert imagej_2.do("macro", f'setBatchMode(true); {again} return "on";') == "done on"
    assert service.jobs()[0].model == "again"
    service.cancel(service.jobs()[0])
    twin = tifffile.imread(folder / "annotations" / "ben" / "cells.tif")
    np.testing.assert_array_equal(twin, labels)


def test_a_plane_of_a_stack_is_saved_with_its_own_rois(
    imagej_2: Desktop, pictures: Path, tmp_path: Path
) -> None:
    """Raw values of the shown channel and slice, and the ROIs of that slice only."""
    imagej_2.do("macro", 'roiManager("reset");')
    imagej_2.do("open", str(pictures / "stack.tif"))
    imagej_2.do(
        "macro",
        f'run("DFL Segment...", "model={MODEL} channel=2 planes=all add_to_manager"); '
        "Stack.setPosition(2, 2, 1);",
    )
    options = f"expert=anna correction_folder=[{tmp_path}] base={MODEL}"
    answer = imagej_2.do("macro", f'return call("org.deepflash.Macros.correct", "{options}");')
    assert answer.startswith("done 4 ROIs of anna saved; 1 corrected images in ")
    image = tifffile.imread(tmp_path / "images" / "stack-t001-z002.tif")
    np.testing.assert_array_equal(image, tifffile.imread(pictures / "stack.tif")[1, 1])
    labels = tifffile.imread(tmp_path / "annotations" / "anna" / "stack-t001-z002.tif")
    assert int(labels.max()) == 4
    place = f"expert=ben correction_folder=[{tmp_path}]"
    for words, sentence in (
        ("base=None", "There is no model None"),
        ("train", "The option model is missing"),
        ("eppochs=2", "Unknown option eppochs"),
        ("epochs=-2", "epochs=-2 cannot be used"),
    ):
        call = f'return call("org.deepflash.Macros.correct", "{place} {words}");'
        assert sentence in imagej_2.do("macro", call)
    assert not (tmp_path / "annotations" / "ben").exists()
