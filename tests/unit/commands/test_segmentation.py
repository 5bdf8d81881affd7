"""``deepflash segment``: which images are taken, and what their results are called."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.unit.commands.conftest import Run
from tests.unit.store.image_samples import make_png
from tests.unit.store.test_models import add_model


@pytest.mark.usefixtures("fake_model")
def test_shards_share_the_work(run: Run, home: Path, data: Path, tmp_path: Path) -> None:
    """Each shard takes its images and writes its tables; the last one joins the tables of all."""
    add_model(home, "m")
    arguments = ["segment", data / "images", "--model", "m", "--output"]
    assert run(*arguments, tmp_path / "whole").code == 0
    for number, missing in ((2, [1]), (1, [])):
        shard = ["--shard", f"{number}/2", "--json"]
        found = run(*arguments, tmp_path / "out", *shard)
        assert (found.code, found.err) == (0, "")
        assert len(found.json["images"]) == 1
        assert found.json["shards"] == {
            "number": number, "count": 2, "missing": missing, "joined": not missing
        }  # fmt: skip
        assert (tmp_path / "out" / f"rois_{number}_of_2.csv").is_file()
        assert (tmp_path / "out" / "rois.csv").is_file() == (not missing)
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.usefixtures("fake_model")
def test_a_shard_tells_people_what_is_missing(
    run: Run, home: Path, data: Path, tmp_path: Path
) -> None:
    """Who starts shards by hand sees which are missing, and that the tables are joined."""
    add_model(home, "m")
    arguments = ["segment", data / "images", "--model", "m", "--output", tmp_path / "out"]
    first = run(*arguments, "--shard", "1/15")
    assert "changed since: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 4 more." in first.out
    found = [run(*arguments, "--shard", f"{number}/15") for number in range(2, 16)]
    assert found[-1].out.startswith("m@1\n")
    assert "rois.csv and summary.csv hold all images" in found[-1].out


def test_a_scheduler_that_is_not_there_is_told(
    run: Run, home: Path, data: Path, tmp_path: Path
) -> None:
    """One sentence, nothing on stdout, and no folder of results is made."""
    add_model(home, "m")
    arguments = ["segment", data / "images", "--model", "m", "--output", tmp_path / "out"]
    found = run(*arguments, "--scheduler", tmp_path / "none.json", "--json")
    assert (found.code, found.out) == (1, "")
    assert "none.json cannot be reached" in found.err
    assert found.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
    both = run(*arguments, "--scheduler", "tcp://127.0.0.1:1", "--shard", "1/2")
    assert both.code == 2
    assert "not both" in both.err


@pytest.mark.usefixtures("fake_model")
def test_shards_share_the_names(run: Run, home: Path, data: Path, tmp_path: Path) -> None:
    """Two images of one stem keep their results apart even in different shards."""
    add_model(home, "m")
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
    """Run again with the output in the folder of the images, it takes the same images.

    Results of an earlier version, which wrote no GeoJSON, are results too.
    """
    folder = data / "images"
    (folder / "plate_labels.tif").write_bytes((folder / "x.tif").read_bytes())
    names = ["plate_labels.tif", "x.tif", "y.tif"]
    for _ in range(2):
        found = run("segment", folder, "--model", "m", "--output", folder, "--json")
        assert [one["image"] for one in found.json["images"]] == names
        for one in found.json["images"]:
            Path(one["files"]["outlines"]).unlink()


@pytest.mark.usefixtures("fake_model")
def test_every_column_is_explained(
    run: Run, data: Path, tmp_path: Path, project_root: Path
) -> None:
    """In the tables of the glossary, by its name without the unit."""
    out = tmp_path / "out"
    assert run("segment", data / "images", "--model", "m", "--output", out).code == 0
    glossary = (project_root / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in glossary.splitlines() if line.startswith("| ")]
    known = {re.sub(r" \(.*", "", word).strip() for row in rows for word in row.split(",")}
    for name in ("rois.csv", "summary.csv"):
        columns = {re.sub(r" \(.*", "", column) for column in pd.read_csv(out / name).columns}
        assert columns <= known, name


@pytest.mark.usefixtures("fake_model")
def test_what_failed_is_named_once(run: Run, tmp_path: Path) -> None:
    """And results are not named where there are none."""
    (tmp_path / "notes.tif").write_text("no image", encoding="utf-8")
    found = run("segment", tmp_path / "notes.tif", "--model", "m", "--output", tmp_path / "out")
    assert (found.code, found.err.count("notes.tif")) == (1, 1)
    assert "Results:" not in found.out


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
def test_tables_have_a_header_even_without_images(
    run: Run, home: Path, data: Path, tmp_path: Path
) -> None:
    """A shard without images, and a run in which all fail, leave tables that can be read."""
    add_model(home, "m")
    arguments = ["segment", data / "images" / "x.tif", "--model", "m"]
    assert run(*arguments, "--output", tmp_path / "full").code == 0
    assert run(*arguments, "--output", tmp_path / "empty", "--shard", "2/2").code == 0
    for name in ("rois", "summary"):
        full = pd.read_csv(tmp_path / "full" / f"{name}.csv")
        empty = pd.read_csv(tmp_path / "empty" / f"{name}_2_of_2.csv")
        assert len(empty) == 0
        assert [one.replace("pixel", "µm") for one in empty.columns] == list(full.columns)
