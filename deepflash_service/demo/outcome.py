"""What the demonstration leaves behind: pictures, tables, summary and report."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from deepflash_service.core.overlay import compare_masks
from deepflash_service.demo.pictures import (
    EXPERT_COLOURS,
    MODEL_COLOUR,
    choose_crop,
    draw_contours,
    embed_png,
    stretch_contrast,
)
from deepflash_service.demo.report import ImagePictures, ReportPictures, render_report
from deepflash_service.store.atomic import write_json, write_text
from deepflash_service.store.image_writing import write_png

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deepflash_service.core.synthetic import SampleSet
    from deepflash_service.core.synthetic_scene import RawImage
    from deepflash_service.demo.results import DemoResults
    from deepflash_service.demo.workbench import Segmented
    from deepflash_service.records import LabelImage

_CROP = 160


def write_outcome(
    folder: Path,
    results: DemoResults,
    *,
    samples: SampleSet,
    found: Mapping[str, Segmented],
    home: str,
) -> None:
    """Write comparison pictures, ``rois.csv``, ``summary.csv``, ``summary.json``, ``report.html``.

    Parameters
    ----------
    folder : Path
        Where the files go.
    results : DemoResults
        Scores and steps.
    samples : SampleSet
        The generated pictures with their truth.
    found : mapping of str to Segmented
        What the model marked, by image name.
    home : str
        Home folder of the demonstration, as the reader types it.
    """
    unseen = tuple(
        _draw_unseen(
            folder, sample.name, sample.image, pair=(found[sample.name].labels, sample.truth)
        )
        for sample in samples.test
    )
    pictures = ReportPictures(_draw_experts(samples), samples.train[0].name, unseen)
    _write_tables(folder, results, found)
    write_json(folder / "summary.json", results.to_json())
    now = datetime.now().astimezone()
    page = render_report(
        results,
        pictures,
        created=f"{now.day} {now:%B %Y, %H:%M}",
        home=home,
    )
    write_text(folder / "report.html", page)


def _draw_unseen(
    folder: Path,
    name: str,
    image: RawImage,
    *,
    pair: tuple[LabelImage, LabelImage],
) -> ImagePictures:
    """Draw the model's outlines and the comparison with the truth; write the latter."""
    predicted, truth = pair
    comparison = compare_masks(None, predicted > 0, truth > 0)
    write_png(folder / f"{name}_comparison.png", comparison)
    outlines = draw_contours(stretch_contrast(image), {MODEL_COLOUR: predicted})
    return ImagePictures(name, embed_png(outlines), embed_png(comparison))


def _draw_experts(samples: SampleSet) -> str:
    """Draw all experts' outlines on the busiest part of the first training image."""
    name, image, experts = samples.train[0]
    window = choose_crop(samples.train_truth[name], _CROP)
    contours = {
        colour: labels[window]
        for colour, labels in zip(EXPERT_COLOURS, experts.values(), strict=False)
    }
    return embed_png(draw_contours(stretch_contrast(image)[window], contours, zoom=5))


def _write_tables(folder: Path, results: DemoResults, found: Mapping[str, Segmented]) -> None:
    import pandas as pd

    tables = [segmented.table for segmented in found.values()]
    rois = pd.concat([one for one in tables if len(one)] or tables[:1], ignore_index=True)
    write_text(folder / "rois.csv", rois.to_csv(index=False, lineterminator="\n"))
    rows = [
        {
            "Image": image.name,
            "ROIs": image.scores.predicted,
            "Area px": int((found[image.name].labels > 0).sum()),
            "True ROIs": image.scores.expected,
            "Matched": image.scores.matched,
            "Pixel Jaccard": round(image.scores.pixel_jaccard, 4),
            "Dice": round(image.scores.dice, 4),
            "ROI Jaccard": round(image.scores.roi_jaccard, 4),
            "Precision": round(image.scores.precision, 4),
            "Recall": round(image.scores.recall, 4),
            "F1": round(image.scores.f1, 4),
            "Mean expert F1": round(image.mean_expert_f1, 4),
        }
        for image in results.images
    ]
    summary = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
    write_text(folder / "summary.csv", summary)
