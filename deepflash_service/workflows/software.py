"""Which software made a result."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from deepflash_service import __version__

_PACKAGES = ("keras", "tensorflow", "jax", "numpy", "scikit-image")


def list_software() -> dict[str, str]:
    """Return the versions of this program and of the packages that decide what it computes."""
    found = {"deepflash-service": __version__}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
