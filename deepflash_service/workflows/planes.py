"""Segment the planes of one image in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from deepflash_service.core.labels import label_rois
from deepflash_service.core.measurements import rate_rois
from deepflash_service.core.rois import labels_to_rois
from deepflash_service.core.scaling import find_diameter
from deepflash_service.core.separation import Cut
from deepflash_service.records import SegmentOptions
from deepflash_service.store.images import ImageFile, PlaneLayout
from deepflash_service.workflows.empty_results import explain_nothing, tell_empty
from deepflash_service.workflows.outlook import COLUMNS, Judge, Outlook
from deepflash_service.workflows.pixel_sizes import (
    ScaledModel,
    choose_calibration,
    compare_diameters,
    scale_model,
)
from deepflash_service.workflows.prediction import LoadedModel, choose_pixels
from deepflash_service.workflows.roi_naming import RoiNaming

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from deepflash_service.records import LabelImage, ProbabilityMap
    from deepflash_service.workflows.hooks import Hooks


@dataclass(frozen=True, slots=True)
class SegmentedPlane:
    """One plane: raw pixels (M, N) or (M, N, C), its map, its ROIs, slice and frame (1-based).

    ``outlook`` tells what is expected of the result.
    """

    pixels: Any
    probability: ProbabilityMap
    labels: LabelImage
    position: tuple[int, int]
    outlook: Outlook

    @property
    def grey(self) -> Any:
        """Pixels of the first channel, shape (M, N)."""
        return self.pixels if self.pixels.ndim == 2 else self.pixels[..., 0]

    def list_labels(self) -> list[int]:
        """Return the labels of the ROIs, rising."""
        return [int(label) for label in np.unique(self.labels) if label > 0]

    def score(self) -> list[float]:
        """Return the mean probability of each ROI, in the order of the labels."""
        return [float(score) for score in rate_rois(self.labels, self.probability)]


@dataclass(frozen=True, slots=True)
class SegmentedImage:
    """All segmented planes of one image."""

    image: ImageFile
    planes: tuple[SegmentedPlane, ...]
    layout: PlaneLayout
    model: LoadedModel
    channel: int | None
    threshold: float
    smallest: int

    @property
    def labels(self) -> Any:
        """Label images, shape (M, N) or (P, M, N)."""
        return self._stack("labels")

    @property
    def probability(self) -> Any:
        """Probability maps, shape (M, N) or (P, M, N)."""
        return self._stack("probability")

    def _stack(self, name: str) -> Any:
        stack = [getattr(plane, name) for plane in self.planes]
        return stack[0] if len(stack) == 1 else np.stack(stack)

    def count(self) -> int:
        """Return the number of ROIs in all planes."""
        return sum(len(plane.score()) for plane in self.planes)

    @property
    def naming(self) -> RoiNaming:
        """How the ROIs are called."""
        return RoiNaming(
            self.model,
            self.image.layout,
            self.channel,
            threshold=self.threshold,
        )

    def trace(self) -> list[bytes]:
        """Return all ROIs as ImageJ bytes, with unique names and the position of their plane."""
        rois: list[bytes] = []
        for plane in self.planes:
            rois += labels_to_rois(
                plane.labels,
                scores=plane.score(),
                names=self.naming.name_rois(plane.list_labels(), plane.position),
                positions=self.naming.locate(plane.position),
                properties={"dfl.model": self.model.reference},
            )
        return rois

    def measure(self, name: str) -> pd.DataFrame:
        """Return one row per ROI, the columns of reference table "DeepFLaSH ROIs"."""
        import pandas as pd

        from deepflash_service.core.measurements import measure_rois

        tables = []
        for plane in self.planes:
            table = measure_rois(
                plane.labels,
                plane.grey,
                probability=plane.probability,
                calibration=self.image.calibration,
            )
            numbers = plane.list_labels()
            tables.append(
                self.naming.complete_table(table, name, numbers=numbers, position=plane.position)
            )
        return pd.concat(tables, ignore_index=True)

    def summarize(self, name: str) -> pd.DataFrame:
        """Return one row per plane: count, area, mean probability, threshold."""
        import pandas as pd

        from deepflash_service.core.measurements import summarize_image

        rows = []
        for plane in self.planes:
            row = summarize_image(
                plane.labels,
                plane.grey,
                probability=plane.probability,
                calibration=self.image.calibration,
            )
            facts = self.naming.complete_row(row, name, plane.position)
            rows.append(plane.outlook.complete_row(facts))
        return pd.DataFrame(rows)

    def list_remarks(self) -> list[str]:
        """Return which planes have no ROI and why, and that the size of the ROIs is strange."""
        counts = [np.bincount(plane.labels.ravel())[1:] for plane in self.planes]
        areas = np.concatenate([count[count > 0] for count in counts])
        remarks = []
        if empty := [number for number, count in enumerate(counts, start=1) if not count.any()]:
            first = self.planes[empty[0] - 1]
            reason = explain_nothing(
                first.pixels, first.probability, threshold=self.threshold, smallest=self.smallest
            )
            remarks.append(tell_empty(empty, len(counts), reason))
        calibration, found = self.image.calibration, find_diameter(areas)
        remarks.append(
            compare_diameters(found, areas.size, model=self.model, calibration=calibration)
        )
        return [remark for remark in remarks if remark]


def make_empty_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of ROIs and images with their columns and without a row."""
    import pandas as pd

    from deepflash_service.core.measurements import measure_rois, summarize_image

    nothing = np.zeros((1, 1), dtype=np.int32)
    columns = ["Image", "Z", "T", *summarize_image(nothing), "Model", "Threshold", *COLUMNS]
    return measure_rois(nothing), pd.DataFrame(columns=columns)


def choose_cut(options: SegmentOptions, scaled: ScaledModel) -> Cut:
    """Return how ROIs are found: as the user says, or as the card of the model does.

    Sizes and depths in the card are in pixels of the training; they are converted where the image
    has another scale. What the user says is in pixels of the image. Parts of touching ROIs keep the
    annotated size, whatever minimum the user chooses.
    """
    card = scaled.model.card
    own = Cut(
        card.threshold,
        scaled.convert_area(card.min_roi_size),
        scaled.convert_length(card.separation),
        scaled.convert_area(card.annotated_size),
    )
    names = ("threshold", "min_roi_size", "separation")
    chosen = {name: getattr(options, name) for name in names}
    return replace(own, **{name: one for name, one in chosen.items() if one is not None})


def segment_planes(
    image: ImageFile, model: LoadedModel, *, options: SegmentOptions, hooks: Hooks
) -> SegmentedImage:
    """Predict and label one plane of an image, or all.

    Raises
    ------
    InputError
        Codes ``rgb_image``, ``channel_mismatch`` and ``invalid_options``.
    JobCancelled
        When the user cancelled.
    """
    image = replace(image, calibration=choose_calibration(image.calibration, options))
    scaled = scale_model(model, image.calibration)
    for note in scaled.notes:
        hooks.warn(f"{image.name}: {note}")
    used = choose_cut(options, scaled)
    own = choose_cut(SegmentOptions(model=options.model), scaled)
    judge = Judge(model.card, own, used, scaled.scale)
    if note := judge.explain_overruled():
        hooks.warn(note)
    count = image.layout.planes
    numbers = range(1, count + 1) if options.planes == "all" else [options.planes]
    planes = []
    for step, number in enumerate(numbers):
        hooks.check()
        pixels = choose_pixels(image, number, channel=options.channel, card=model.card)
        part = hooks.for_step(step, len(numbers), prefix=f"plane {number}, " if count > 1 else "")
        probability, members = _predict(scaled.model, pixels, part)
        parted = used.open_map(probability)
        labels = label_rois(parted, threshold=used.threshold, min_roi_size=used.min_roi_size)
        outlook = judge.judge(pixels, parted, members=members, labels=labels)
        position = image.layout.locate(number - 1)
        planes.append(SegmentedPlane(pixels, parted, labels, position, outlook))
    layout = image.layout if len(planes) == count else PlaneLayout()
    segmented = SegmentedImage(
        image=image,
        planes=tuple(planes),
        layout=replace(layout, channels=1),
        model=model,
        channel=options.channel,
        threshold=used.threshold,
        smallest=used.min_roi_size,
    )
    for remark in segmented.list_remarks():
        hooks.warn(f"{image.name}: {remark}")
    return segmented


def _predict(model: LoadedModel, pixels: Any, hooks: Hooks) -> tuple[ProbabilityMap, Sequence[Any]]:
    """Return the mean map, and those of the members where a forecast needs them."""
    if model.card.forecast is None or model.predict_members is None:
        probability = model.predict(pixels, hooks)
        return probability, (probability,)
    return model.predict_members(pixels, hooks)
