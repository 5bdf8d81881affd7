"""What is to be done with an image that is segmented piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.bands import plan_bands
from deepflash_service.core.scaling import find_diameter
from deepflash_service.errors import SetupError
from deepflash_service.store.images import PlaneLayout
from deepflash_service.store.piece_writing import PieceForm
from deepflash_service.workflows.empty_results import explain_low, explain_small, tell_empty
from deepflash_service.workflows.pixel_sizes import (
    choose_calibration,
    compare_diameters,
    scale_model,
)
from deepflash_service.workflows.planes import choose_cut
from deepflash_service.workflows.prediction import LoadedModel, check_channels
from deepflash_service.workflows.roi_naming import RoiNaming

if TYPE_CHECKING:
    import numpy.typing as npt

    from deepflash_service.core.bands import ImageRows
    from deepflash_service.records import LabelImage, ProbabilityMap, SegmentOptions
    from deepflash_service.store.piece_source import PieceSource
    from deepflash_service.workflows.hooks import Hooks

    Array = npt.NDArray[Any]

LARGEST_PICTURE = 4_000
_LARGEST_UINT16 = 65_535
_BYTES_PER_PIXEL = 4 + 4 + 1
_ROI_SHARE = 1.05
_PICTURE_BYTES = 3 * LARGEST_PICTURE**2

_NOT_PARTED = (
    "larger than the memory, so touching ROIs are not parted. Cut the image into parts if many "
    "ROIs touch."
)


@dataclass(frozen=True, slots=True)
class HugeTask:
    """One image, the model, and what the user chose.

    Attributes
    ----------
    image : PieceSource
        The image, still on disk.
    model : LoadedModel
        With ``predict_rows``; scales what it is shown.
    planes : tuple of int
        Numbers of the planes, from 1.
    naming : RoiNaming
        How the ROIs are called; holds channel and threshold.
    smallest : int
        Minimum ROI size.
    notes : tuple of str
        Sentences for the user.
    """

    image: PieceSource
    model: LoadedModel
    planes: tuple[int, ...]
    naming: RoiNaming
    smallest: int
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.image.shape

    @property
    def threshold(self) -> float:
        """Probability above which a pixel belongs to an ROI."""
        return self.naming.threshold

    def get_rows(self, index: int) -> ImageRows:
        """Return the pixels of one of the planes, to be read by rows."""
        return self.image.get_rows(self.planes[index], channel=self.naming.channel)

    def locate(self, index: int) -> tuple[int, int]:
        """Return slice and frame, from 1, of one of the planes."""
        return self.image.layout.locate(self.planes[index] - 1)

    def predict(self, index: int, hooks: Hooks) -> Iterator[tuple[int, ProbabilityMap]]:
        """Yield first row and probabilities of the bands of one of the planes.

        Raises
        ------
        SetupError
            When the model can only predict images in memory.
        """
        if self.model.predict_rows is None:
            raise SetupError(f"{self.model.reference} cannot predict images by rows.")
        yield from self.model.predict_rows(self.get_rows(index), hooks)

    def list_remarks(self, areas: Array, empty: Mapping[int, float]) -> list[str]:
        """Return which planes have no ROI and why, and that the size of the ROIs is strange.

        Parameters
        ----------
        areas : ndarray of shape (K,)
            Areas of all ROIs in pixels.
        empty : mapping of int to float
            Highest probability of each plane without ROI, by its place among the planes, from 1.
        """
        remarks = []
        if empty:
            highest = next(iter(empty.values()))
            reason = explain_small(self.smallest)
            if highest <= self.threshold:
                reason = explain_low(highest, self.threshold)
            remarks.append(tell_empty(list(empty), len(self.planes), reason))
        calibration, found = self.image.calibration, find_diameter(areas)
        remarks.append(
            compare_diameters(found, areas.size, model=self.model, calibration=calibration)
        )
        return [f"{self.image.name}: {remark}" for remark in remarks if remark]

    def plan_bands(self) -> list[tuple[int, int]]:
        """Return the bands in which labels are made; they fit the pixels of the overlay."""
        return plan_bands(self.shape, multiple=find_reduction(self.shape))

    def estimate_bytes(self) -> int:
        """Return how much the results take on disk at most, but for a few ROIs."""
        pixels = len(self.planes) * self.shape[0] * self.shape[1]
        return round(_ROI_SHARE * _BYTES_PER_PIXEL * pixels) + _PICTURE_BYTES

    def describe_map(self) -> PieceForm:
        """Return the form of the probability file."""
        return self._describe(np.float32, {"min": 0.0, "max": 1.0})

    def describe_labels(self, highest: int) -> PieceForm:
        """Return the form of the label file."""
        dtype = np.uint16 if highest <= _LARGEST_UINT16 else np.float32
        return self._describe(dtype, {"min": 0.0, "max": float(max(highest, 1))})

    def describe_mask(self) -> PieceForm:
        """Return the form of the mask file."""
        return self._describe(np.uint8, {})

    def _describe(self, dtype: Any, facts: dict[str, Any]) -> PieceForm:
        count = len(self.planes)
        layout = self.image.layout if count == self.image.layout.planes else PlaneLayout()
        return PieceForm(
            shape=(count, *self.shape),
            dtype=np.dtype(dtype),
            calibration=self.image.calibration,
            layout=replace(layout, channels=1) if count > 1 else None,
            facts=facts,
        )


def plan_task(image: PieceSource, model: LoadedModel, *, options: SegmentOptions) -> HugeTask:
    """Check that image and model fit, and return what is to be done.

    Raises
    ------
    InputError
        Codes ``rgb_image``, ``channel_mismatch`` and ``invalid_options``.
    """
    check_channels(image, channel=options.channel, card=model.card)
    image = replace(image, calibration=choose_calibration(image.calibration, options))
    scaled = scale_model(model, image.calibration)
    cut = choose_cut(options, scaled)
    count = image.layout.planes
    planes = tuple(range(1, count + 1)) if options.planes == "all" else (options.planes,)
    for plane in planes:
        image.get_rows(plane, channel=options.channel)
    naming = RoiNaming(model, image.layout, options.channel, threshold=cut.threshold)
    notes = scaled.notes
    if cut.separation > 0:
        notes = (*notes, _NOT_PARTED)
    return HugeTask(
        image, scaled.model, planes, naming=naming, smallest=cut.min_roi_size, notes=notes
    )


def find_reduction(shape: tuple[int, int]) -> int:
    """Return how many pixels of an image make one pixel of its overlay, along each axis."""
    return max(1, -(-max(shape) // LARGEST_PICTURE))


class SmallPicture:
    """Image and outlines of a plane, small enough to be looked at.

    Parameters
    ----------
    shape : (M, N)
        Rows and columns of the plane.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._step = find_reduction(shape)
        small = tuple(-(-size // self._step) for size in shape)
        self._grey = np.zeros(small, dtype=np.float32)
        self._labels = np.zeros(small, dtype=np.int32)

    def add_rows(self, first: int, grey: Array, labels: LabelImage) -> None:
        """Add a band that begins with a multiple of the reduction."""
        place = first // self._step
        rows = slice(place, place - (-len(grey) // self._step))
        self._grey[rows] = self._split(grey, mode="edge").mean(axis=(1, 3))
        self._labels[rows] = self._split(labels, mode="constant").max(axis=(1, 3))

    def draw(self) -> npt.NDArray[np.uint8]:
        """Return the picture, shape (M, N, 3)."""
        from deepflash_service.core.overlay import draw_outlines

        return draw_outlines(self._grey, self._labels)

    def tell(self, name: str) -> tuple[str, ...]:
        """Return the sentence that the user should know."""
        if self._step == 1:
            return ()
        return (f"{name} shows the image at 1/{self._step} of its size.",)

    def _split(self, band: Array, *, mode: Any) -> Array:
        step = self._step
        missing = [(0, -size % step) for size in band.shape]
        padded = np.pad(band, missing, mode=mode) if any(end for _, end in missing) else band
        rows, columns = padded.shape
        return padded.reshape(rows // step, step, columns // step, step)
