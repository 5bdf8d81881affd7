"""Segmentation with a fake model: files, planes, channels, faults."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import roifile

from deepflash_service.core.geojson_shapes import geojson_to_labels
from deepflash_service.core.labels import label_rois
from deepflash_service.errors import DeepFlashError, JobCancelled
from deepflash_service.records import Progress, SegmentOptions
from deepflash_service.store import runs
from deepflash_service.store.images import PlaneLayout, read_image, write_image
from deepflash_service.store.results import find_result, list_results
from deepflash_service.workflows import planes
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.prediction import LoadedModel
from deepflash_service.workflows.segment import name_results, run_segmentation, segment_images
from tests.unit.store.image_samples import make_png, make_tiff
from tests.unit.workflows.conftest import LABELS, SIZE, make_model

OPTIONS = SegmentOptions(model="bright")


def test_every_image_leaves_its_files(
    tmp_path: Path, image_folder: Path, bright_model: LoadedModel
) -> None:
    """Labels, mask, map, ROI set and overlay per image, calibration kept; two tables for all."""
    sources = sorted(image_folder.iterdir())
    result = segment_images(sources, bright_model, options=OPTIONS, output=tmp_path / "out")
    assert [one["rois"] for one in result["images"]] == [3, 0]
    assert result["device"] == "this computer fake"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    kinds = {"labels.tif", "mask.tif", "probability.tif", "RoiSet.zip", "overlay.png"}
    kinds |= {"rois.geojson"}
    assert names == {f"{n}_{kind}" for n in "ab" for kind in kinds} | {"rois.csv", "summary.csv"}
    labels = read_image(tmp_path / "out" / "a_labels.tif")
    np.testing.assert_array_equal(labels.select(), LABELS)
    assert labels.calibration == SIZE
    assert read_image(tmp_path / "out" / "a_mask.tif").select().max() == 255
    outlines = Path(result["images"][0]["files"]["outlines"])
    assert outlines == tmp_path / "out" / "a_rois.geojson"
    drawn = geojson_to_labels(json.loads(outlines.read_text()), shape=LABELS.shape)
    np.testing.assert_array_equal(drawn, LABELS)


def test_tables_tell_all_rois_and_images(
    tmp_path: Path, image_folder: Path, bright_model: LoadedModel
) -> None:
    """The ROI table has the columns of Fiji's, the summary a row for an empty image, too."""
    sources = sorted(image_folder.iterdir())
    segment_images(sources, bright_model, options=OPTIONS, output=tmp_path)
    rois = pd.read_csv(tmp_path / "rois.csv")
    assert list(rois.columns) == [
        "Image", "ROI", "Class", "C", "Z", "T", "Area (µm^2)", "Area px", "X", "Y", "Mean", "Min",
        "Max", "IntDen", "Circularity", "Probability", "Model", "Threshold", "Border",
    ]  # fmt: skip
    assert rois["Area px"].tolist() == [64, 120, 1]
    assert rois["Area (µm^2)"].tolist() == [16, 30, 0.25]
    assert rois["Image"].unique().tolist() == ["a.tif"]
    summary = pd.read_csv(tmp_path / "summary.csv")
    assert summary["ROIs"].tolist() == [3, 0]
    assert rois["Border"].tolist() == [0, 0, 0]
    assert rois["ROI"].tolist() == [f"roi-t001-z001-{number:04d}" for number in (1, 2, 3)]
    assert [roi.name for roi in roifile.roiread(tmp_path / "a_RoiSet.zip")] == rois["ROI"].tolist()


@pytest.mark.parametrize(("target", "start"), [("cFOS", "cFOS"), ("", "roi")])
def test_names_of_rois_begin_with_what_the_model_finds(
    tmp_path: Path, image_folder: Path, target: str, start: str
) -> None:
    """As Fiji names them; a model that does not tell its target finds ROIs."""
    sources = [image_folder / "a.tif"]
    segment_images(sources, make_model(target=target), options=OPTIONS, output=tmp_path)
    names = [roi.name for roi in roifile.roiread(tmp_path / "a_RoiSet.zip")]
    assert names == [f"{start}-t001-z001-{number:04d}" for number in (1, 2, 3)]
    outlines = json.loads((tmp_path / "a_rois.geojson").read_text())
    assert [one["properties"]["name"] for one in outlines["features"]] == names


def test_threshold_and_size_come_from_options_or_card(tmp_path: Path, image_folder: Path) -> None:
    """The card's values hold unless the user chose others."""
    model = make_model(min_roi_size=100)
    write_image(image_folder / "a.tif", ((LABELS > 0) * 80).astype(np.uint8))
    sources = [image_folder / "a.tif"]
    for chosen, count in (({}, 1), ({"min_roi_size": 2}, 2), ({"threshold": 0.95}, 0)):
        options = SegmentOptions(model="bright", **chosen)
        result = segment_images(sources, model, options=options, output=tmp_path)
        assert result["images"][0]["rois"] == count


def test_stacks_keep_their_planes(tmp_path: Path, bright_model: LoadedModel) -> None:
    """Every plane is segmented; ROIs have unique names and the position of their plane."""
    stack = np.stack([((LABELS > 0) * 200).astype(np.uint8)] * 6)
    layout = PlaneLayout(slices=3, frames=2)
    write_image(tmp_path / "s.tif", stack, layout=layout)
    result = segment_images(
        [tmp_path / "s.tif"], bright_model, options=OPTIONS, output=tmp_path / "out"
    )
    assert result["images"][0]["rois"] == 18
    labels = read_image(tmp_path / "out" / "s_labels.tif")
    assert (labels.layout.slices, labels.layout.frames) == (3, 2)
    rois = roifile.roiread(tmp_path / "out" / "s_RoiSet.zip")
    assert len({roi.name for roi in rois}) == 18
    assert (rois[-1].z_position, rois[-1].t_position) == (3, 2)
    table = pd.read_csv(tmp_path / "out" / "rois.csv")
    assert table["Z"].tolist() == [1] * 3 + [2] * 3 + [3] * 3 + [1] * 3 + [2] * 3 + [3] * 3


def test_single_axis_stacks_use_the_plain_position(
    tmp_path: Path, bright_model: LoadedModel
) -> None:
    """In a stack with one axis ImageJ looks at the position, not at z."""
    stack = np.stack([((LABELS > 0) * 200).astype(np.uint8)] * 2)
    write_image(tmp_path / "s.tif", stack)
    write_image(tmp_path / "t.tif", stack, layout=PlaneLayout(frames=2))
    sources = [tmp_path / "s.tif", tmp_path / "t.tif"]
    segment_images(sources, bright_model, options=OPTIONS, output=tmp_path)
    assert [roi.position for roi in roifile.roiread(tmp_path / "t_RoiSet.zip")] == [1] * 3 + [2] * 3
    assert [roi.position for roi in roifile.roiread(tmp_path / "s_RoiSet.zip")] == [1] * 3 + [2] * 3


def test_one_plane_can_be_chosen(tmp_path: Path, bright_model: LoadedModel) -> None:
    """The result of one plane is a plain image; its ROIs know where they belong."""
    stack = np.stack([LABELS * 0, (LABELS > 0) * 200]).astype(np.uint8)
    write_image(tmp_path / "s.tif", stack)
    options = SegmentOptions(model="bright", planes=2)
    segment_images([tmp_path / "s.tif"], bright_model, options=options, output=tmp_path)
    assert read_image(tmp_path / "s_labels.tif").planes.shape == (1, 40, 50)
    rois = roifile.roiread(tmp_path / "s_RoiSet.zip")
    assert {roi.position for roi in rois} == {2}
    assert rois[0].name == "roi-t001-z002-0001"


def test_a_bad_file_stops_nothing(
    tmp_path: Path, image_folder: Path, bright_model: LoadedModel
) -> None:
    """RGB, several channels and damaged files are told one by one; the rest is segmented."""
    noise = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    (image_folder / "c.png").write_bytes(make_png(noise))
    channels = make_tiff(noise.transpose(2, 0, 1), imagej=True, metadata={"axes": "CYX"})
    (image_folder / "d.tif").write_bytes(channels)
    (image_folder / "e.tif").write_bytes(b"text")
    sources = sorted(image_folder.iterdir())
    result = segment_images(sources, bright_model, options=OPTIONS, output=tmp_path / "out")
    codes = [one["error"] and one["error"]["code"] for one in result["images"]]
    assert codes == [None, None, "rgb_image", "channel_mismatch", "invalid_image"]
    message = result["images"][2]["error"]["message"]
    assert message == (
        "This is an RGB image, but model bright expects one channel. Use Image > Color > Split "
        "Channels or Image > Type > 8-bit."
    )
    assert not list((tmp_path / "out").glob("c*"))


def test_short_memory_stops_nothing(
    tmp_path: Path, image_folder: Path, bright_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image for which the memory does not suffice is told; the others are segmented."""

    def fail_first(probability: Any, **options: Any) -> Any:
        if not calls:
            calls.append(1)
            raise MemoryError
        return label_rois(probability, **options)

    calls: list[int] = []
    monkeypatch.setattr(planes, "label_rois", fail_first)
    sources = sorted(image_folder.iterdir())
    result = segment_images(sources, bright_model, options=OPTIONS, output=tmp_path / "out")
    codes = [one["error"] and one["error"]["code"] for one in result["images"]]
    assert codes == ["out_of_memory", None]
    assert "memory did not suffice for a.tif" in result["images"][0]["error"]["message"]


def test_a_channel_can_be_chosen(tmp_path: Path, bright_model: LoadedModel) -> None:
    """With a channel, images of several channels and RGB images are fine."""
    pixels = np.stack([LABELS * 0, (LABELS > 0) * 200]).astype(np.uint8)
    data = make_tiff(pixels, imagej=True, metadata={"axes": "CYX"})
    (tmp_path / "x.tif").write_bytes(data)
    options = SegmentOptions(model="bright", channel=2)
    result = segment_images([tmp_path / "x.tif"], bright_model, options=options, output=tmp_path)
    assert result["images"][0]["rois"] == 3
    wrong = SegmentOptions(model="bright", channel=3)
    result = segment_images([tmp_path / "x.tif"], bright_model, options=wrong, output=tmp_path)
    assert "choose a number from 1 to 2" in result["images"][0]["error"]["message"]


def test_cancelled_work_ends(tmp_path: Path, image_folder: Path, bright_model: LoadedModel) -> None:
    """Cancelling ends the work instead of becoming a fault of one image."""
    answers = iter([False, True])
    hooks = Hooks(is_cancelled=lambda: next(answers, True))
    sources = sorted(image_folder.iterdir())
    with pytest.raises(JobCancelled):
        segment_images(sources, bright_model, options=OPTIONS, output=tmp_path / "o", hooks=hooks)


def test_progress_reaches_its_maximum(
    tmp_path: Path, image_folder: Path, bright_model: LoadedModel
) -> None:
    """The last report says that all is done."""
    seen: list[Progress] = []
    sources = sorted(image_folder.iterdir())
    hooks = Hooks(report=seen.append)
    segment_images(sources, bright_model, options=OPTIONS, output=tmp_path / "o", hooks=hooks)
    assert seen[-1].current == seen[-1].maximum > 0


def test_jobs_have_nested_results(tmp_path: Path, bright_model: LoadedModel) -> None:
    """A job reads its inputs and writes NAME/labels.tif, with GeoJSON."""
    run = runs.create_run(tmp_path, "segmentation", options={"model": "bright"})
    pixels = ((LABELS > 0) * 200).astype(np.uint8)
    runs.add_input(run, "image", name="a b.tif", data=make_tiff(pixels))
    assert run_segmentation(tmp_path, run, bright_model)["warnings"] == []
    assert set(list_results(run.results)) == {
        *(f"a b/{name}" for name in (
            "RoiSet.zip", "labels.tif", "mask.tif", "overlay.png", "probability.tif", "rois.geojson"
        )),
        "rois.csv", "summary.csv",
    }  # fmt: skip
    features = json.loads(find_result(run.results, "rois.geojson").read_text())["features"]
    assert len(features) == 3


def test_a_job_keeps_what_it_warned_of(tmp_path: Path, bright_model: LoadedModel) -> None:
    """The sentences that were told while it ran stand in its result, each once."""
    run = runs.create_run(tmp_path, "segmentation", options={"model": "bright"})
    runs.add_input(run, "image", name="a.tif", data=b"text")
    runs.add_input(run, "image", name="b.tif", data=make_tiff(((LABELS > 0) * 200).astype("u1")))
    told: list[str] = []
    result = run_segmentation(tmp_path, run, bright_model, hooks=Hooks(warn=told.append))
    assert result["warnings"] == told
    assert len(told) == 1
    assert "a.tif" in told[0]


def test_a_job_without_any_result_fails(tmp_path: Path, bright_model: LoadedModel) -> None:
    """When no image could be used, its fault is the fault of the job."""
    run = runs.create_run(tmp_path, "segmentation", options={"model": "bright"})
    runs.add_input(run, "image", name="a.tif", data=b"text")
    with pytest.raises(DeepFlashError) as caught:
        run_segmentation(tmp_path, run, bright_model)
    assert caught.value.code == "invalid_image"


def test_names_of_results_are_unique() -> None:
    """Files that differ by extension only do not overwrite each other's results."""
    found = name_results([Path("a.tif"), Path("b.tif"), Path("A.png")])
    assert found == ["a", "b", "A-2"]
    found = name_results([Path("a.tif"), Path("a.png"), Path("a-2.tif"), Path("A-2.png")])
    assert found == ["a", "a-3", "a-2", "A-2-2"]


def test_names_of_results_are_no_names_of_tables_and_fit_every_system() -> None:
    """Windows takes no folder that ends with a dot or a blank; tables keep their names."""
    found = name_results([Path("rois.csv"), Path("Summary.csv.tif"), Path("b..tif"), Path("b.tif")])
    assert found == ["rois.csv-2", "Summary.csv-2", "b", "b-2"]
    found = name_results([Path("dup-2.tif"), Path("dup.png"), Path("dup.tif"), Path("DUP-3.tif")])
    assert found == ["dup-2", "dup", "dup-4", "DUP-3"]


def test_labels_do_not_depend_on_the_display_range(
    tmp_path: Path, image_folder: Path, bright_model: LoadedModel
) -> None:
    """The raw values count, whatever type they are stored in."""
    write_image(image_folder / "a.tif", ((LABELS > 0) * 200).astype(np.uint16))
    model = replace(bright_model)
    segment_images([image_folder / "a.tif"], model, options=OPTIONS, output=tmp_path / "o")
    np.testing.assert_array_equal(read_image(tmp_path / "o" / "a_labels.tif").select(), LABELS)
