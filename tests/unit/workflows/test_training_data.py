"""What a network learns from."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from deepflash_service.errors import InputError
from deepflash_service.records import Calibration, ModelCard, TrainOptions
from deepflash_service.store import datasets
from deepflash_service.store.images import read_image, write_image, write_labels, write_mask
from deepflash_service.workflows.hooks import Hooks
from deepflash_service.workflows.training_course import plan_course
from deepflash_service.workflows.training_data import TrainingData, read_training_data
from tests.unit.store.image_samples import make_tiff
from tests.unit.workflows.conftest import LABELS

MASK = LABELS > 0


def read(folder: Path, *experts: str, card: ModelCard | None = None, **chosen: Any) -> TrainingData:
    """Return the training data of folders ``images`` and one per expert."""
    masks = {expert: folder / expert for expert in experts}
    found = datasets.link_folders(folder / "home", folder / "images", masks=masks)
    options = TrainOptions(dataset=found, model="m", **chosen)
    dataset = datasets.open_dataset(folder / "home", found)
    return read_training_data(dataset, options, hooks=Hooks(), base=card)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return images with the masks of five experts."""
    for name in ("1.tif", "2.tif", "3.tif"):
        pixels = np.random.default_rng(ord(name[0])).integers(0, 200, (40, 50)).astype(np.uint16)
        write_image(tmp_path / "images" / name, pixels)
        for expert in "abcde":
            write_mask(tmp_path / expert / name, MASK)
    return tmp_path


def test_consensus_follows_the_number_of_experts(folder: Path) -> None:
    """STAPLE from four experts, majority below, the annotation itself for one."""
    assert read(folder, *"abcd").method == "staple"
    assert read(folder, *"abc").method == "majority"
    assert read(folder, *"abc", consensus="union").method == "union"
    assert read(folder, *"abc").experts == ["a", "b", "c"]


def test_each_expert_can_be_a_target(folder: Path) -> None:
    """As in 2018, every expert's mask may be learnt; the truth for scores is a consensus."""
    write_mask(folder / "c" / "1.tif", ~MASK)
    data = read(folder, *"abc", consensus="each")
    assert [len(image.targets) for image in data.images] == [3, 3, 3]
    np.testing.assert_array_equal(data.images[0].truth > 0, MASK)


def test_touching_rois_of_one_expert_stay_apart(folder: Path) -> None:
    """A single label image is learnt as it is."""
    touching = LABELS.copy()
    touching[12:16, 4:12] = 5
    write_labels(folder / "a" / "1.tif", touching)
    data = read(folder, "a")
    np.testing.assert_array_equal(data.images[0].targets[0], touching)


def test_smallest_size_ignores_single_specks(folder: Path) -> None:
    """The default minimum size is what all but one in a hundred ROIs reach."""
    assert read(folder, "a").find_smallest_size() == 1
    grid = np.kron(np.ones((8, 10), np.uint8), np.pad(np.ones((3, 3), np.uint8), 1))
    for name in ("1.tif", "2.tif", "3.tif"):
        write_mask(folder / "a" / name, grid)
    grid[:5, :5] = 0
    grid[1, 1] = 1
    write_mask(folder / "a" / "3.tif", grid)
    assert read(folder, "a").find_smallest_size() == 9


def test_normalised_images_have_channels_last(folder: Path) -> None:
    """The network gets (M, N, C) float32."""
    image = read(folder, "a").normalise(0)
    assert image.shape == (40, 50, 1)
    assert image.dtype == np.float32


@pytest.mark.parametrize(
    ("pixels", "options", "code"),
    [
        (np.zeros((40, 50, 3), np.uint8), {"photometric": "rgb"}, None),
        (
            np.random.default_rng(0).integers(0, 9, (40, 50, 3)).astype(np.uint8),
            {"photometric": "rgb"},
            "rgb_image",
        ),
        (
            np.zeros((2, 40, 50), np.uint8),
            {"imagej": True, "metadata": {"axes": "ZYX"}},
            "invalid_image",
        ),
        (
            np.ones((2, 40, 50), np.uint8),
            {"imagej": True, "metadata": {"axes": "CYX"}},
            "channel_mismatch",
        ),
        (np.zeros((41, 50), np.uint8), {}, "shape_mismatch"),
    ],
)
def test_unusable_images_are_refused(
    folder: Path, pixels: Any, options: dict[str, Any], code: str | None
) -> None:
    """Photographs, stacks, other sizes and mixed channels are refused with their reason."""
    (folder / "images" / "1.tif").write_bytes(make_tiff(pixels, **options))
    if code is None:
        assert read(folder, "a").channels == 1
        return
    with pytest.raises(InputError) as caught:
        read(folder, "a")
    assert caught.value.code == code


def test_empty_annotations_teach_nothing(folder: Path) -> None:
    """If no expert marked anything there is nothing to learn."""
    for name in ("1.tif", "2.tif", "3.tif"):
        write_mask(folder / "a" / name, MASK & False)
    with pytest.raises(InputError) as caught:
        read(folder, "a")
    assert caught.value.code == "empty_annotations"


def test_no_image_is_trained_on_and_held_out(folder: Path) -> None:
    """Folds hold out whole images; with one image nothing is held out."""
    data = read(folder, "a")
    options = TrainOptions(dataset="d", model="m", preset="standard")
    course = plan_course(data, options, base=None)
    assert sorted(index for fold in course.folds for index in fold) == [0, 1, 2]
    assert course.members == 3
    for name in ("2.tif", "3.tif"):
        (folder / "images" / name).unlink()
    single = plan_course(read(folder, "a"), options, base=None)
    assert not single.has_held_out


def test_the_diameter_is_that_of_the_median_roi(folder: Path) -> None:
    """Areas of 64, 120 and 1 pixels in each image."""
    assert read(folder, "a").find_diameter() == pytest.approx(2 * np.sqrt(64 / np.pi))


def test_pixel_sizes_of_images_and_base_are_compared(folder: Path) -> None:
    """The first image that tells a size decides; others, and a base model, are named."""
    sizes = {"2.tif": 0.5, "3.tif": 0.25}
    for name, size in sizes.items():
        path = folder / "images" / name
        calibration = Calibration(pixel_width=size, pixel_height=size, unit="µm")
        write_image(path, read_image(path).select(), calibration=calibration)
    data = read(folder, "a", base="old")
    assert data.calibration.pixel_width == 0.5
    assert [one.calibration.pixel_width for one in data.images] == [1.0, 0.5, 0.25]
    assert len(data.warnings) == 1
    assert "2.tif has 0.5 µm, 3.tif 0.25 µm" in data.warnings[0]
    card = ModelCard(name="old", calibration=Calibration(pixel_width=1, unit="µm"))
    warnings = read(folder, "a", card=card).warnings
    assert "trained on pixels of 1 µm, these images have 0.5 µm" in warnings[1]


def test_a_number_of_folds_overrules_the_preset(folder: Path) -> None:
    """One member for each; a preset of one member still divides the images, for one fold."""
    data = read(folder, "a")
    options = TrainOptions(dataset="d", model="m", preset="quick")
    quick = plan_course(data, options, base=None)
    assert (quick.members, quick.parts, len(quick.folds)) == (1, 3, 1)
    every = plan_course(data, options.model_copy(update={"folds": 2}), base=None)
    assert every.folds == ((0, 2), (1,))
    assert (every.members, every.parts, every.total) == (2, 2, 2)


def test_only_fine_tuned_members_are_compared(folder: Path) -> None:
    """Members from scratch come behind them, if there is anything to compare on."""
    base = SimpleNamespace(card=ModelCard(name="b"), reference="b@1")
    options = TrainOptions(dataset="d", model="m", compare=True)
    data = read(folder, "a")
    compared = plan_course(data, options, base=cast("Any", base))
    assert (compared.members, compared.behind, compared.total) == (3, 3, 6)
    assert plan_course(data, options, base=None).behind == 0
    plain = options.model_copy(update={"compare": False})
    assert plan_course(data, plain, base=cast("Any", base)).behind == 0
    for name in ("2.tif", "3.tif"):
        (folder / "images" / name).unlink()
    single = plan_course(read(folder, "a"), options, base=cast("Any", base))
    assert (single.behind, single.parts) == (0, 0)


def test_the_pixel_size_that_the_user_tells_counts(folder: Path) -> None:
    """It stands for what the images tell, or do not tell, and the model keeps it."""
    path = folder / "images" / "2.tif"
    wrong = Calibration(pixel_width=1 / 72, pixel_height=1 / 72, unit="inch")
    write_image(path, read_image(path).select(), calibration=wrong)
    data = read(folder, "a", pixel_size=0.4)
    told = Calibration(pixel_width=0.4, pixel_height=0.4, unit="µm")
    assert data.calibration == told
    assert [one.calibration for one in data.images] == [told] * 3
    assert not any("pixel size" in text for text in data.warnings)
    card = ModelCard(name="old", calibration=Calibration(pixel_width=1, unit="µm"))
    warnings = read(folder, "a", pixel_size=0.4, card=card).warnings
    assert any("these images have 0.4 µm" in text for text in warnings)
