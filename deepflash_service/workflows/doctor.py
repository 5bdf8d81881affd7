"""What is installed, which device computes, what is wrong and how to mend it."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from deepflash_service.errors import DeepFlashError
from deepflash_service.store.damage import list_damage
from deepflash_service.store.disk import free_bytes, prepare_home, try_writing
from deepflash_service.store.models import find_model, list_models, verify_weights
from deepflash_service.store.runs import list_runs
from deepflash_service.store.runtime import read_service_file
from deepflash_service.workflows.devices import find_device
from deepflash_service.workflows.plugin_files import find_jar

if TYPE_CHECKING:
    from collections.abc import Sequence

State = Literal["ok", "warning", "fault"]
_PACKAGES = (
    "tensorflow",
    "keras",
    "openvino",
    "numpy",
    "scikit-image",
    "tifffile",
    "roifile",
    "flask",
    "waitress",
    "sqlalchemy",
    "scyjava",
    "jpype1",
)
_LITTLE_SPACE = 2 * 1024**3
_GIGABYTE = 1024**3


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: a name, ok / warning / fault, and a sentence with the remedy."""

    name: str
    state: State
    message: str


def inspect_setup(
    home: Path, *, asks_device: bool = True, more: Sequence[Check] = ()
) -> dict[str, Any]:
    """Look at everything the product needs on this computer.

    Parameters
    ----------
    home : Path
        Home folder.
    asks_device : bool, optional
        Load TensorFlow to name the device (seconds).
    more : sequence of Check, optional
        What the caller found out itself.

    Returns
    -------
    dict
        ``{"version", "python", "system", "home", "checks": [{"name", "state", "message"}],
        "state"}``; the state is that of the worst check.
    """
    checks = [*_check_packages(), _check_home(home), _check_disk(home), _check_service(home)]
    checks += [_check_models(home), _check_runs(home), _check_java(), _check_jar()]
    checks += more
    if asks_device:
        checks.append(_check_device())
    order: tuple[State, ...] = ("ok", "warning", "fault")
    return {
        "version": version("deepflash-service"),
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "home": str(home),
        "state": max((check.state for check in checks), key=order.index),
        "checks": [asdict(check) for check in checks],
    }


def _check_packages() -> list[Check]:
    found, missing = [], []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        remedy = "Install the product again (`make setup`)."
        return [Check("packages", "fault", f"Missing: {', '.join(missing)}. {remedy}")]
    return [Check("packages", "ok", ", ".join(found))]


def _check_home(home: Path) -> Check:
    try:
        prepare_home(home)
        try_writing(home)
    except DeepFlashError as error:
        return Check("home", "fault", error.message)
    return Check("home", "ok", f"{home} can be written.")


def _check_disk(home: Path) -> Check:
    free = free_bytes(home)
    text = f"{free / _GIGABYTE:.1f} GB free at {home}."
    if free < _LITTLE_SPACE:
        return Check("disk", "warning", f"{text} Make room, or choose another folder with --home.")
    return Check("disk", "ok", text)


def _check_service(home: Path) -> Check:
    facts = read_service_file(home)
    if facts is None:
        return Check("service", "ok", "Not running; `deepflash serve` or Fiji starts it.")
    return Check("service", "ok", f"Listens at {facts.get('url')} (process {facts.get('pid')}).")


def _check_models(home: Path) -> Check:
    models = list_models(home)
    damaged = []
    for name, cards in models.items():
        for card in cards:
            try:
                verify_weights(find_model(home, f"{name}@{card.version}"))
            except DeepFlashError as error:
                damaged.append(error.message)
    if damaged:
        return Check("models", "fault", " ".join(damaged))
    count = sum(len(cards) for cards in models.values())
    if not count:
        text = "The library is empty: train a model, or import one with `deepflash models import`."
        return Check("models", "ok", text)
    return Check("models", "ok", f"{count} versions of {len(models)} models, all undamaged.")


def _check_runs(home: Path) -> Check:
    damaged = list_damage(home)
    if damaged:
        return Check("jobs", "warning", " ".join(damaged))
    count = len(list_runs(home))
    return Check("jobs", "ok", f"{count} job folder{'' if count == 1 else 's'}.")


def _check_java() -> Check:
    java = shutil.which("java")
    if java is None:
        text = (
            "No Java found on the path. Fiji brings its own; for scripts install a JDK 11 or newer."
        )
        return Check("java", "warning", text)
    if importlib.util.find_spec("imagej") is None:
        return Check("java", "warning", f"{java}, but pyimagej is missing (`make setup`).")
    return Check("java", "ok", java)


def _check_jar() -> Check:
    jar = find_jar()
    if jar is None:
        return Check("plugin", "warning", "The Fiji plugin is not built; `make setup` builds it.")
    return Check("plugin", "ok", f"{jar}; copy it with `deepflash install-fiji FIJI_DIR`.")


def _check_device() -> Check:
    try:
        device = find_device()
    except (ImportError, RuntimeError, OSError) as error:
        text = f"TensorFlow cannot be loaded ({error}). Install the product again (`make setup`)."
        return Check("device", "fault", text)
    return Check("device", "ok", f"{device.name} ({device.kind}), {device.precision}.")
