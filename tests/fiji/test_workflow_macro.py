"""The whole workflow by one macro: with windows, and in the bridge's ImageJ without a display."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from deepflash_service.workflows.samples import write_samples

if TYPE_CHECKING:
    from pathlib import Path

    from deepflash_service.bridge.service import Service
    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras, pytest.mark.slow]

NAMES = [f"unseen-{number:02d}" for number in range(1, 5)]
COLOURS = {(0, 0, 0), (255, 255, 255), (255, 0, 255), (0, 255, 0)}
HEADLESS = """
import sys
from deepflash_service.bridge import init
with init(backend="ij1") as fiji:
    assert fiji.is_headless
    print("answer:", fiji.run_macro(sys.argv[1], sys.argv[2]))
"""


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demonstration data with two training images and two experts."""
    folder = tmp_path_factory.mktemp("demonstration") / "the data"
    write_samples(folder, images=2, experts=2, seed=1)
    return folder


def run_headless(macro: Path, argument: str, *, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a macro in the bridge's ImageJ, in a process without a display."""
    environment = {name: text for name, text in os.environ.items() if name != "DISPLAY"}
    return subprocess.run(
        [sys.executable, "-c", HEADLESS, str(macro), argument],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        env={**environment, "DEEPFLASH_HOME": str(home)},
    )


def check_files(output: Path, model: str) -> int:
    """Check what the macro wrote; return the number of ROIs in all ROI sets."""
    total = 0
    for name in NAMES:
        labels = tifffile.imread(output / "rois" / f"{name}_labels.tif")
        with zipfile.ZipFile(output / "rois" / f"{name}_RoiSet.zip") as rois:
            count = len(rois.namelist())
        assert count == len(np.unique(labels)) - 1 > 0
        rows = (output / "rois" / f"{name}_rois.csv").read_text().splitlines()
        assert len(rows) == count + 1
        with tifffile.TiffFile(output / "rois" / f"{name}_overlay.tif") as overlay:
            assert overlay.imagej_metadata is not None
            assert len(overlay.imagej_metadata["Overlays"]) == count
        colours = tifffile.imread(output / "errors" / f"{name}.tif").reshape(-1, 3)
        assert {tuple(colour) for colour in np.unique(colours, axis=0).tolist()} <= COLOURS
        total += count
    assert {path.name for path in (output / "masks").iterdir()} == {"expert_1", "expert_2"}
    assert len(list((output / "consensus").glob("*.tif"))) == 2
    assert len(list(output.glob(f"{model}-*.deepflash.zip"))) == 1
    return total


def read_scores(output: Path) -> dict[str, float]:
    """Return the scores on the unseen images."""
    lines = (output / "scores.csv").read_text().splitlines()
    return {name: float(value) for name, value in (line.split(",") for line in lines[1:])}


def test_one_macro_does_the_whole_workflow_with_and_without_a_display(
    imagej_2: Desktop, service: Service, samples: Path, training_home: Path, project_root: Path
) -> None:
    """Same data, same seed, same options: ROIs, scores and pictures are the same at both doors."""
    macro = project_root / "macros" / "Workflow_Example.ijm"
    output = {door: samples.parent / f"my {door}" for door in ("window", "script")}
    given = f"data=[{samples}] output=[{{}}] model={{}} epochs=1 seed=3"
    imagej_2.do("macro", 'roiManager("reset");')  # the ROIs of other tests lie on such images too
    own = imagej_2.do("manager", "mine").splitlines()
    call = given.format(output["window"], "flow_window") + " retrain"
    line = f'return runMacro("{macro.as_posix()}", "{call}");'
    answer = imagej_2.do("macro", line, seconds=400)
    found = check_files(output["window"], "flow_window")
    assert answer == f"done {found} ROIs in 4 images"
    assert imagej_2.do("manager").splitlines()[: len(own)] == own
    assert len(imagej_2.do("manager").splitlines()) == len(own) + found
    assert imagej_2.do("rows", "DeepFLaSH Evaluation").splitlines()[-1].startswith("Mean\t")
    assert len(imagej_2.do("images").splitlines()) == 2
    assert service.model("flow_window").version == 2
    log = imagej_2.do("log")
    assert "epoch 1 of 1" in log
    assert re.search(r"After correction, F1 on held-out images: 0\.\d+", log)

    done = run_headless(macro, given.format(output["script"], "flow_script"), home=training_home)
    assert done.returncode == 0, done.stderr[-3000:]
    found = check_files(output["script"], "flow_script")
    assert f"answer: {found} ROIs in 4 images" in done.stdout
    scores = read_scores(output["window"])
    assert scores == read_scores(output["script"])
    assert min(scores.values()) > 0.5
    for name in NAMES:
        shown, drawn = (
            tifffile.imread(place / "errors" / f"{name}.tif") for place in output.values()
        )
        np.testing.assert_array_equal(shown, drawn)


def test_a_step_that_fails_ends_the_macro_with_its_sentence(
    samples: Path, service: Service, training_home: Path, project_root: Path, tmp_path: Path
) -> None:
    """A base model that is not there is told before anything is written."""
    assert "nope" not in [card.name for card in service.models()]
    macro = project_root / "macros" / "Workflow_Example.ijm"
    given = f"data=[{samples}] output=[{tmp_path / 'out'}] model=flow base=nope"
    done = run_headless(macro, given, home=training_home)
    assert done.returncode == 1
    assert "There is no model 'nope'. Known models: Bright" in done.stderr
    assert not (tmp_path / "out").exists()
