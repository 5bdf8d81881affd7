"""What is printed while the demonstration runs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from deepflash_service.bridge.jobs import Event
from deepflash_service.demo.narration import Narrator, describe_event
from deepflash_service.demo.results import DemoResults

_FIRST = {"epoch": 1.0, "seconds_per_epoch": 2.0, "loss": 0.5}
_SECOND = {"epoch": 2.0, "seconds_per_epoch": 2.0, "loss": 0.25, "f1": 0.75}
_EVENTS = [
    Event(1, "", "running", "Loading", 0, 0),
    Event(2, "", "running", "training on a CPU", 0, 2, {"epoch": 0.0, "step": 0.0}),
    Event(3, "", "running", "Epoch 1 of 2, step 5 of 15", 0, 2, {"epoch": 1.0, "loss": 0.9}),
    Event(4, "", "running", "Epoch 1 of 2", 1, 2, _FIRST),
    Event(5, "", "running", "Epoch 2 of 2, step 9 of 15", 1, 2, {"epoch": 2.0, "loss": 0.3}),
    Event(6, "", "running", "Epoch 2 of 2", 2, 2, _SECOND),
]


def make_narrator(*, terminal: bool = False) -> tuple[Narrator, io.StringIO]:
    stream = io.StringIO()
    return Narrator(Console(file=stream, width=120, force_terminal=terminal)), stream


def test_a_step_is_timed_printed_and_kept() -> None:
    """Title, sentence and duration."""
    narrator, stream = make_narrator()
    with narrator.step("Upload") as step:
        step.tell("8 images [all].")
    assert [(one.title, one.detail) for one in narrator.steps] == [("Upload", "8 images [all].")]
    assert narrator.steps[0].seconds >= 0
    assert "1  Upload" in stream.getvalue()
    assert "8 images [all]. (0.0 s)" in stream.getvalue()


def test_a_failed_step_is_not_kept() -> None:
    """The error passes through, no success is claimed."""
    narrator, _ = make_narrator()
    with pytest.raises(RuntimeError), narrator.step("Upload"):
        raise RuntimeError
    assert narrator.steps == []


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_is_shown_and_the_numbers_kept(terminal: bool) -> None:
    """Lines without a terminal, a bar on one; steps told within an epoch are no epochs."""
    narrator, stream = make_narrator(terminal=terminal)
    assert narrator.watch(iter(_EVENTS)) == [_FIRST, _SECOND]
    assert "Loading" in stream.getvalue() or "Epoch 2 of 2" in stream.getvalue()


def test_an_event_becomes_one_line_with_the_newest_numbers() -> None:
    """Count only where the sentence has none."""
    line = describe_event(_EVENTS[4], [{"loss": 0.5, "f1": 0.7}, {"loss": 0.25}])
    assert line == "Epoch 2 of 2, step 9 of 15, loss 0.300, f1 0.700"
    assert describe_event(Event(1, "", "running", "Loading.", 3, 8), []) == "Loading (3/8)"
    assert describe_event(_EVENTS[0], []) == "Loading"


def test_the_table_has_every_image_and_the_means(results: DemoResults) -> None:
    """Rows, footer and the experts' mean beside the model."""
    narrator, stream = make_narrator()
    narrator.print_scores(results)
    narrator.print_agreement(results.agreement)
    narrator.print_places(Path("a demo"), results)
    text = stream.getvalue()
    for part in ("--output results --home 'a demo/home'", "FIJI_DIR --home 'a demo/home'",
                 "without --home, in a terminal where DEEPFLASH_HOME is not set",
                 "unseen-01", "0.900", "mean", "0.850", "Mean expert F1", "90/100", "expert_2",
                 "report.html", "unseen-01_overlay.tif", "demo@1"):  # fmt: skip
        assert part in text, part
