"""``deepflash train``: what is refused before any work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepflash_service import worker
from deepflash_service.records import ModelCard
from deepflash_service.store.atomic import write_text
from deepflash_service.store.images import write_image
from deepflash_service.store.models import publish_model, stage_model
from deepflash_service.store.runs import Run as Job
from deepflash_service.workflows.hooks import Hooks
from tests.unit.commands.conftest import Run


def list_command(data: Path) -> tuple[object, ...]:
    """Return a training without its output options."""
    return ("train", "--images", data / "images", "--masks", f"a={data / 'a'}", "--model", "m")


@pytest.mark.parametrize("name", ["tiny.", "aux", "m m"])
def test_model_names_are_checked_before_any_work(
    run: Run, data: Path, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A name that no model can have ends with 2 at once, and leaves no data set and no job."""
    monkeypatch.setattr(worker, "run_job", lambda *_a, **_k: pytest.fail("it began to train"))
    found = run("train", "--images", data / "images", "--masks", f"a={data / 'a'}",
                "--model", name)  # fmt: skip
    assert found.code == 2
    assert "cannot be used: take 1 to 64 letters" in found.err
    assert not list(home.glob("datasets/*"))
    assert not list(home.glob("runs/*"))


def test_whose_annotation_cannot_be_used_is_told(run: Run, data: Path) -> None:
    """The files of image and experts have one name."""
    noise = np.random.default_rng(0).integers(0, 200, (96, 96), dtype=np.uint8)
    write_image(data / "b" / "x.tif", noise)
    masks = [word for expert in "ab" for word in ("--masks", f"{expert}={data / expert}")]
    found = run("train", "--images", data / "images", *masks, "--model", "m")
    assert found.code == 1
    assert found.err.startswith("deepflash: b: x.tif ")


def test_a_training_stopped_at_once_prints_that_there_is_no_model(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object keeps its keys; there is no version."""

    def stop(_home: Path, _run: object, *, hooks: Hooks, **_options: object) -> None:
        hooks.end_early("Stopped before the first step.")

    monkeypatch.setattr("deepflash_service.workflows.train.run_training", stop)
    command = list_command(data)
    found = run(*command, "--json")
    assert found.code == 0
    assert (found.json["model"], found.json["version"], found.json["scores"]) == ("m", None, None)
    assert found.json["warnings"] == ["Stopped before the first step."]
    assert "Stopped before the first step." in found.err
    assert run(*command).out == "Stopped before the first step.\n"


def test_a_training_that_needed_fewer_epochs_says_so(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the terminal, in the JSON object, in the log of the job and with the model."""
    ending = "Stopped early after epoch 33 of 40."

    def end_early(home: Path, job: Job, **_options: object) -> ModelCard:
        card = ModelCard(name="m", job=job.id, ending=ending)
        with stage_model(home) as folder:
            (folder / "member-1.weights.h5").write_bytes(b"weights")
            card = publish_model(home, folder, card=card).card
        write_text(job.results / "model.json", card.to_json())
        return card

    monkeypatch.setattr("deepflash_service.workflows.train.run_training", end_early)
    command = list_command(data)
    assert ending in run(*command).out.splitlines()
    found = run(*command, "--json")
    assert found.json["ending"] == ending
    assert f"{ending} Saved m@2." in run("jobs", "log", found.json["job"]).out
    assert f"training: {ending}" in run("models", "show", "m").out
