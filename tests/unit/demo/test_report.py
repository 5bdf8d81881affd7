"""The report: one self-contained page that says what was found."""

from __future__ import annotations

import html.parser
import re
from dataclasses import replace
from pathlib import Path

import pytest

from deepflash_service.demo.charts import make_curve, make_ticks
from deepflash_service.demo.report import (
    ImagePictures,
    ReportPictures,
    find_command,
    format_seconds,
    judge_result,
    render_report,
)
from deepflash_service.demo.results import DemoResults, Training

_DOT = "data:image/png;base64,iVBORw0KGgo="
_PICTURES = ReportPictures(
    _DOT,
    "cfos-01",
    (ImagePictures("unseen-01", _DOT, _DOT), ImagePictures("unseen-02", _DOT, _DOT)),
)
_VOID = {"meta", "img", "i", "line", "polyline", "link", "br"}


class _Checker(html.parser.HTMLParser):
    """Collects addresses, and checks that elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag


def render(results: DemoResults) -> str:
    return render_report(results, _PICTURES, created="1 May 2026, 10:00", home="demo/home")


def test_the_page_is_well_formed_and_needs_nothing_else(results: DemoResults) -> None:
    """All elements are closed; pictures are inside, nothing is loaded, no script runs."""
    page = render(results)
    checker = _Checker()
    checker.feed(page)
    assert checker.open == []
    assert checker.addresses
    assert all(address.startswith("data:image/png") for address in checker.addresses)
    assert "<script" not in page
    assert "url(" not in page


def test_the_page_shows_model_and_experts_side_by_side(results: DemoResults) -> None:
    """Means, every image, every expert, and the steps with their times are there."""
    page = render(results)
    text = re.sub(r"<[^>]+>", " ", page)
    for part in ("0.850", "0.800", "unseen-02", "expert_2", "4 min 11 s", "ImageJ 1.54p",
                 "--home demo/home", "Pixel Jaccard", "demo@1"):  # fmt: skip
        assert part in text, part
    way_back = "without --home , in a terminal where DEEPFLASH_HOME is not set."
    assert way_back in " ".join(text.split())


def test_names_are_escaped(results: DemoResults) -> None:
    """What comes from outside cannot become markup."""
    page = render(results)
    assert "a &lt;CPU&gt;" in page
    assert "<CPU>" not in page


def test_the_page_says_when_there_was_no_imagej(results: DemoResults) -> None:
    """Without a JVM the report does not claim that ImageJ took part."""
    page = render(replace(results, imagej=None))
    assert "No Java virtual machine was found" in page
    assert "by ImageJ" not in page


def test_a_quick_run_is_not_sold_as_a_result(results: DemoResults) -> None:
    """A training cut short is called that."""
    assert "cut short" in render(replace(results, is_quick=True))
    assert "cut short" not in render(results)


@pytest.mark.parametrize(
    ("f1", "part"),
    [(0.99, "every one"), (0.82, "average"), (0.76, "between"), (0.5, "does not reach")],
)
def test_the_verdict_follows_the_numbers(results: DemoResults, f1: float, part: str) -> None:
    """Experts at 0.85 and 0.75: four verdicts."""
    images = tuple(
        replace(image, scores=image.scores.model_copy(update={"f1": f1}))
        for image in results.images
    )
    assert part in judge_result(replace(results, images=images))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.9, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.7, "1 min 00 s"),
     (303.2, "5 min 03 s")],
)  # fmt: skip
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    """Seconds become s or min."""
    assert format_seconds(seconds) == text


def test_the_scale_holds_every_value(results: DemoResults) -> None:
    """The lowest F1 lies on the scale, 1 at its end."""
    ticks = make_ticks([0.8, 0.9], results)
    assert ticks.start <= 0.7
    assert 0 <= ticks.place(0.7) < ticks.place(0.9) < ticks.place(1.0) == 100
    assert ticks.ticks[-1][1] == "1.0"


def test_the_learning_curve_needs_two_numbers() -> None:
    """No curve without numbers; gaps and not-a-number are left out."""
    assert make_curve(()) is None
    assert make_curve(({"epoch": 1.0, "loss": 1.0},)) is None
    assert make_curve(({"epoch": 1.0, "loss": 1.0}, {"epoch": 2.0})) is None
    told: list[dict[str, float]] = [
        {"loss": 2.0}, {"loss": float("nan")}, {"loss": 1.0, "f1": 0.5}, {"f1": 0.75}
    ]  # fmt: skip
    curve = make_curve([{"epoch": float(n), **one} for n, one in enumerate(told, 1)])
    assert curve is not None
    assert [line.name for line in curve.lines] == ["loss", "f1"]
    assert curve.lines[0].points == "0.0,0.0 666.7,150.0"
    assert curve.lines[1].points == "666.7,150.0 1000.0,75.0"
    assert (curve.scale, curve.values[0], curve.lines[0].top) == ("f1", (0.0, "1"), 2.0)


@pytest.mark.parametrize(
    ("first", "last", "figures"),
    [(1, 2, "1 2"), (1, 6, "1 2 3 4 5 6"), (1, 33, "1 5 10 15 20 25 30 33"),
     (1, 40, "1 5 10 15 20 25 30 35 40"), (1, 170, "1 50 100 170"),
     (7, 41, "7 10 15 20 25 30 35 41"), (1, 5000, "1 5000")],
)  # fmt: skip
def test_the_axes_have_figures(first: int, last: int, figures: str) -> None:
    """Epochs by their number, not by how often the training told something."""
    curve = make_curve([{"epoch": float(n), "loss": 0.5} for n in (first, last)])
    assert curve is not None
    assert " ".join(label for _, label in curve.epochs) == figures
    assert (curve.epochs[0][0], curve.epochs[-1][0], curve.last_epoch) == (0.0, 100.0, last)
    assert [label for _, label in curve.values] == ["0.5", "0.25", "0"]


def test_the_page_tells_how_many_epochs_ran(results: DemoResults) -> None:
    """And why there were not more."""
    page = render(results)
    assert "Learning curve over 2 epochs" in page
    assert "Stopped early after epoch 2 of 40: the best epoch 1 is kept." in page


def test_a_training_without_numbers_has_no_curve(results: DemoResults) -> None:
    """The page stays whole when the training told no numbers."""
    page = render(replace(results, training=Training("demo@1", "CPU", 1.0, 6)))
    assert "Learning curve" not in page


def test_the_command_is_named_as_it_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative where the virtual environment lies below the present folder, else the plain name."""
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "deepflash").touch()
    monkeypatch.setattr("sys.executable", str(binaries / "python"))
    monkeypatch.chdir(tmp_path)
    assert find_command() == ".venv/bin/deepflash"
    monkeypatch.chdir("/")
    assert find_command() == str((binaries / "deepflash").relative_to("/"))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert find_command() == "deepflash"
