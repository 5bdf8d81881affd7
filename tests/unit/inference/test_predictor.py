"""Loaded predictors: engines agree, members are averaged, sizes and errors."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.core.bands import ImageRows
from deepflash_service.core.normalization import normalize
from deepflash_service.core.scaling import Scale
from deepflash_service.errors import ComputeError, InputError, JobCancelled
from deepflash_service.inference import engines
from deepflash_service.inference.engines import choose_engine, compile_openvino, make_probe
from deepflash_service.inference.memory import choose_tiling
from deepflash_service.inference.predictor import LoadedPredictor, make_predictor
from deepflash_service.network.prediction import make_callable
from deepflash_service.records import ModelCard, Progress


def _make_fake(members: list[Any], **changes: Any) -> LoadedPredictor:
    plain = LoadedPredictor(
        members=tuple(members),
        channels=1,
        device="",
        engine="keras",
        precision="float32",
        seconds_per_megapixel=0.0,
    )
    return replace(plain, **changes)


@pytest.mark.keras
def test_engines_agree(card: ModelCard, networks: list[Any]) -> None:
    """Keras and OpenVINO give the same probabilities within 0.01, at any size."""
    callables = [make_callable(network) for network in networks]
    image = np.random.default_rng(0).gamma(2, 30, (333, 214)).astype(np.uint16)
    keras, openvino = (
        make_predictor(networks, card, callables=callables, engine=engine)
        for engine in ("keras", "openvino")
    )
    expected = keras(image)
    assert openvino.engine == "openvino"
    assert expected.shape == image.shape
    assert expected.std() > 0.05
    assert np.abs(openvino(image) - expected).max() <= 0.01


@pytest.mark.keras
def test_fastest_equal_engine_is_chosen(card: ModelCard, networks: list[Any]) -> None:
    """The automatic choice names an engine, a precision and a speed."""
    chosen = make_predictor(
        networks[:1], card, callables=[make_callable(networks[0])], engine="auto"
    )
    assert chosen.engine in {"keras", "openvino"}
    assert chosen.precision in {"float32", "bfloat16"}
    assert chosen.seconds_per_megapixel > 0


def test_probabilities_never_leave_their_range() -> None:
    """A sure network gives exactly 1 at most, however its tiles are blended."""
    sure = _make_fake([lambda tiles: np.ones(tiles.shape[:3], np.float32)] * 3)
    found = sure(np.random.default_rng(0).random((1100, 1100)).astype(np.float32))
    assert found.max() == 1.0


def test_engine_that_disagrees_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fast engine with other probabilities loses against the reference."""
    monkeypatch.setattr(engines, "_convert", lambda _network: None)
    monkeypatch.setattr(engines, "_compile", lambda *_: lambda tiles: tiles[..., 0] * 0 + 0.7)
    monkeypatch.setattr(engines, "_list_precisions", lambda: ("float32", "bfloat16"))
    chosen = choose_engine(object(), lambda tiles: tiles[..., 0] * 0 + 0.5, channels=1)
    assert chosen.name == "keras"
    with pytest.raises(ComputeError) as caught:
        choose_engine(object(), lambda t: t[..., 0] * 0, channels=1, allowed=("openvino",))
    assert caught.value.code == "engine_unavailable"


def test_engine_that_fails_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversion error only means that the other engine is used."""

    def fail(*_: object) -> None:
        raise RuntimeError("cannot convert")

    monkeypatch.setattr(engines, "_convert", fail)
    assert choose_engine(object(), lambda t: t[..., 0], channels=2).name == "keras"


def test_members_are_averaged() -> None:
    """Two members that say 0.2 and 0.6 give 0.4."""
    members = [lambda tiles, p=p: np.full(tiles.shape[:3], p) for p in (0.2, 0.6)]
    result = _make_fake(members)(np.eye(20))
    np.testing.assert_allclose(result, 0.4, atol=1e-6)


def test_mirrored_views_are_turned_back() -> None:
    """A member that scales its input gives the scaled normalised image, whatever the flips."""
    image = np.random.default_rng(0).random((300, 280))
    result = _make_fake([lambda tiles: 0.2 * tiles[..., 0] + 0.2])(image)
    np.testing.assert_allclose(result, 0.2 * normalize(image) + 0.2, atol=1e-5)


def test_noise_is_not_stretched() -> None:
    """Members see an image of noise at four fifths of the full range, whatever its units."""
    noise = np.random.default_rng(0).normal(20, 5, (256, 256))
    seen = _make_fake([lambda tiles: tiles[..., 0]])(noise)
    assert 0.75 < np.percentile(seen, 99.8) < 0.85
    np.testing.assert_allclose(
        _make_fake([lambda tiles: tiles[..., 0]])(1e-3 * noise), seen, atol=1e-5
    )


@pytest.mark.parametrize("scale", [Scale(2, 2), Scale(0.5, 0.5), Scale(0.4, 1.8)])
def test_noise_is_not_stretched_at_another_scale(scale: Scale) -> None:
    """An enlarged image is smooth, yet its noise is known: members never see it as cells."""
    seen = []

    def member(tiles: Any) -> Any:
        seen.append(tiles[..., 0])
        return tiles[..., 0]

    noise = np.random.default_rng(0).normal(20, 5, (640, 640))
    _make_fake([member], flips=((),), scale=scale)(noise)
    assert 0.5 < np.percentile(np.concatenate(seen), 99.8) < 0.85


@pytest.mark.parametrize("scale", [Scale(1.7, 1.7), Scale(0.6, 0.6), Scale(0.6, 1.7)])
def test_a_scaled_prediction_is_on_the_grid_of_the_image(scale: Scale) -> None:
    """The map lies where the image is bright, by rows bit for bit as in one piece, per member."""
    rows, columns = np.mgrid[:300, :420]
    image = (np.hypot(rows - 120, columns - 300) < 40).astype(np.float32)
    predictor = _make_fake(
        [lambda tiles: np.clip(tiles[..., 0], 0, 1), lambda tiles: tiles[..., 0] * 0], scale=scale
    )
    members: list[Any] = []
    found = predictor.predict(image, members=members)
    assert found.shape == image.shape
    assert np.abs(2 * found - image).mean() < 0.01
    np.testing.assert_array_equal(2 * found > 0.5, image > 0.5)
    assert [one.shape for one in members] == [image.shape] * 2
    np.testing.assert_allclose(members[0], 2 * found, atol=1e-3)
    bands = list(predictor.predict_rows(ImageRows.of(image)))
    np.testing.assert_array_equal(np.concatenate([band for _, band in bands]), found)


def test_wrong_channels_are_refused() -> None:
    """A colour image for a grey model ends in a sentence with a code."""
    with pytest.raises(InputError) as caught:
        _make_fake([lambda tiles: tiles[..., 0]])(np.zeros((8, 8, 3)))
    assert caught.value.code == "channel_mismatch"


def test_progress_and_cancellation() -> None:
    """A large image reports its tiles and can be cancelled between them."""
    image = np.zeros((1500, 700), dtype=np.uint8)
    predictor = _make_fake([lambda tiles: tiles[..., 0]], flips=((),))
    told: list[Progress] = []
    predictor.predict(image, report=told.append)
    assert told[-1].current == told[-1].maximum > 1
    with pytest.raises(JobCancelled):
        predictor.predict(image, is_cancelled=lambda: True)


@pytest.mark.parametrize(
    "shape", [(1, 1), (256, 256), (1024, 1024), (1024, 1344), (5000, 300), (4000, 4000)]
)
def test_tilings_are_bounded(shape: tuple[int, int]) -> None:
    """No tile exceeds 1024 pixels, and all are multiples of 64."""
    tiling = choose_tiling(shape)
    assert 256 <= tiling.tile <= 1024
    assert tiling.tile % 64 == 0


def test_probe_is_the_same_every_time() -> None:
    """The probe is made by seed."""
    np.testing.assert_array_equal(make_probe(2), make_probe(2))
    assert make_probe(2).shape == (1, 256, 256, 2)


@pytest.mark.keras
def test_openvino_result_is_a_copy(networks: list[Any]) -> None:
    """A second prediction does not overwrite the first."""
    predict = compile_openvino(networks[0], "float32")
    first = predict(np.zeros((1, 64, 64, 1), dtype=np.float32))
    before = first.copy()
    predict(np.ones((1, 64, 64, 1), dtype=np.float32))
    np.testing.assert_array_equal(first, before)


@pytest.mark.keras
def test_nothing_is_told_to_anyone(tmp_path: Path) -> None:
    """Converting a network counts no usage: OpenVINO leaves no identity in the user's folder."""
    code = (
        "from deepflash_service.inference.engines import _convert\n"
        "from deepflash_service.network.architecture import build_network\n"
        "from deepflash_service.records import NetworkCard\n"
        "_convert(build_network(NetworkCard(filters=4, depth=1)))\n"
    )
    places = {**os.environ, "HOME": str(tmp_path), "CI": ""}
    subprocess.run([sys.executable, "-c", code], env=places, capture_output=True, check=True)
    assert {path.name for path in tmp_path.iterdir()} <= {".keras"}


def test_maps_of_the_members_are_handed_out() -> None:
    """Their mean is the map, which does not change, bit for bit, because they are asked for."""
    image = np.random.default_rng(0).random((70, 90)).astype(np.float32)
    model = _make_fake([lambda t: t[..., 0] * 0.2 + 0.1, lambda t: np.clip(t[..., 0], 0.3, 0.7)])
    members: list[Any] = []
    found = model.predict(image, members=members)
    np.testing.assert_array_equal(found, model(image))
    assert [one.shape for one in members] == [image.shape] * 2
    np.testing.assert_allclose(np.mean(members, axis=0), found, atol=1e-3)
    alone = replace(model, members=model.members[1:])
    np.testing.assert_allclose(members[1], alone(image), atol=1e-3)
