"""The script of the page on other programs runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepflash_service.bridge.rois import labels_to_rois, write_roi_zip
from deepflash_service.store.annotations import read_annotation

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "interoperation.md"

pytestmark = pytest.mark.jvm


@pytest.mark.usefixtures("plugin_jar")
def test_the_script_turns_a_roi_set_into_geojson_and_back(tmp_path: Path) -> None:
    """With the size of the image at hand; no pixel and no ROI is lost."""
    labels = np.zeros((48, 60), np.int32)
    labels[4:20, 5:25], labels[30:40, 30:58], labels[33:36, 34:40] = 1, 2, 0
    tifffile.imwrite(tmp_path / "0001.tif", np.zeros(labels.shape, np.uint16), imagej=True)
    write_roi_zip(tmp_path / "0001_RoiSet.zip", labels_to_rois(labels))
    text = PAGE.read_text(encoding="utf-8").partition("## In Python")[2]
    script = re.findall(r"```python\n(.+?)```", text, flags=re.DOTALL)[0]
    command = [sys.executable, "-c", f"{script}\nassert (same == labels).all()"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    drawn = read_annotation(tmp_path / "0001.geojson", shape=labels.shape)
    np.testing.assert_array_equal(drawn, labels)
    with tifffile.TiffFile(tmp_path / "0001_overlay.tif") as saved:
        assert len((saved.imagej_metadata or {})["Overlays"]) == 2
