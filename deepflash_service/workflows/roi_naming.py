"""How the ROIs of a segmentation are called, where they lie, and what their tables tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from deepflash_service.store.planes import PlaneLayout
    from deepflash_service.workflows.prediction import LoadedModel


@dataclass(frozen=True, slots=True)
class RoiNaming:
    """What the ROIs of all planes of one image have in common.

    Attributes
    ----------
    model : LoadedModel
        Gives the target and the reference.
    layout : PlaneLayout
        Planes of the image file.
    channel : int or None
        Channel that was segmented, from 1.
    threshold : float
        Probability above which a pixel belongs to an ROI.
    """

    model: LoadedModel
    layout: PlaneLayout
    channel: int | None
    threshold: float

    def name_rois(self, numbers: Iterable[int], position: tuple[int, int]) -> list[str]:
        """Return a name for each label of a plane (slice and frame from 1), unique in the image.

        The names are those that Fiji shows, so they tell the plane of a plain image too.
        """
        z, t = position
        target = self.model.card.target or "roi"
        return [f"{target}-t{t:03d}-z{z:03d}-{number:04d}" for number in numbers]

    def locate(self, position: tuple[int, int]) -> int | tuple[int, int, int] | None:
        """Return the position that ImageJ needs for the ROIs of a plane."""
        source = self.layout
        if source.planes == 1 and source.channels == 1:
            return None
        z, t = position
        if source.is_hyperstack:
            return (self.channel or 0, z, t)
        if source.channels > 1:
            return self.channel or None
        return (t - 1) * source.slices + z

    def complete_table(
        self, table: pd.DataFrame, name: str, *, numbers: Iterable[int], position: tuple[int, int]
    ) -> pd.DataFrame:
        """Fill in the columns of a table of ROIs that the pixels do not tell."""
        z, t = position
        facts: dict[str, Any] = {
            "Image": name,
            "Class": self.model.card.target,
            "C": self.channel or 1,
            "Z": z,
            "T": t,
            "Model": self.model.reference,
            "Threshold": self.threshold,
            "ROI": self.name_rois(numbers, position),
        }
        for column, value in facts.items():
            table[column] = value
        return table

    def complete_row(
        self, row: Mapping[str, float], name: str, position: tuple[int, int]
    ) -> dict[str, Any]:
        """Return a row of the summary with image, plane, model and threshold."""
        z, t = position
        head = {"Image": name, "Z": z, "T": t}
        return {**head, **row, "Model": self.model.reference, "Threshold": self.threshold}
