"""Measuring, samples, installing, the doctor, and the test of a model."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deepflash_service.errors import InputError, JobCancelled
from deepflash_service.records import Progress
from deepflash_service.store import runs
from deepflash_service.store.images import (
    list_images,
    read_annotation,
    read_image,
    write_image,
    write_labels,
    write_probability,
)
from deepflash_service.store.models import StoredModel
from deepflash_service.workflows import install, plugin_files
from deepflash_service.workflows.doctor import inspect_setup
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.measure import measure_folders
from deepflash_service.workflows.model_tests import check_model
from deepflash_service.workflows.samples import write_samples
from tests.unit.store.image_samples import make_png
from tests.unit.workflows.conftest import LABELS, make_model, predict_bright


def test_measure_writes_one_row_per_roi(
    tmp_path: Path, image_folder: Path, truth_folder: Path
) -> None:
    """Areas come in the unit of the image, intensities from its pixels."""
    output = tmp_path / "table.csv"
    result = measure_folders(image_folder, truth_folder, output=output)
    assert [one["rois"] for one in result["images"]] == [3, 0]
    table = pd.read_csv(output)
    assert table["Area (µm^2)"].tolist() == [16, 30, 0.25]
    assert table["Mean"].tolist() == [200, 200, 200]
    assert set(table["Image"]) == {"a.tif"}
    assert table[["C", "Z", "T"]].to_numpy().tolist() == [[1, 1, 1]] * 3


def test_measure_leaves_stacks_and_colour_images_out(
    tmp_path: Path, image_folder: Path, truth_folder: Path
) -> None:
    """What has no single grey plane is named; the other images are measured."""
    write_image(image_folder / "s.tif", np.zeros((2, 40, 50), np.uint8))
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 200, (40, 50, 3)).astype(np.uint8)
    (image_folder / "c.png").write_bytes(make_png(colours))
    for name in "sc":
        write_labels(truth_folder / f"{name}.tif", LABELS)
    result = measure_folders(image_folder, truth_folder, output=tmp_path / "t.csv")
    assert [one["image"] for one in result["images"]] == ["a.tif", "b.tif"]
    text = " ".join(result["warnings"])
    assert "s.tif is a stack" in text
    assert "c.png is an RGB image" in text


def test_measure_refuses_what_does_not_fit(tmp_path: Path, image_folder: Path) -> None:
    """Names that do not fit, and stacks, are refused."""
    write_labels(tmp_path / "l" / "z.tif", LABELS)
    with pytest.raises(InputError) as caught:
        measure_folders(image_folder, tmp_path / "l", output=tmp_path / "t.csv")
    assert caught.value.code == "pairing_failed"
    write_image(image_folder / "z.tif", np.zeros((2, 40, 50), np.uint8))
    with pytest.raises(InputError, match="is a stack"):
        measure_folders(image_folder, tmp_path / "l", output=tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()


def test_samples_are_files_in_the_promised_places(tmp_path: Path) -> None:
    """Images, masks and ROI sets of every expert; unseen images with their truth."""
    result = write_samples(tmp_path, images=1, experts=2, seed=3)
    name = result["train"][0]
    assert result["experts"] == ["expert_1", "expert_2"]
    image = read_image(tmp_path / "train" / "images" / f"{name}.tif")
    assert image.calibration.unit == "µm"
    for expert in result["experts"]:
        mask = read_annotation(tmp_path / "train" / "masks" / expert / f"{name}.tif")
        rois = tmp_path / "train" / "rois" / expert / f"{name}_RoiSet.zip"
        np.testing.assert_array_equal(read_annotation(rois, shape=image.shape), mask)
    assert len(list_images(tmp_path / "test" / "images")) == len(result["test"])
    assert len(list_images(tmp_path / "test" / "truth")) == len(result["test"])
    with pytest.raises(InputError):
        write_samples(tmp_path, images=0)


def test_fiji_gets_jar_and_macros(
    tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new jar replaces an older one; macros keep their folders; the help names the keys."""
    jar = tmp_path / "DeepFLaSH_Fiji-9.9.9.jar"
    jar.write_bytes(b"jar")
    monkeypatch.setattr(plugin_files, "find_jar", lambda: jar)
    plugins = tmp_path / "Fiji.app" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "DeepFLaSH_Fiji-0.0.1.jar").touch()
    result = install.install_into_fiji(tmp_path / "Fiji.app")
    assert [path.name for path in plugins.glob("*.jar")] == [jar.name]
    assert len(result["removed"]) == 1
    assert all(Path(path).is_file() for path in result["files"])
    keys = tmp_path / "Fiji.app" / "macros" / "DeepFLaSH_README.txt"
    assert keys.read_bytes() == (project_root / "macros" / "README.md").read_bytes()
    texts = project_root / "fiji_plugin" / "src" / "main" / "resources" / "org" / "deepflash"
    told = (texts / "help.txt").read_text("utf-8")
    assert f"macros/{keys.name} of the Fiji folder" in told
    noted = plugins / "DeepFLaSH" / "installation.json"
    assert json.loads(noted.read_text()) == {"python": sys.executable, "home": ""}
    assert result["home"] == ""
    again = install.install_into_fiji(tmp_path / "Fiji.app", home=tmp_path / "lab")
    assert again["home"] == str(tmp_path / "lab")
    assert json.loads(noted.read_text())["home"] == str(tmp_path / "lab")
    with pytest.raises(InputError, match="is no Fiji"):
        install.install_into_fiji(tmp_path / "Fiji.app" / "plugins")


def test_a_missing_jar_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a built jar the remedy is to build it, and nothing is copied."""
    (tmp_path / "plugins").mkdir()
    monkeypatch.setattr(plugin_files, "find_jar", lambda: None)
    with pytest.raises(RuntimeError, match="make setup"):
        install.install_into_fiji(tmp_path)
    assert list((tmp_path / "plugins").iterdir()) == []


def test_the_doctor_tells_state_and_remedy(tmp_path: Path) -> None:
    """Every check has a state and a sentence; the worst one is the state of all."""
    result = inspect_setup(tmp_path, asks_device=False)
    names = {check["name"] for check in result["checks"]}
    assert {"packages", "home", "disk", "service", "models", "jobs", "java", "plugin"} <= names
    assert result["state"] in {"ok", "warning"}
    lost = runs.create_run(tmp_path, "training", options={})
    (lost.folder / "job.json").unlink()
    checks = inspect_setup(tmp_path, asks_device=False)["checks"]
    (jobs,) = (check for check in checks if check["name"] == "jobs")
    assert (jobs["state"], lost.id in jobs["message"]) == ("warning", True)
    broken = tmp_path / "file"
    broken.touch()
    assert inspect_setup(broken / "home", asks_device=False)["state"] == "fault"


def test_a_model_is_tested_by_its_own_image(tmp_path: Path) -> None:
    """The stored map is compared with what the model predicts now."""
    model = make_model()
    pixels = ((LABELS > 0) * 200).astype(np.uint8)
    stored = StoredModel(model.card, tmp_path)
    with pytest.raises(InputError, match="no test image"):
        check_model(stored, model=model)
    write_image(tmp_path / "test_image.tif", pixels)
    write_probability(tmp_path / "test_expected.tif", predict_bright(pixels, Hooks()))
    assert check_model(stored, model=model) == 0
    write_probability(tmp_path / "test_expected.tif", predict_bright(pixels, Hooks()) * 0.9)
    with pytest.raises(InputError) as caught:
        check_model(stored, model=model)
    assert caught.value.code == "model_test_failed"


def test_steps_share_one_scale() -> None:
    """Progress inside a step counts as its part of the whole."""
    seen: list[Progress] = []
    hooks = Hooks(report=seen.append)
    hooks.for_step(1, 4, prefix="b: ").report(Progress("half", 5, 10))
    assert (seen[0].message, seen[0].current, seen[0].maximum) == ("b: half", 15, 40)
    with pytest.raises(JobCancelled):
        Hooks(is_cancelled=lambda: True).check()
