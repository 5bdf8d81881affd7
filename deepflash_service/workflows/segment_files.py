"""The files that a segmentation leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepflash_service.core.geojson_text import format_collection
from deepflash_service.errors import InputError
from deepflash_service.store.atomic import write_text
from deepflash_service.store.images import (
    write_labels,
    write_mask,
    write_png,
    write_probability,
    write_roi_zip,
)
from deepflash_service.workflows.outlook import rank_reviews
from deepflash_service.workflows.planes import make_empty_tables

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
    "outlines": "rois.geojson",
}

JOB_FILES = frozenset({"rois.csv", "summary.csv", "segmentation.json"})
"""Results of a whole job; no image may give its folder such a name."""


@dataclass(frozen=True, slots=True)
class ResultLayout:
    """How result files are called.

    ``is_nested``: ``NAME/labels.tif`` (job folders) instead of ``NAME_labels.tif``;
    ``table_suffix`` keeps the tables of several processes apart; ``names``, one per image, replace
    the stems where other processes write into the same folder.
    """

    is_nested: bool = False
    table_suffix: str = ""
    names: tuple[str, ...] = ()

    def list_paths(self, output: Path, name: str) -> dict[str, Path]:
        """Return the paths of one image's results by kind."""
        return {
            kind: output / name / file if self.is_nested else output / f"{name}_{file}"
            for kind, file in _FILES.items()
        }


FLAT = ResultLayout()
NESTED = ResultLayout(is_nested=True)


@dataclass(frozen=True, slots=True)
class ResultPlace:
    """Where the results of one image go: folder, name of the image there, names of the files."""

    output: Path
    name: str
    layout: ResultLayout = FLAT


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
        How the files are called.

    Returns
    -------
    dict of str to str
        Paths by kind: labels, mask, probability, rois, overlay, outlines.
    """
    from deepflash_service.core.overlay import draw_outlines

    paths = layout.list_paths(output, name)
    size: dict[str, Any] = {
        "calibration": segmented.image.calibration,
        "layout": segmented.layout if len(segmented.planes) > 1 else None,
    }
    write_labels(paths["labels"], segmented.labels, **size)
    write_mask(paths["mask"], segmented.labels > 0, **size)
    write_probability(paths["probability"], segmented.probability, **size)
    first = segmented.planes[0]
    write_png(paths["overlay"], draw_outlines(first.grey, first.labels))
    write_text(paths["outlines"], format_collection(list_outlines(segmented)))
    write_roi_zip(paths["rois"], segmented.trace())
    return {kind: str(path) for kind, path in paths.items()}


def leave_out_results(sources: Sequence[Path], output: Path) -> list[Path]:
    """Return the images that are no results of an earlier segmentation into the same folder.

    Parameters
    ----------
    sources : sequence of Path
        Image files.
    output : Path
        Folder of the results.

    Returns
    -------
    list of Path
        Without the files that lie in ``output`` with all results of the same name.
    """
    folder = output.resolve()
    return [
        path for path in sources if path.parent.resolve() != folder or not _is_result(path, folder)
    ]


def refuse_overwriting(sources: Sequence[Path], names: Sequence[str], output: Path) -> None:
    """Refuse to write results over one of the images.

    Raises
    ------
    InputError
        Code ``invalid_options``.
    """
    places = {path.resolve(): path.name for path in sources}
    folder = output.resolve()
    for source, name in zip(sources, names, strict=True):
        for path in FLAT.list_paths(folder, name).values():
            if path in places:
                raise InputError(
                    f"The results of {source.name} would overwrite {places[path]} in {output}. "
                    "Choose another output folder.",
                    code="invalid_options",
                    details={"name": places[path]},
                )


def _is_result(path: Path, folder: Path) -> bool:
    return any(
        path.name.endswith(f"_{file}")
        and all(
            one.is_file()
            for kind, one in FLAT.list_paths(folder, path.name.removesuffix(f"_{file}")).items()
            # which earlier versions did not write
            if kind != "outlines"
        )
        for file in _FILES.values()
    )


def list_outlines(segmented: SegmentedImage) -> list[dict[str, Any]]:
    """Return the ROIs of all planes as GeoJSON features; properties tell slice and frame."""
    from deepflash_service.core.rois import labels_to_geojson

    features: list[dict[str, Any]] = []
    for plane in segmented.planes:
        collection = labels_to_geojson(
            plane.labels,
            scores=plane.score(),
            names=segmented.naming.name_rois(plane.list_labels(), plane.position),
            target=segmented.model.card.target,
            plane=plane.position,
        )
        features += collection["features"]
    return features


def write_tables(
    output: Path,
    layout: ResultLayout,
    *,
    rois: Sequence[pd.DataFrame],
    summary: Sequence[pd.DataFrame],
) -> None:
    """Write ``rois.csv`` and ``summary.csv`` for all images."""
    import pandas as pd

    if not rois:
        rois, summary = ([table] for table in make_empty_tables())
    for name, tables in (("rois", rois), ("summary", summary)):
        filled = [table for table in tables if len(table)] or list(tables[:1])
        table = rank_reviews(pd.concat(filled, ignore_index=True) if filled else pd.DataFrame())
        write_text(
            output / f"{name}{layout.table_suffix}.csv",
            table.to_csv(index=False, lineterminator="\n"),
        )
