"""Weights on disk: arrays only, checked against the card before they are used."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

from deepflash_service.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".weights.h5"
_OVERHEAD = 8192
"""Bytes that HDF5 adds per array, generously."""


def measure_weights(network: Any) -> int:
    """Return how many bytes the weights of a network take on disk, at most."""
    arrays = network.get_weights()
    return sum(int(array.nbytes) + _OVERHEAD for array in arrays)


def write_weights(network: Any, path: Path) -> None:
    """Write the weights of a network; the file appears complete or not at all.

    Look for room first (:func:`measure_weights`): a disk that runs full in the middle raises an
    error, but HDF5 can then crash the process when it ends.

    Parameters
    ----------
    network : keras.Model
    path : Path
        Ends with ``.weights.h5``; its folder exists.

    Raises
    ------
    InputError
        Code ``invalid_weights`` for another ending.
    """
    _check_suffix(path)
    temporary = path.with_name(f".{path.name[: -len(SUFFIX)]}.partial{SUFFIX}")
    try:
        network.save_weights(temporary)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_weights(network: Any, path: Path) -> None:
    """Read weights into a network that was built from its card.

    Nothing but arrays is read: no code, no pickled object, no link to another file (Keras
    refuses external links and storage).

    Raises
    ------
    InputError
        Code ``invalid_weights`` when the file is missing, damaged, or made for another card.
    """
    _check_suffix(path)
    if not path.is_file():
        raise InputError(
            f"The weights file {path.name} is missing. Import the model again.",
            code="invalid_weights",
        )
    try:
        with warnings.catch_warnings():
            # Keras only warns where a layer finds no weights and stays random
            warnings.simplefilter("error", UserWarning)
            network.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UserWarning) as error:
        raise InputError(
            f"The weights file {path.name} is damaged or does not fit its model card. "
            "Import the model again.",
            code="invalid_weights",
            details={"cause": str(error)[:300]},
        ) from None


def _check_suffix(path: Path) -> None:
    if not path.name.endswith(SUFFIX):
        raise InputError(
            f"{path.name} is no weights file. Its name must end with {SUFFIX}.",
            code="invalid_weights",
        )
