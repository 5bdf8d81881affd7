"""Weights on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepflash_service.errors import InputError
from deepflash_service.network.architecture import build_network
from deepflash_service.network.weights import measure_weights, read_weights, write_weights
from deepflash_service.records import NetworkCard

pytestmark = pytest.mark.keras


@pytest.fixture
def stored(tmp_path: Path, tiny_card: NetworkCard) -> Path:
    """Return a good weights file."""
    path = tmp_path / "member-1.weights.h5"
    write_weights(build_network(tiny_card, logits=True), path)
    return path


def test_weights_survive_the_disk(tmp_path: Path, tiny_card: NetworkCard) -> None:
    """Reading gives exactly what was written, also into another precision."""
    network = build_network(tiny_card)
    path = tmp_path / "member-1.weights.h5"
    write_weights(network, path)
    other = build_network(tiny_card, precision="bfloat16")
    read_weights(other, path)
    for before, after in zip(network.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    assert measure_weights(network) >= path.stat().st_size


@pytest.mark.parametrize(
    "card",
    [
        NetworkCard(filters=16, depth=1),
        NetworkCard(filters=8, depth=2),
        NetworkCard(filters=8, depth=1, normalisation="none"),
        NetworkCard(filters=8, depth=1, channels=2),
    ],
)
def test_weights_of_another_card_are_refused(stored: Path, card: NetworkCard) -> None:
    """Shapes that do not fit the card end in a sentence with a code."""
    with pytest.raises(InputError) as caught:
        read_weights(build_network(card), stored)
    assert caught.value.code == "invalid_weights"


@pytest.mark.parametrize("content", [b"", b"not hdf5", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_damaged_weights_are_refused(
    tmp_path: Path, tiny_card: NetworkCard, content: bytes
) -> None:
    """Files that are no HDF5, or cut, end in a sentence with a code."""
    path = tmp_path / "bad.weights.h5"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_weights(build_network(tiny_card), path)
    assert caught.value.code == "invalid_weights"


def test_links_to_other_files_are_refused(
    stored: Path, tmp_path: Path, tiny_card: NetworkCard
) -> None:
    """An HDF5 external link cannot make the reader open another file."""
    import h5py

    path = tmp_path / "linked.weights.h5"
    path.write_bytes(stored.read_bytes())
    with h5py.File(path, "r+") as file:
        found: list[str] = []
        file.visititems(lambda name, item: found.append(name) if hasattr(item, "shape") else None)
        first = found[0]
        del file[first]
        file[first] = h5py.ExternalLink(str(stored), first)
    with pytest.raises(InputError) as caught:
        read_weights(build_network(tiny_card), path)
    assert caught.value.code == "invalid_weights"


def test_missing_and_misnamed_files_are_refused(tmp_path: Path, tiny_card: NetworkCard) -> None:
    """A missing file and a name without the ending are told apart from crashes."""
    network = build_network(tiny_card)
    for name in ("none.weights.h5", "model.keras"):
        with pytest.raises(InputError):
            read_weights(network, tmp_path / name)
    with pytest.raises(InputError):
        write_weights(network, tmp_path / "model.h5")
