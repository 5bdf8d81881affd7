"""The whole demonstration against a stand-in for the service, without Java and Keras."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import tifffile
from PIL import Image
from rich.console import Console

from deepflash_service.bridge.jobs import Event, Job
from deepflash_service.bridge.rois import pack_rois
from deepflash_service.core.agreement import score_prediction
from deepflash_service.core.rois import labels_to_rois
from deepflash_service.core.synthetic import SampleSet, make_samples
from deepflash_service.demo import run, workbench
from deepflash_service.demo.narration import Narrator
from deepflash_service.errors import ComputeError, SetupError
from deepflash_service.records import ModelCard
from deepflash_service.workflows import samples


@cache
def make_quick_samples(*_: object) -> SampleSet:
    return make_samples(4, 4, 0)


class StandIn:
    """Answers like the service; its model marks what expert_1 would."""

    def __init__(self, agreement: dict[str, Any], *, fails: bool = False) -> None:
        self._agreement = agreement
        self._fails = fails
        self._samples = make_quick_samples()
        self.calls: list[str] = []
        self.options: dict[str, Any] = {}

    def create_dataset(self, name: str) -> str:
        return "d1"

    def put_image(self, dataset: str, name: str, image: Path) -> None:
        assert tifffile.imread(image).shape == (512, 512)
        self.calls.append(f"image {name}")

    def put_annotation(self, dataset: str, name: str, annotation: Path, *, expert: str) -> None:
        assert tifffile.imread(annotation).max() > 20
        self.calls.append(f"annotation {expert} {name}")

    def pairs(self, dataset: str) -> dict[str, Any]:
        count = sum(call.startswith("image") for call in self.calls)
        return {"pairs": [{}] * count, "warnings": []}

    def agreement(self, dataset: str) -> dict[str, Any]:
        return self._agreement

    def train(self, dataset: str, model: str, **options: Any) -> Job:
        if self._fails:
            raise ComputeError("The training diverged. Try another seed.")
        self.options = options
        return Job("t1", "training", "queued")

    def events(self, job: Job) -> Iterator[Event]:
        first = {"epoch": 1.0, "seconds_per_epoch": 1.0, "loss": 0.5}
        yield Event(1, "", "running", "Epoch 1 of 2", 1, 2, first)
        second = {"epoch": 2.0, "seconds_per_epoch": 1.0, "loss": 0.25, "f1": 0.75}
        yield Event(2, "", "done", "Epoch 2 of 2", 2, 2, second)

    def cancel(self, job: Job) -> None:
        self.calls.append(f"cancel {job.id}")

    def wait(self, job: Job) -> Job:
        return Job(job.id, job.kind, "done", model="demo@3")

    def model(self, name: str) -> ModelCard:
        return ModelCard(
            name="demo", version=3, device="a CPU", training_images=["a", "b", "c"],
            held_out_images=["d"], experts=["expert_1", "expert_2"], ending="Stopped early.",
        )  # fmt: skip

    def segment(self, images: dict[str, Path], model: str, *, wait: float) -> Job:
        assert model == "demo@3"
        (name,) = images
        return Job(name.removesuffix(".tif"), "segmentation", "done")

    def result(self, job: Job, name: str) -> bytes:
        rois = labels_to_rois(self._samples.test_experts[job.id]["expert_1"])
        if name == "RoiSet.zip":
            return pack_rois(rois)
        return "\n".join(["Image,ROI", *(f"{job.id},{n}" for n in range(len(rois)))]).encode()

    def evaluate(self, predictions: dict[str, bytes], truths: dict[str, bytes]) -> dict[str, Any]:
        rows = []
        for name, data in predictions.items():
            pair = [tifffile.imread(io.BytesIO(one)).astype("i4") for one in (data, truths[name])]
            rows.append({"image": name, **score_prediction(*pair).model_dump()})
        return {"images": rows}

    def shutdown_if_started(self) -> bool:
        self.calls.append("shutdown")
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append("close")


def refuse_java() -> Any:
    raise SetupError("There is no Java. Install it.", code="no_java")


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120)


def stand_in(monkeypatch: pytest.MonkeyPatch, service: StandIn) -> None:
    monkeypatch.setattr(run, "connect", lambda home: service)
    monkeypatch.setattr(run, "make_samples", make_quick_samples)
    monkeypatch.setattr(samples, "make_samples", lambda *_: make_quick_samples())
    monkeypatch.setattr(workbench, "start_imagej", refuse_java)


def test_the_workflow_leaves_everything_and_ends_the_service(
    agreement: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    """All files, honest scores, a report without ImageJ, the service closed and ended."""
    agreement["experts"] = [f"expert_{number}" for number in range(1, 5)]
    service = StandIn(agreement)
    stand_in(monkeypatch, service)
    results = run.run_demo(tmp_path / "demo", quick=True, console=console)
    folder = tmp_path / "demo"
    assert results.imagej is None
    assert results.mean.f1 > 0.85
    assert results.experts["expert_1"] == pytest.approx(results.mean.f1, abs=0.01)
    assert service.options == {"preset": "quick", "seed": 0, "epochs": 2}
    assert sum(call.startswith("annotation") for call in service.calls) == 16
    assert service.calls[-2:] == ["close", "shutdown"]
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["scores"]["f1"] == pytest.approx(results.mean.f1)
    assert summary["model"] == "demo@3"
    with (folder / "rois.csv").open(encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == results.mean.predicted
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "No Java virtual machine was found" in report
    assert report.count("data:image/png") == 1 + 2 * 4
    picture = np.asarray(Image.open(folder / "unseen-04_comparison.png"))
    only_model = make_quick_samples().test_experts["unseen-04"]["expert_1"] > 0
    only_model &= make_quick_samples().test[3].truth == 0
    assert only_model.any()
    assert np.array_equal((picture == (255, 0, 255)).all(axis=2), only_model)
    stream_text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "There is no Java." in stream_text
    assert "no pixel differs" in stream_text
    assert "watch it learn. Stopped early. (" in stream_text


def test_a_failed_training_ends_the_service_and_says_why(
    agreement: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    """The error passes through; no report pretends a success."""
    service = StandIn(agreement, fails=True)
    stand_in(monkeypatch, service)
    with pytest.raises(ComputeError, match="diverged"):
        run.run_demo(tmp_path / "demo", quick=True, console=console)
    assert service.calls[-2:] == ["close", "shutdown"]
    assert not (tmp_path / "demo" / "report.html").exists()


def test_ctrl_c_cancels_the_training_that_would_go_on(
    agreement: dict[str, Any], monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    """A training outlives its service, so the demonstration takes it back."""
    service = StandIn(agreement)

    def interrupt(job: Job) -> Iterator[Event]:
        raise KeyboardInterrupt

    monkeypatch.setattr(service, "events", interrupt)
    narrator = Narrator(console)
    with pytest.raises(KeyboardInterrupt):
        run._train("d1", service, plan=run._QUICK, narrator=narrator)  # type: ignore[arg-type]
    assert service.calls == ["cancel t1"]
    assert narrator.steps == []
