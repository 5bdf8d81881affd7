"""An image file in memory: its planes, their order, and the size of a pixel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from deepflash_service.errors import InputError
from deepflash_service.records import Calibration

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class PlaneLayout:
    """Order of the planes in a file: all slices of frame 1, then of frame 2, and so on.

    Attributes
    ----------
    channels, slices, frames : int
        Sizes of the axes C, Z and T.
    is_hyperstack : bool
        Whether more than one of the three axes is longer than one.
    spacing : float
        Distance of two slices in the unit of the calibration; 0 when unknown.
    interval : float
        Seconds between two frames; 0 when unknown.
    """

    channels: int = 1
    slices: int = 1
    frames: int = 1
    spacing: float = 0.0
    interval: float = 0.0

    @property
    def planes(self) -> int:
        """Number of planes."""
        return self.slices * self.frames

    @property
    def is_hyperstack(self) -> bool:
        """Whether more than one of the axes C, Z, T is longer than one."""
        return sum(size > 1 for size in (self.channels, self.slices, self.frames)) > 1

    def locate(self, index: int) -> tuple[int, int]:
        """Return slice and frame, both 1-based, of the plane with this 0-based index."""
        frame, plane = divmod(index, self.slices)
        return plane + 1, frame + 1


@dataclass(frozen=True, slots=True)
class ImageFile:
    """The pixels of one file.

    Attributes
    ----------
    name : str
        File name, for messages and results.
    planes : ndarray of shape (P, M, N) or (P, M, N, C)
        Raw values, type as in the file; the last axis is there for two channels and more.
    calibration : Calibration
        Size of a pixel.
    layout : PlaneLayout
        What the P planes are.
    is_rgb : bool
        Whether the channels are the colours of a photograph or screenshot.
    """

    name: str
    planes: Array
    calibration: Calibration = field(default_factory=Calibration)
    layout: PlaneLayout = field(default_factory=PlaneLayout)
    is_rgb: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.planes.shape[1]), int(self.planes.shape[2])

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.planes.shape[3]) if self.planes.ndim == 4 else 1

    def select(self, plane: int = 1, *, channel: int | None = None) -> Array:
        """Return one plane, all channels or one.

        Parameters
        ----------
        plane : int, optional
            1-based number of the plane.
        channel : int, optional
            1-based number of the channel; all channels without it.

        Returns
        -------
        ndarray of shape (M, N) or (M, N, C)

        Raises
        ------
        InputError
            Code ``invalid_options`` when there is no such plane or channel.
        """
        check_number(self.name, "plane", plane, size=len(self.planes))
        pixels: Array = self.planes[plane - 1]
        if channel is None:
            return pixels
        check_number(self.name, "channel", channel, size=self.channels)
        return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., channel - 1])


def check_number(name: str, word: str, number: int, *, size: int) -> None:
    """Refuse the number of a plane or channel that an image does not have.

    Raises
    ------
    InputError
        Code ``invalid_options``.
    """
    if not 1 <= number <= size:
        raise InputError(
            f"{name} has {size} {word}{'' if size == 1 else 's'}, so there is no {word} "
            f"{number}; choose a number from 1 to {size}.",
            code="invalid_options",
            details={word: number, "available": size},
        )


def merge_grey(pixels: Array) -> Array:
    """Return pixels of shape (..., 3) as (...) when their three channels are equal.

    Masks and images are often saved as RGB although they are grey.
    """
    first = pixels[..., 0]
    if np.array_equal(first, pixels[..., 1]) and np.array_equal(first, pixels[..., 2]):
        return np.ascontiguousarray(first)
    return pixels
