"""The files that a segmentation leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepflash_service.store.atomic import write_json, write_text
from deepflash_service.store.images import (
    write_labels,
    write_mask,
    write_png,
    write_probability,
    write_roi_zip,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from deepflash_service.workflows.planes import SegmentedImage

_FILES = {
    "labels": "labels.tif",
    "mask": "mask.tif",
    "probability": "probability.tif",
    "rois": "RoiSet.zip",
    "overlay": "overlay.png",
}

JOB_FILES = frozenset({"rois.csv", "summary.csv", "segmentation.json"})
"""Results of a whole job; no image may give its folder such a name."""


@dataclass(frozen=True, slots=True)
class ResultLayout:
    """How result files are called.

    ``is_nested``: ``NAME/labels.tif`` (job folders) instead of ``NAME_labels.tif``;
    ``table_suffix`` keeps the tables of several processes apart.
    """

    is_nested: bool = False
    table_suffix: str = ""


FLAT = ResultLayout()
NESTED = ResultLayout(is_nested=True)


def write_image_results(
    segmented: SegmentedImage, output: Path, *, name: str, layout: ResultLayout
) -> dict[str, str]:
    """Write the files of one image; the ROI set comes last.

    Parameters
    ----------
    segmented : SegmentedImage
        The result.
    output : Path
        Folder.
    name : str
        Name of the image without extension.
    layout : ResultLayout
        How the files are called; nested results have ``rois.geojson`` too.

    Returns
    -------
    dict of str to str
        Paths by kind: labels, mask, probability, rois, overlay.
    """
    from deepflash_service.core.overlay import draw_outlines

    paths = {
        kind: output / name / file if layout.is_nested else output / f"{name}_{file}"
        for kind, file in _FILES.items()
    }
    size: dict[str, Any] = {
        "calibration": segmented.image.calibration,
        "layout": segmented.layout if len(segmented.planes) > 1 else None,
    }
    write_labels(paths["labels"], segmented.labels, **size)
    write_mask(paths["mask"], segmented.labels > 0, **size)
    write_probability(paths["probability"], segmented.probability, **size)
    first = segmented.planes[0]
    write_png(paths["overlay"], draw_outlines(first.grey, first.labels))
    if layout.is_nested:
        write_json(output / name / "rois.geojson", describe_outlines(segmented))
    write_roi_zip(paths["rois"], segmented.trace())
    return {kind: str(path) for kind, path in paths.items()}


def describe_outlines(segmented: SegmentedImage) -> dict[str, Any]:
    """Return the ROIs of all planes as one GeoJSON collection; properties tell slice and frame."""
    from deepflash_service.core.rois import labels_to_geojson

    features: list[dict[str, Any]] = []
    for plane in segmented.planes:
        collection = labels_to_geojson(plane.labels, scores=plane.score())
        z, t = plane.position
        for feature in collection["features"]:
            feature["properties"] = {**feature.get("properties", {}), "z": z, "t": t}
            features.append(feature)
    return {"type": "FeatureCollection", "features": features}


def write_tables(
    output: Path,
    layout: ResultLayout,
    *,
    rois: Sequence[pd.DataFrame],
    summary: Sequence[pd.DataFrame],
) -> None:
    """Write ``rois.csv`` and ``summary.csv`` for all images."""
    import pandas as pd

    for name, tables in (("rois", rois), ("summary", summary)):
        filled = [table for table in tables if len(table)] or list(tables[:1])
        table = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
        write_text(
            output / f"{name}{layout.table_suffix}.csv",
            table.to_csv(index=False, lineterminator="\n"),
        )
