"""The weights with which new models begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from deepflash_service.core.agreement import score_prediction
from deepflash_service.core.labels import label_rois
from deepflash_service.core.normalization import normalize
from deepflash_service.core.synthetic import make_field
from deepflash_service.errors import SetupError
from deepflash_service.network import generic_start
from deepflash_service.network.architecture import build_network
from deepflash_service.network.generic_start import build_start, name_start, write_start
from deepflash_service.network.prediction import make_callable
from deepflash_service.records import NetworkCard

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.keras


def test_the_start_finds_generated_cells() -> None:
    """On a generated field that it never saw, the start finds most nuclei."""
    field = make_field(np.random.default_rng([1, 2, 3]))
    network = build_start(NetworkCard())
    found = make_callable(network)(normalize(field.image)[np.newaxis, ..., np.newaxis])[0]
    assert score_prediction(label_rois(found, min_roi_size=12), field.labels).f1 > 0.9


def test_several_channels_share_the_first_layer() -> None:
    """The same image in each of three channels gives the result of one channel."""
    image = np.random.default_rng(0).random((1, 64, 64, 1), dtype=np.float32)
    one = make_callable(build_start(NetworkCard()))(image)
    three = make_callable(build_start(NetworkCard(channels=3)))(np.repeat(image, 3, axis=-1))
    np.testing.assert_allclose(three, one, atol=1e-4)


@pytest.mark.parametrize(
    "card", [NetworkCard(filters=8), NetworkCard(depth=3), NetworkCard(normalisation="group")]
)
def test_another_network_begins_at_random(card: NetworkCard) -> None:
    """There are weights for one network only, and the card says so."""
    assert build_start(card) is None
    assert name_start(card) == "random"


def test_written_weights_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is read again, to half precision."""
    network = build_network(NetworkCard())
    monkeypatch.setattr(generic_start, "START_FILE", tmp_path / "start.npz")
    write_start(network, tmp_path / "start.npz")
    pairs = zip(build_start(NetworkCard()).get_weights(), network.get_weights(), strict=True)
    for stored, original in pairs:
        np.testing.assert_allclose(stored, original, atol=1e-3)


def test_the_card_names_the_start() -> None:
    """A network with a start is told from others by a digest of its weights."""
    assert name_start(NetworkCard(channels=2)).startswith("generated cells ")


def test_a_damaged_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing or cut short: the error names the remedy."""
    whole = generic_start.START_FILE.read_bytes()
    monkeypatch.setattr(generic_start, "START_FILE", tmp_path / "start.npz")
    for content in (None, whole[:1000], b"nothing"):
        if content is not None:
            (tmp_path / "start.npz").write_bytes(content)
        with pytest.raises(SetupError, match="Install this program again"):
            build_start(NetworkCard())
