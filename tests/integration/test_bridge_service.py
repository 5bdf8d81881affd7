"""The third door as a whole: a real service, a real worker, a real ImageJ."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from deepflash_service.bridge import FijiBridge, Service, connect
from deepflash_service.bridge.jvm import java_class
from deepflash_service.bridge.pixels import decode_tiff
from deepflash_service.bridge.rois import labels_to_rois, pack_rois, rois_to_labels
from deepflash_service.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    ServiceUnreachableError,
)
from deepflash_service.records import Calibration

pytestmark = [pytest.mark.jvm, pytest.mark.keras, pytest.mark.slow]

MODEL = "Bright"
STORE_MODEL = """
import pathlib, runpy, sys
store = runpy.run_path(sys.argv[1])["store_threshold_model"]
store(pathlib.Path(sys.argv[2]), name=sys.argv[3])
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Iterator[Service]:
    """Return a service with one model, started and ended by the bridge."""
    home = tmp_path_factory.mktemp("bridge") / "home"
    home.mkdir()
    source = project_root / "tests" / "fiji" / "tiny_model.py"
    subprocess.run([sys.executable, "-c", STORE_MODEL, source, home, MODEL], check=True)
    service = connect(home=home)
    assert service.is_started_here
    try:
        yield service
    finally:
        service.close()
        assert service.shutdown_if_started()
        assert not (home / "service.json").exists()


def draw_cells() -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int32]]:
    """Return an image of bright shapes, one with a hole, and their label image."""
    labels = np.zeros((120, 150), np.int32)
    labels[10:40, 10:40] = 1
    labels[20:28, 20:28] = 0
    labels[60:80, 100:149] = 2
    labels[100:120, 30:50] = 3
    return np.where(labels > 0, 3000, 300).astype(np.uint16), labels


def test_an_imagej_image_gets_its_rois(fiji: FijiBridge, service: Service) -> None:
    """Overlay, ROIs, table and the service's label image say the same, in every pixel."""
    pixels, truth = draw_cells()
    scale = Calibration(pixel_width=0.5, pixel_height=0.5, unit="µm")
    image = fiji.to_imageplus(pixels, title="my cells.tif", calibration=scale)
    overlay, rois, table = fiji.segment(image, MODEL, service=service)
    assert image.getOverlay() == overlay
    assert int(overlay.size()) == len(rois) == len(table) == 3
    assert [str(roi.getName()) for roi in rois] == table["ROI"].tolist()
    assert set(table["Model"]) == {f"{MODEL}@1"}
    drawn = rois_to_labels(fiji.rois_from(image), (120, 150))
    assert np.array_equal(drawn > 0, truth > 0)
    job = next(job for job in service.jobs() if job.kind == "segmentation")
    assert np.array_equal(decode_tiff(service.result(job, "labels.tif")), drawn)
    areas = table[[name for name in table.columns if name.startswith("Area (")]]
    assert areas.to_numpy().ravel().tolist() == pytest.approx((table["Area px"] / 4).tolist())


def test_the_display_range_plays_no_part(fiji: FijiBridge, service: Service) -> None:
    """What the user sees brighter is not brighter."""
    pixels, truth = draw_cells()
    image = fiji.to_imageplus(pixels)
    image.setDisplayRange(2900, 3100)
    fiji.segment(image, MODEL, service=service)
    assert np.array_equal(rois_to_labels(fiji.rois_from(image), truth.shape) > 0, truth > 0)


def test_a_stack_gets_rois_with_positions(fiji: FijiBridge, service: Service) -> None:
    """Each plane has its own ROIs, and ImageJ shows them there only."""
    pixels, _ = draw_cells()
    stack = np.stack([pixels, np.full_like(pixels, 300), pixels])
    stack[0, 0, 0] = 3000
    image = fiji.to_imageplus(stack, dims="ZYX", title="stack")
    _, rois, table = fiji.segment(image, MODEL, service=service)
    planes = [int(roi.getPosition()) or int(roi.getZPosition()) for roi in rois]
    assert set(planes) == {1, 3}
    assert len(rois) == len(table) == 6


def test_wrong_input_gives_a_sentence(fiji: FijiBridge, service: Service) -> None:
    """RGB, no image, unknown model, wrong option: cause and remedy."""
    colours = java_class("ij.ImagePlus")("rgb", java_class("ij.process.ColorProcessor")(9, 9))
    image = fiji.to_imageplus(draw_cells()[0])
    with pytest.raises(InputError) as caught:
        fiji.segment(colours, MODEL, service=service)
    assert str(caught.value) == (
        f"This is an RGB image, but model {MODEL} expects one channel. Use Image > Color > "
        "Split Channels or Image > Type > 8-bit."
    )
    with pytest.raises(InputError, match="No image is open"):
        fiji.segment(None, MODEL, service=service)
    with pytest.raises(NotFoundError, match=MODEL) as missing:
        fiji.segment(image, "nope", service=service)
    assert missing.value.code == "unknown_model"
    with pytest.raises(InputError, match="threshold"):
        fiji.segment(image, MODEL, service=service, threshold=7)


def test_experts_are_compared_over_http(service: Service) -> None:
    """ROI sets and masks of two experts: pairs, agreement, consensus, evaluation."""
    pixels, truth = draw_cells()
    dataset = service.create_dataset("two experts")
    service.put_image(dataset, "0001_img.tif", pixels)
    anna = service.put_annotation(
        dataset, "0001_RoiSet.zip", pack_rois(labels_to_rois(truth)), expert="anna"
    )
    ben = service.put_annotation(dataset, "0001_msk.tif", truth > 0, expert="ben")
    assert (anna["rois"], ben["rois"]) == (3, 3)
    found = service.pairs(dataset, verdicts=True)
    assert [one["verdict"] for one in found["verdicts"]] == ["fits", "fits"]
    assert found["pairwise"][0]["f1"] == 1.0
    assert found["pairs"] == [{"image": "0001_img.tif", "experts": ["anna", "ben"]}]
    assert service.agreement(dataset)["pairs"]["f1"] == 1.0
    consensus = service.consensus(dataset, "0001_img.tif", method="majority")
    assert np.array_equal(consensus, truth > 0)
    scores = service.evaluate({"a.tif": truth}, {"a.tif": truth > 0})
    assert scores["mean"]["f1"] == 1.0


def test_a_wrong_token_is_refused(service: Service) -> None:
    """Whoever has not read service.json gets nothing."""
    with pytest.raises(ServiceUnreachableError, match="refused the token") as caught:
        connect(url=service.url, token="wrong")
    assert caught.value.code == "unauthorized"


def test_the_library_is_led_over_http(service: Service) -> None:
    """A new name keeps versions and labels; a package comes back, but not as a second copy."""
    package = service.export_model(MODEL)
    with pytest.raises(ConflictError, match="has this model already"):
        service.import_model(package)
    assert service.label_model(f"{MODEL}@1", "first") == {"first": 1}
    cards = service.rename_model(MODEL, "Renamed")
    assert [(card.name, card.version) for card in cards] == [("Renamed", 1)]
    assert service.model_labels("Renamed") == {"first": 1}
    with pytest.raises(NotFoundError, match=MODEL):
        service.model(MODEL)
    service.remove_model("Renamed")
    assert service.import_model(package).version == 2, "the trash has the first"
    assert [card.name for card in service.models()] == [MODEL]
