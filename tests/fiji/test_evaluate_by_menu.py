"""Evaluate, Show Errors, Measure ROIs, Help and Report: by menu, recorded and replayed."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from tests.fiji.conftest import await_recorded, await_that, draw_spots
from tests.fiji.test_annotations_by_menu import shoot

if TYPE_CHECKING:
    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras]


@pytest.fixture
def compared(tmp_path: Path) -> Path:
    """Return predictions that lack the right half of the truth, beside files of no concern."""
    for count in (4, 6):
        truth = (draw_spots(count=count) > 1000).astype(np.uint8) * 255
        (tmp_path / "truth").mkdir(exist_ok=True)
        (tmp_path / "found").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "truth" / f"{count}.tif", truth)
        truth[:, 64:] = 0
        tifffile.imwrite(tmp_path / "found" / f"{count}_labels.tif", truth)
        tifffile.imwrite(tmp_path / "found" / f"{count}_prob.tif", truth.astype(np.float32))
    return tmp_path


def test_folders_are_evaluated_by_menu_and_replayed(imagej_2: Desktop, compared: Path) -> None:
    """A row per image with counts, the mean in the last; a replay gives the same table."""
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Evaluate...")
    imagej_2.do("dialog")
    imagej_2.do("type", f"0 {compared / 'found'}")
    imagej_2.do("type", f"1 {compared / 'truth'}")
    shoot(imagej_2, "evaluate")
    imagej_2.do("press", "OK")
    imagej_2.do("idle")
    table = await_that(lambda: imagej_2.do("rows", "DeepFLaSH Evaluation"))
    heading, four, six, mean = (row.strip().split("\t") for row in table.splitlines())
    assert heading[-3:] == ["TP", "FP", "FN"]
    assert [row[0] for row in (four, six, mean)] == ["4", "6", "Mean"]
    assert [float(number) for number in four[-3:]] == [2, 0, 2]
    assert [float(number) for number in six[-3:]] == [4, 0, 2]
    assert float(mean[heading.index("Recall")]) == pytest.approx((0.5 + 4 / 6) / 2, abs=1e-3)
    line = await_recorded(imagej_2, "DFL Evaluate...")
    assert imagej_2.do("macro", f'setBatchMode(true); {line} return "on";') == "done on"
    assert imagej_2.do("rows", "DeepFLaSH Evaluation") == table


def list_datasets(home: Path) -> list[str]:
    """Return the data sets that a service holds."""
    return sorted(path.name for path in (home / "datasets").glob("[!.]*"))


def test_model_is_evaluated_on_images(
    imagej_2: Desktop, training_home: Path, tmp_path: Path
) -> None:
    """The model segments the images first; its own options count, and no data set is left over."""
    for count in (4, 6):
        image = draw_spots(count=count)
        for folder, pixels in (("images", image), ("truth", (image > 1000).astype(np.uint8))):
            (tmp_path / folder).mkdir(exist_ok=True)
            tifffile.imwrite(tmp_path / folder / f"{count}.tif", pixels)
    options = f"prediction=[{tmp_path / 'images'}] truth=[{tmp_path / 'truth'}]"
    call = 'return call("org.deepflash.Macros.evaluate", "{}");'
    before = list_datasets(training_home)
    answer = imagej_2.do("macro", call.format(f"model=Bright min_roi_size=0 {options}"))
    assert "f1=1.0000" in answer
    heading, *rows = imagej_2.do("rows", "DeepFLaSH Evaluation").splitlines()
    assert [row.split("\t")[0] for row in rows] == ["4", "6", "Mean"], heading
    answer = imagej_2.do("macro", call.format(f"model=Bright threshold=1 {options}"))
    assert "recall=0.0000" in answer
    answer = imagej_2.do("macro", call.format(f"separation=2 {options}"))
    assert "error: " in answer
    assert "predictions that are compared" in answer
    assert list_datasets(training_home) == before


def test_errors_of_open_images_are_shown(imagej_2: Desktop, compared: Path) -> None:
    """Two open images give scores and the colours of the comparison."""
    imagej_2.do("open", str(compared / "truth" / "4.tif"))
    imagej_2.do("open", str(compared / "found" / "4_labels.tif"))
    scores = imagej_2.do(
        "macro",
        'return call("org.deepflash.Macros.evaluate", "prediction=4_labels.tif truth=4.tif");',
    )
    assert "recall=0.5000" in scores
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Show Errors...")
    imagej_2.do("dialog")
    imagej_2.do("choose", "0 4_labels.tif")
    imagej_2.do("choose", "1 4.tif")
    imagej_2.do("press", "OK")
    imagej_2.do("idle")
    shoot(imagej_2, "errors")
    line = await_recorded(imagej_2, "DFL Show Errors...")
    assert line == 'run("DFL Show Errors...", "prediction=4_labels.tif truth=4.tif");'
    path = compared / "errors.tif"
    imagej_2.do("macro", f'setBatchMode(true); {line} saveAs("Tiff", "{path.as_posix()}");')
    colours = tifffile.imread(path)
    truth = tifffile.imread(compared / "truth" / "4.tif") > 0
    expected = np.zeros((*truth.shape, 3), np.uint8)
    expected[truth] = (0, 255, 0)
    expected[truth & (np.arange(128) < 64)] = 255
    np.testing.assert_array_equal(colours, expected)
    answer = imagej_2.do("macro", 'run("DFL Show Errors...", "prediction=nope truth=4.tif");')
    assert re.match("aborted .*nope cannot be opened", answer)


def test_rois_are_measured_by_menu_and_replayed(imagej_2: Desktop, pictures: Path) -> None:
    """Area and intensity of what was drawn, and a row per class."""
    imagej_2.do("macro", 'roiManager("reset");')
    imagej_2.do("open", str(pictures / "cells.tif"))
    imagej_2.do("macro", 'makeRectangle(0, 0, 4, 5); Roi.setProperty("dfl.class", "cell"); '
                'roiManager("add"); makeRectangle(10, 10, 12, 12); roiManager("add");')  # fmt: skip
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Measure ROIs...")
    imagej_2.do("dialog")
    imagej_2.do("choose", "1 class")
    imagej_2.do("press", "OK")
    imagej_2.do("idle")
    heading, *rows = imagej_2.do("rows", "DeepFLaSH ROIs").splitlines()
    names = heading.strip().split("\t")
    first, second = (dict(zip(names, row.split("\t"), strict=False)) for row in rows[-2:])
    assert float(first["Area px"]) == 20
    assert float(first["Area (µm^2)"]) == pytest.approx(20 / 4)
    assert float(first["Mean"]) == 300
    square = tifffile.imread(pictures / "cells.tif")[10:22, 10:22]
    assert float(second["Mean"]) == pytest.approx(square.mean(), abs=1e-3)
    groups = [row.split("\t") for row in imagej_2.do("rows", "DeepFLaSH Groups").splitlines()]
    assert [(row[1], row[2]) for row in groups[1:]] == [("", "1"), ("cell", "1")]
    line = await_recorded(imagej_2, "DFL Measure ROIs...")
    assert imagej_2.do("macro", f'setBatchMode(true); {line} return "on";') == "done on"
    again = imagej_2.do("rows", "DeepFLaSH ROIs").splitlines()
    assert again[-2:] == rows[-2:]
    assert len(again) == len(rows) + 3


def test_help_and_report_need_no_image(imagej_2: Desktop, tmp_path: Path) -> None:
    """The help names every command; the report holds logs and versions, and no token."""
    imagej_2.do("menu", "DFL Help")
    assert "DFL Train..." in imagej_2.do("window", "DeepFLaSH Help")
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Report a Problem")
    imagej_2.do("dialog")
    imagej_2.do("type", f"0 {tmp_path / 'a'}")
    imagej_2.do("press", "OK")
    imagej_2.do("dialog")
    imagej_2.do("press", "OK")
    imagej_2.do("idle")
    line = await_recorded(imagej_2, "DFL Report a Problem").replace('/a"', '/b"')
    assert imagej_2.do("macro", f'{line} return "on";') == "done on"
    for folder in ("a", "b"):
        (report,) = (tmp_path / folder).glob("DeepFLaSH-report-*.zip")
        with zipfile.ZipFile(report) as archive:
            assert "versions.txt" in archive.namelist()
            text = "".join(archive.read(name).decode() for name in archive.namelist())
        assert '"api"' in text
        assert "token" not in text.lower()
