"""Images of another pixel size than those of the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deepflash_service.core.forecast import fit_forecast
from deepflash_service.core.scaling import SAME_SCALE
from deepflash_service.inference.predictor import LoadedPredictor
from deepflash_service.records import (
    Calibration,
    EvaluateOptions,
    ModelCard,
    NetworkCard,
    SegmentOptions,
)
from deepflash_service.store.images import read_image, write_image, write_labels
from deepflash_service.workflows.evaluate import evaluate_model
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.pixel_sizes import (
    choose_calibration,
    compare_diameters,
    find_usual,
    list_differences,
    scale_model,
)
from deepflash_service.workflows.segment import segment_images
from tests.unit.workflows.conftest import make_model
from tests.unit.workflows.huge_samples import wrap_predictor

TRAINED = Calibration(pixel_width=0.6, pixel_height=0.6, unit="µm")
RADIUS = 6


def _measure(size: float, *, height: float | None = None, unit: str = "µm") -> Calibration:
    return Calibration(pixel_width=size, pixel_height=height or size, unit=unit)


def make_choosy_model(**facts: Any) -> Any:
    """Return a model that marks discs of about 6 pixels radius, and none half or twice as large."""
    from scipy import ndimage

    def member(tiles: Any) -> Any:
        maps = []
        for tile in tiles[..., 0]:
            bright = ndimage.binary_opening(tile > 0.4, iterations=2)
            labels, _ = ndimage.label(bright)
            areas = np.bincount(labels.ravel())
            fits = (areas > 60) & (areas < 200)
            fits[0] = False
            maps.append(np.where(fits[labels], 0.9, 0.1))
        return np.stack(maps).astype(np.float32)

    card = ModelCard(name="choosy", network=NetworkCard(), **{"calibration": TRAINED, **facts})
    predictor = LoadedPredictor((member,), 1, "", "fake", "float32", 0.0, flips=((),))
    return wrap_predictor(predictor, card)


def draw_discs(factor: float, *, squeeze: float = 1.0) -> tuple[Any, Any]:
    """Return 20 discs, 6 pixels wide times a factor, and their labels."""
    shape = round(160 * factor * squeeze), round(200 * factor)
    rows, columns = (np.indices(shape).T + 0.5).T
    rows, columns = rows / factor / squeeze, columns / factor
    away = np.hypot(rows % 40 - 20, columns % 40 - 20)
    labels = np.where(away < RADIUS, 1 + rows // 40 * 5 + columns // 40, 0).astype(np.int32)
    noise = np.random.default_rng(0).normal(0, 5, shape)
    return (20 + 150 * (labels > 0) + noise).clip(0, 255).astype(np.uint8), labels


def segment(
    folder: Path, model: Any, factor: float, calibration: Calibration, **options: Any
) -> tuple[dict[str, Any], list[str]]:
    """Segment discs of one size; return the entry and the warnings."""
    squeeze = options.pop("squeeze", 1.0)
    write_image(folder / "a.tif", draw_discs(factor, squeeze=squeeze)[0], calibration=calibration)
    warnings: list[str] = []
    result = segment_images(
        [folder / "a.tif"],
        model,
        options=SegmentOptions(model="choosy", **options),
        output=folder / "out",
        hooks=Hooks(warn=warnings.append),
    )
    return dict(result["images"][0]), warnings


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.6, 3.0])
@pytest.mark.parametrize("unit", ["µm", "nm"])
def test_images_of_another_scale_are_brought_to_that_of_the_training(
    tmp_path: Path, factor: float, unit: str
) -> None:
    """All discs are found at any pixel size, on the image's own grid, with one sentence."""
    size = 0.6 / factor * (1000 if unit == "nm" else 1)
    entry, warnings = segment(tmp_path, make_choosy_model(), factor, _measure(size, unit=unit))
    truth = draw_discs(factor)[1]
    found = read_image(tmp_path / "out" / "a_labels.tif")
    assert entry["rois"] == 20
    assert found.shape == truth.shape
    assert found.calibration.unit == unit
    overlap = ((found.select() > 0) & (truth > 0)).sum() / (
        (found.select() > 0) | (truth > 0)
    ).sum()
    assert overlap > 0.8
    assert len(warnings) == 1
    assert warnings[0].startswith("a.tif: rescaled for the prediction by ")
    assert ("check the result" in warnings[0]) == (factor == 3.0)
    if factor == 3.0:
        assert "by 0.33: its pixels are" in warnings[0]


def test_without_pixel_sizes_nothing_is_rescaled_and_the_diameters_tell(tmp_path: Path) -> None:
    """The same image without calibration: fewer ROIs, or a warning that names cause and remedy."""
    entry, warnings = segment(tmp_path, make_choosy_model(), 3.0, Calibration())
    assert entry["rois"] == 0
    assert warnings == ["a.tif: found nothing: the highest probability is 0.10, the threshold 0.5."]
    entry, warnings = segment(tmp_path, make_choosy_model(roi_diameter=40), 1.0, Calibration())
    assert entry["rois"] == 20
    assert len(warnings) == 1
    assert "median diameter of 1" in warnings[0]
    assert "those of the training 40.0" in warnings[0]
    assert "option pixel size, or Image > Properties" in warnings[0]


def test_the_user_can_tell_the_pixel_size(tmp_path: Path) -> None:
    """The option overrules the file, and holds for tables and result files, too."""
    wrong = _measure(0.6)
    entry, warnings = segment(tmp_path, make_choosy_model(), 2.0, wrong, pixel_size=0.3)
    assert entry["rois"] == 20
    assert len(warnings) == 1
    assert read_image(tmp_path / "out" / "a_mask.tif").calibration == _measure(0.3)
    areas = pd.read_csv(tmp_path / "out" / "rois.csv")
    np.testing.assert_allclose(areas["Area (µm^2)"], areas["Area px"] * 0.09)


def test_both_axes_are_scaled(tmp_path: Path) -> None:
    """Pixels that are not square become those of the training."""
    calibration = _measure(0.6, height=0.3)
    entry, warnings = segment(tmp_path, make_choosy_model(), 1.0, calibration, squeeze=2.0)
    assert entry["rois"] == 20
    assert "by 1 (width) and 0.5 (height): its pixels are 0.6 x 0.3 µm" in warnings[0]


def test_the_smallest_roi_of_the_card_is_converted(tmp_path: Path) -> None:
    """Areas of the card are in pixels of the training, those of the user in pixels of the image."""
    model = make_choosy_model(min_roi_size=50)
    fine = _measure(0.2)
    assert scale_model(model, fine).convert_area(50) == 450
    assert segment(tmp_path, model, 3.0, fine)[0]["rois"] == 20
    assert segment(tmp_path, model, 3.0, fine, min_roi_size=1500)[0]["rois"] == 0
    coarse = make_choosy_model(min_roi_size=90)
    assert segment(tmp_path, coarse, 0.5, _measure(1.2))[0]["rois"] == 20
    assert segment(tmp_path, coarse, 0.5, _measure(1.2), min_roi_size=90)[0]["rois"] == 0


def test_evaluation_scales_alike(tmp_path: Path) -> None:
    """Scores of an image of another scale are those of its segmentation; the warning is told."""
    image, truth = draw_discs(2.0)
    write_image(tmp_path / "i" / "a.tif", image, calibration=_measure(0.3))
    write_labels(tmp_path / "t" / "a.tif", truth)

    def score(smallest: int = 60, **options: Any) -> dict[str, Any]:
        model = make_choosy_model(min_roi_size=60, smallest_annotated=smallest)
        chosen = EvaluateOptions(**options)
        return evaluate_model(model, tmp_path / "i", tmp_path / "t", options=chosen)

    result = score()
    assert result["mean"]["f1"] == 1.0
    assert "rescaled" in result["warnings"][0]
    # 60 pixels of the training are 240 here, 150 are 600; a size of the user holds for both sides
    assert [score(150)["mean"][name] for name in ("predicted", "expected")] == [20, 0]
    scores = score(min_roi_size=600)["mean"]
    assert (scores["predicted"], scores["expected"]) == (0, 0)
    # the user tells the size of a pixel as for a segmentation
    assert score(pixel_size=0.6)["mean"]["predicted"] == 0
    write_image(tmp_path / "i" / "a.tif", image, calibration=_measure(0.6))
    assert score()["mean"]["predicted"] == 0
    assert score(pixel_size=0.3)["mean"]["f1"] == 1.0


def test_close_sizes_are_left_alone() -> None:
    """Within 10 percent, without a length, or with a model that cannot: nothing is done."""
    model = make_choosy_model()
    for size in (_measure(0.55), _measure(0.65), Calibration(), _measure(0.3, unit="furlong")):
        found = scale_model(model, size)
        assert (found.model, found.scale, found.notes) == (model, SAME_SCALE, ())
        assert found.convert_area(7) == 7
    plain = make_model(calibration=TRAINED)
    assert scale_model(plain, _measure(0.1)).model is plain


def test_absurd_sizes_are_not_followed() -> None:
    """Pixels that differ more than tenfold are a wrong setting, not another microscope."""
    model = make_choosy_model()
    found = scale_model(model, _measure(0.01, unit="mm"))
    assert found.model is model
    assert found.notes[0].startswith(
        "not rescaled, although its pixels are 0.01 mm, those of the training 0.6 µm: one of"
    )


def test_resolutions_for_printers_are_not_followed(tmp_path: Path) -> None:
    """Fiji keeps dots per inch as a size: files of 72 and 300 dpi have the same pixels."""
    model = make_choosy_model(calibration=_measure(1 / 72, unit="inch"))
    found = scale_model(model, _measure(1 / 300, unit="inch"))
    assert (found.model, found.scale, found.notes) == (model, SAME_SCALE, ())
    path = tmp_path / "a.tif"
    write_image(path, np.zeros((9, 9), np.uint8), calibration=_measure(1 / 72, unit="inch"))
    assert read_image(path).calibration.unit == "inch"


@pytest.mark.parametrize(
    ("found", "count", "own", "trained", "words"),
    [
        (9.9, 5, Calibration(), TRAINED, "Tell the size of a pixel"),
        (41.0, 5, Calibration(), TRAINED, "Tell the size of a pixel"),
        (41.0, 5, TRAINED, Calibration(), "Scale the image so that its ROIs have about 20 pixels"),
        (10.0, 5, Calibration(), TRAINED, ""),
        (40.0, 5, Calibration(), TRAINED, ""),
        (9.9, 2, Calibration(), TRAINED, ""),
        (9.9, 5, TRAINED, TRAINED, ""),
        (9.9, 5, _measure(0.01, unit="mm"), TRAINED, "Tell the size of a pixel"),
        (9.9, 5, _measure(1 / 72, unit="inch"), TRAINED, "Tell the size of a pixel"),
        (9.9, 5, TRAINED, _measure(1 / 72, unit="inch"), "Scale the image so that"),
    ],
)
def test_diameters_are_compared(
    found: float, count: int, own: Calibration, trained: Calibration, words: str
) -> None:
    """Half or twice the diameter is a warning where pixel sizes could not be compared."""
    model = make_model(calibration=trained, roi_diameter=20)
    text = compare_diameters(found, count, model=model, calibration=own)
    assert words in text
    assert bool(words) == bool(text)


def test_models_without_a_diameter_say_nothing() -> None:
    """Cards of earlier versions tell no diameter."""
    model = make_model(calibration=TRAINED)
    assert compare_diameters(3, 9, model=model, calibration=Calibration()) == ""


def test_differences_in_a_training_are_named() -> None:
    """Images of several sizes, and a base model of another size, are warnings with both sizes."""
    sizes = {"a": Calibration(), "b": TRAINED, "c": _measure(0.3), "d": _measure(0.29)}
    assert find_usual(sizes) == ("b", TRAINED)
    mixed, based = list_differences(sizes, _measure(1.2))
    assert "b has 0.6 µm, c and 1 more 0.3 µm" in mixed
    assert "base model was trained on pixels of 1.2 µm, these images have 0.6 µm" in based
    assert list_differences({"a": Calibration(), "b": TRAINED}, _measure(0.62)) == []
    assert list_differences({"a": Calibration()}, _measure(0.62)) == []
    assert list_differences({}, None) == []


def test_the_pixel_size_is_that_of_the_user() -> None:
    """Micrometres, square."""
    options = SegmentOptions(model="m", pixel_size=0.25)
    assert choose_calibration(TRAINED, options) == _measure(0.25)
    assert choose_calibration(TRAINED, SegmentOptions(model="m")) == TRAINED


def test_the_models_own_size_on_a_rescaled_image_keeps_its_forecast(tmp_path: Path) -> None:
    """The size in the card counts pixels of the training, what the user says those of the image."""
    row = {"stability": 1.0, "uncertainty": 0.36, "diameter": float(np.log(12)), "density": -2.4}
    model = make_choosy_model(min_roi_size=30, forecast=fit_forecast([row] * 6, [0.8] * 6))
    told = {}
    for size in (120, 30):
        entry, warnings = segment(tmp_path, model, 2.0, _measure(0.3), min_roi_size=size)
        reasons = [text for text in warnings if "No F1 is forecast" in text]
        told[size] = (entry["expected_f1"] is not None, len(reasons))
    assert told == {120: (True, 0), 30: (False, 1)}
