"""The demonstration from the command line, as `make demo` runs it, but with a short training."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from deepflash_service.core.rois import rois_to_labels

_NAMES = [f"unseen-{number:02d}" for number in range(1, 5)]
_COLOURS = {(0, 0, 0), (255, 255, 255), (255, 0, 255), (0, 255, 0)}

pytestmark = [pytest.mark.keras, pytest.mark.slow, pytest.mark.jvm]


@pytest.fixture(scope="module")
def demo(plugin_jar: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the quick demonstration once; return its folder and what it printed."""
    folder = tmp_path_factory.mktemp("demonstration") / "demo"
    command = [sys.executable, "-m", "deepflash_service.cli", "demo", "--quick"]
    done = subprocess.run(
        [*command, "--output", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=420,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    return folder, done.stdout


def test_every_promised_file_is_there(demo: tuple[Path, str]) -> None:
    """Overlay, ROI set and comparison per unseen image; tables, summary, report, home."""
    folder, _ = demo
    expected = {f"{name}_{kind}" for name in _NAMES
                for kind in ("overlay.tif", "RoiSet.zip", "comparison.png")}  # fmt: skip
    expected |= {"rois.csv", "summary.csv", "summary.json", "report.html", "home", "data", "masks"}
    assert {path.name for path in folder.iterdir()} == expected


def test_the_service_has_ended(demo: tuple[Path, str]) -> None:
    """Nothing runs on the home folder any more."""
    folder, _ = demo
    assert not (folder / "home" / "service.json").exists()


def test_the_summary_holds_scores_experts_and_seconds(demo: tuple[Path, str]) -> None:
    """The summary is complete; ImageJ took part; experts are those of the same images."""
    folder, _ = demo
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert [image["image"] for image in summary["images"]] == _NAMES
    assert 0.75 <= summary["mean_expert_f1"] <= 0.92
    assert summary["imagej"].startswith("1.54")
    assert summary["seconds"] > summary["training_seconds"] > 0
    assert set(summary["scores"]) >= {"pixel_jaccard", "dice", "roi_jaccard", "f1"}
    assert summary["quick"] is True


def test_imagej_kept_every_pixel_of_the_experts(demo: tuple[Path, str]) -> None:
    """The macro's masks equal the drawn ROIs."""
    _, printed = demo
    assert "no pixel differs from what the experts outlined" in " ".join(printed.split())


def test_overlay_roi_set_and_table_tell_the_same(demo: tuple[Path, str]) -> None:
    """As many ROIs in the TIFF as in the ROI set and the table, and the same shapes."""
    folder, _ = demo
    with (folder / "rois.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as stream:
        summary = {row["Image"]: row for row in csv.DictReader(stream)}
    for name in _NAMES:
        with zipfile.ZipFile(folder / f"{name}_RoiSet.zip") as archive:
            rois = [archive.read(entry) for entry in archive.namelist()]
        with tifffile.TiffFile(folder / f"{name}_overlay.tif") as tiff:
            metadata = tiff.imagej_metadata or {}
            overlays = metadata.get("Overlays", [])
            assert tiff.pages[0].shape == (512, 512)
        overlays = [overlays] if isinstance(overlays, bytes) else overlays
        assert len(overlays) == len(rois) == int(summary[name]["ROIs"])
        assert sum(row["Image"].startswith(name) for row in rows) == len(rois)
        labels = rois_to_labels(rois, (512, 512))
        assert np.array_equal(labels, rois_to_labels(overlays, (512, 512)))
        assert int((labels > 0).sum()) == int(summary[name]["Area px"])


def test_the_comparison_has_four_colours(demo: tuple[Path, str]) -> None:
    """Black, white, magenta and green, nothing else."""
    folder, _ = demo
    picture = np.asarray(Image.open(folder / f"{_NAMES[0]}_comparison.png").convert("RGB"))
    assert picture.shape == (512, 512, 3)
    assert {tuple(map(int, c)) for c in np.unique(picture.reshape(-1, 3), axis=0)} <= _COLOURS


def test_the_table_is_printed_beside_the_experts(demo: tuple[Path, str]) -> None:
    """Scores of every unseen image, the experts' mean, and what to try next."""
    _, printed = demo
    for part in (*_NAMES, "Pixel Jaccard", "Dice", "ROI Jaccard", "F1", "Mean expert F1",
                 "report.html", "What to try next"):  # fmt: skip
        assert part in printed, part
