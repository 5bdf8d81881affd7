"""``deepflash segment``: which images are taken, and what their results are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.unit.commands.conftest import Run
from tests.unit.store.image_samples import make_png


@pytest.mark.usefixtures("fake_model")
def test_shards_share_the_names(run: Run, data: Path, tmp_path: Path) -> None:
    """Two images of one stem keep their results apart even in different shards."""
    pixels = np.zeros((8, 9), np.uint8)
    (data / "images" / "x.png").write_bytes(make_png(pixels))
    files = []
    for number in (1, 2, 3):
        found = run(
            "segment", data / "images", "--model", "m", "--output", tmp_path / "out",
            "--shard", f"{number}/3", "--json",
        )  # fmt: skip
        files += [one["files"]["labels"] for one in found.json["images"]]
    assert len(set(files)) == 3


@pytest.mark.usefixtures("fake_model")
def test_segment_leaves_its_own_results_out(run: Run, data: Path) -> None:
    """Run again with the output in the folder of the images, it takes the same images."""
    folder = data / "images"
    (folder / "plate_labels.tif").write_bytes((folder / "x.tif").read_bytes())
    runs_found = [
        run("segment", folder, "--model", "m", "--output", folder, "--json") for _ in range(2)
    ]
    for found in runs_found:
        assert [one["image"] for one in found.json["images"]] == [
            "plate_labels.tif", "x.tif", "y.tif"
        ]  # fmt: skip


@pytest.mark.usefixtures("fake_model")
def test_results_never_overwrite_an_image(run: Run, data: Path) -> None:
    """Labels drawn by hand beside their image are not replaced by the model's."""
    folder = data / "images"
    (folder / "x_labels.tif").write_bytes((folder / "x.tif").read_bytes())
    before = (folder / "x_labels.tif").read_bytes()
    found = run("segment", folder, "--model", "m", "--output", folder)
    assert found.code == 2
    assert "x_labels.tif" in found.err
    assert (folder / "x_labels.tif").read_bytes() == before


@pytest.mark.usefixtures("fake_model")
def test_tables_have_a_header_even_without_images(run: Run, data: Path, tmp_path: Path) -> None:
    """A shard without images, and a run in which all fail, leave tables that can be read."""
    arguments = ["segment", data / "images" / "x.tif", "--model", "m"]
    assert run(*arguments, "--output", tmp_path / "full").code == 0
    assert run(*arguments, "--output", tmp_path / "empty", "--shard", "2/2").code == 0
    for name in ("rois", "summary"):
        full = pd.read_csv(tmp_path / "full" / f"{name}.csv")
        empty = pd.read_csv(tmp_path / "empty" / f"{name}_2_of_2.csv")
        assert len(empty) == 0
        assert [one.replace("pixel", "µm") for one in empty.columns] == list(full.columns)
