"""Where the product runs: home folder, address, limits.

The only module that reads the environment. Settings are built once, by the door that was
opened (a command, the service, a worker), and their values are passed downward.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import platformdirs

from deepflash_service.errors import InputError

HOME_VARIABLE = "DEEPFLASH_HOME"
CHECKPOINT_VARIABLE = "DEEPFLASH_CHECKPOINT_SECONDS"
SHARING_VARIABLE = "DEEPFLASH_SHARE_DEVICE"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

Sharing = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the service lives and how much it accepts.

    Parameters
    ----------
    home : Path
        Absolute home folder; data sets, models and runs lie below it.
    host, port : str, int
        Address of the service; port 0 means any free one.
    body_bytes : int
        Largest request body in bytes.
    image_pixels : int
        Largest number of samples (rows x columns x planes x channels) of one image file.
    options_bytes : int
        Largest JSON part of a request in bytes.
    min_free_bytes : int
        Uploads are refused when less disk space than this would stay free.
    checkpoint_seconds : float
        A training writes at most one checkpoint in this time.
    share_device : str
        Whether jobs take turns on the device: ``auto`` = where it is a GPU.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 0
    body_bytes: int = 2 * 1024**3
    image_pixels: int = 400_000_000
    options_bytes: int = 256 * 1024
    min_free_bytes: int = 200 * 1024**2
    checkpoint_seconds: float = 30.0
    share_device: Sharing = "auto"


def find_home(home: str | os.PathLike[str] | None = None) -> Path:
    """Return the absolute home folder: the argument, else DEEPFLASH_HOME, else the user's.

    Raises
    ------
    InputError
        Code ``invalid_home`` when the path names a file.
    """
    chosen = home or os.environ.get(HOME_VARIABLE) or find_usual_home()
    path = Path(chosen).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise InputError(
            f"The home folder {path} is a file. Name a folder with --home or {HOME_VARIABLE}.",
            code="invalid_home",
        )
    return path


def find_usual_home() -> Path:
    """Return the user's own home folder, which counts where nothing names another."""
    return Path(platformdirs.user_data_dir("deepflash"))


def find_named_home(home: str | None) -> Path | None:
    """Return the absolute home folder that the argument or DEEPFLASH_HOME names, if any does.

    Raises
    ------
    InputError
        Code ``invalid_home`` when the path names a file.
    """
    return find_home(home) if home or os.environ.get(HOME_VARIABLE) else None


def type_home(home: str | os.PathLike[str]) -> str:
    """Return ``--home DIR`` as one types it in a terminal, in quotes where the path needs them."""
    word = os.fspath(home)
    return f"--home {subprocess.list2cmdline([word]) if os.name == 'nt' else shlex.quote(word)}"


def load_settings(
    home: str | os.PathLike[str] | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> Settings:
    """Build the settings once, at the top; nothing is created on disk.

    Parameters
    ----------
    home : path, optional
        Home folder; default is DEEPFLASH_HOME, else the user's data folder.
    host, port : str, int
        Address of the service.

    Raises
    ------
    InputError
        Code ``invalid_home``, ``invalid_port`` or ``invalid_setting``.
    """
    if not 0 <= port <= 65_535:
        raise InputError(
            f"{port} is no port. Choose 0 (any free one) or a number up to 65535.",
            code="invalid_port",
        )
    return Settings(
        home=find_home(home),
        host=host,
        port=port,
        checkpoint_seconds=_read_seconds(CHECKPOINT_VARIABLE, 30.0),
        share_device=_read_sharing(),
    )


def _read_sharing() -> Sharing:
    text = os.environ.get(SHARING_VARIABLE, "") or "auto"
    if text not in {"auto", "always", "never"}:
        raise InputError(
            f"{SHARING_VARIABLE} is {text!r}. Give auto, always or never, or leave it unset.",
            code="invalid_setting",
        )
    return cast("Sharing", text)


def _read_seconds(variable: str, usual: float) -> float:
    text = os.environ.get(variable, "")
    if not text:
        return usual
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < float("inf"):
        raise InputError(
            f"{variable} is {text!r}, which is no number of seconds. Give a number such as 30, or "
            "leave it unset.",
            code="invalid_setting",
        )
    return seconds


def use_java(home: Path) -> None:
    """Let Java be taken from this folder when it is started in this process."""
    os.environ["JAVA_HOME"] = str(home)
