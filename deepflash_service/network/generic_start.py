"""The weights with which a new model begins: those of a network that learnt generated cells."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from deepflash_service.errors import SetupError
from deepflash_service.records import NetworkCard

if TYPE_CHECKING:
    import numpy.typing as npt

START_CARD = NetworkCard()
START_FILE = Path(__file__).with_name("generic_start.npz")


def name_start(card: NetworkCard) -> str:
    """Return what a new network begins with: ``random``, or ``generated cells`` and a digest."""
    return f"generated cells {_digest()}" if _fits(card) else "random"


def build_start(card: NetworkCard) -> Any:
    """Build the network with which a new model begins.

    The weights come from fields that ``core.synthetic`` generates (benchmarks/generic_start.py);
    no image of a microscope is among them. What they give: docs/decisions/0016. Starting from
    generated images: Tremblay et al., CVPR Workshops 2018.

    Parameters
    ----------
    card : NetworkCard
        The network that is wanted. Of several channels, each gets an equal share of the first
        layer.

    Returns
    -------
    keras.Model or None
        None where the card describes another network than the stored one: it begins at random.

    Raises
    ------
    SetupError
        Code ``broken_installation``.
    """
    from deepflash_service.network.architecture import build_network

    if not _fits(card):
        return None
    network = build_network(card)
    weights = _read()
    weights[0] = np.repeat(weights[0], card.channels, axis=2) / np.float32(card.channels)
    network.set_weights(weights)
    return network


def write_start(network: Any, path: Path) -> None:
    """Write the weights of a network of :data:`START_CARD`, in half precision."""
    arrays = {
        f"{index:03d}": array.astype(np.float16)
        for index, array in enumerate(network.get_weights())
    }
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def _fits(card: NetworkCard) -> bool:
    return card.model_copy(update={"channels": START_CARD.channels}) == START_CARD


def _read() -> list[npt.NDArray[np.float32]]:
    try:
        with START_FILE.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return [stored[name].astype(np.float32) for name in sorted(stored.files)]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise _tell_damage() from error


def _tell_damage() -> SetupError:
    return SetupError(
        f"The weights with which new models begin ({START_FILE.name}) are missing or damaged. "
        "Install this program again.",
        code="broken_installation",
    )


@cache
def _digest() -> str:
    try:
        return hashlib.sha256(START_FILE.read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise _tell_damage() from error
