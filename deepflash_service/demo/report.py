"""The report of the demonstration: self-contained HTML for people who draw cells."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepflash_service.demo.charts import make_curve, make_ticks
from deepflash_service.demo.pictures import EXPERT_COLOURS, MODEL_COLOUR
from deepflash_service.settings import type_home

if TYPE_CHECKING:
    from deepflash_service.demo.results import DemoResults


@dataclass(frozen=True, slots=True)
class ImagePictures:
    """Pictures of one unseen image as data URIs: the model's outlines, and the comparison."""

    name: str
    outlines: str
    comparison: str


@dataclass(frozen=True, slots=True)
class ReportPictures:
    """All pictures of the report; `experts` shows the experts' outlines on one image."""

    experts: str
    expert_image: str
    unseen: tuple[ImagePictures, ...]


def judge_result(results: DemoResults) -> str:
    """Return one sentence that says how the model compares with the simulated experts."""
    model, experts = results.mean.f1, results.experts
    worst, best = min(experts.values()), max(experts.values())
    if results.is_quick and model < worst:
        return "The training was cut short (--quick); run the demonstration without it to judge."
    if model >= best:
        return "The model comes closer to the truth than every one of the simulated experts."
    if model >= results.mean_expert_f1:
        return "The model comes closer to the truth than the average of the simulated experts."
    if model >= worst:
        return "The model lies between the worst and the average of the simulated experts."
    return "The model does not reach the simulated experts yet; a longer training may help."


def render_report(
    results: DemoResults, pictures: ReportPictures, *, created: str, home: str
) -> str:
    """Render the report.

    Parameters
    ----------
    results : DemoResults
        Scores, agreement and steps.
    pictures : ReportPictures
        Pictures as data URIs.
    created : str
        Date and time as shown to the reader.
    home : str
        Home folder of the demonstration, as the reader types it.

    Returns
    -------
    str
        HTML that needs no other file and no network.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("deepflash_service.demo", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = format_seconds
    names = list(results.experts)
    return environment.get_template("report.html").render(
        results=results,
        mean=results.mean,
        verdict=judge_result(results),
        pictures={picture.name: picture for picture in pictures.unseen},
        experts_picture=pictures.experts,
        expert_image=pictures.expert_image,
        created=created,
        home=type_home(home),
        command=find_command(),
        colours=dict(zip(names, _cycle_colours(len(names)), strict=True)),
        model_colour=MODEL_COLOUR,
        pairs=_tabulate_pairs(results.agreement),
        ticks=make_ticks([image.scores.f1 for image in results.images], results),
        curve=make_curve(results.training.epochs),
    )


def find_command() -> str:
    """Return how to call the command from the present folder: ``.venv/bin/deepflash``."""
    command = Path(sys.executable).with_name("deepflash")
    here = Path.cwd()
    if not command.exists() or not command.is_relative_to(here):
        return "deepflash"
    return command.relative_to(here).as_posix()


def format_seconds(seconds: float) -> str:
    """Return a duration as people say it: ``0.4 s``, ``42 s``, ``5 min 03 s``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def _cycle_colours(count: int) -> list[str]:
    return [EXPERT_COLOURS[index % len(EXPERT_COLOURS)] for index in range(count)]


def _tabulate_pairs(agreement: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the F1 of each pair of experts, by both names."""
    table: dict[str, dict[str, float]] = {str(name): {} for name in agreement.get("experts", [])}
    for pair in agreement.get("pairwise", []):
        first, second, value = str(pair["a"]), str(pair["b"]), float(pair["f1"])
        table.setdefault(first, {})[second] = value
        table.setdefault(second, {})[first] = value
    return table
