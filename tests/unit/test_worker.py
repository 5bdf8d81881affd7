"""The worker: one job after the other, plain ends for every fault, models kept loaded."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from deepflash_service import worker
from deepflash_service.errors import ComputeError, JobCancelled, SetupError
from deepflash_service.records import JobKind, ModelCard, Progress
from deepflash_service.store import mailbox as boxes
from deepflash_service.store import models, runs
from deepflash_service.store.custody import read_owner
from deepflash_service.store.disk import prepare_home
from deepflash_service.workflows.model_cache import ModelCache
from deepflash_service.workflows.prediction import LoadedModel


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a prepared home folder."""
    prepare_home(tmp_path)
    return tmp_path


def _train(home: Path, monkeypatch: pytest.MonkeyPatch, work: Any) -> dict[str, Any]:
    monkeypatch.setattr("deepflash_service.workflows.train.run_training", work)
    run = runs.create_run(home, "training", options={})
    return worker.run_job(home, run.id)


class ResourceExhaustedError(Exception):
    """Named like the error that TensorFlow raises when memory runs out."""


@pytest.mark.parametrize(
    ("fault", "state", "code"),
    [
        (
            ComputeError("The loss is NaN. Try again.", code="training_diverged"),
            "failed",
            "training_diverged",
        ),
        (MemoryError(), "failed", "out_of_memory"),
        (ResourceExhaustedError(), "failed", "out_of_memory"),
        (ZeroDivisionError("a detail"), "failed", "internal_error"),
        (JobCancelled("Cancelled."), "cancelled", None),
    ],
)
def test_every_fault_has_a_plain_end(
    home: Path, monkeypatch: pytest.MonkeyPatch, *, fault: Exception, state: str, code: str | None
) -> None:
    """The job ends with a code and a sentence; the log holds the traceback."""

    def work(_home: Path, run: runs.Run, *, hooks: object, **_settings: object) -> None:
        (run.results / "half.csv").write_text("x")
        raise fault

    job = _train(home, monkeypatch, work)
    assert job["state"] == state
    assert (job["error"] or {}).get("code") == code
    assert "Traceback" not in job["message"]
    assert "a detail" not in job["message"]
    run = runs.open_run(home, job["id"])
    if state == "failed":
        assert type(fault).__name__ in run.log.read_text()
    else:
        assert job["results"] == []


def test_progress_becomes_events_and_is_passed_on(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epochs are all written; hundreds of quick steps are thinned out, but never the last."""

    def work(_home: Path, _run: runs.Run, *, hooks: Any, **_settings: object) -> Any:
        hooks.warn("Few images.")
        for step in range(1, 301):
            hooks.report(Progress("tile", step, 300))
        for epoch in range(1, 4):
            hooks.report(Progress("epoch", epoch, 3, {"loss": 0.5}))
        return ModelCard(name="m", version=2)

    monkeypatch.setattr("deepflash_service.workflows.train.run_training", work)
    run = runs.create_run(home, "training", options={})
    told: list[Progress] = []
    job = worker.run_job(home, run.id, report=told.append)
    assert (job["state"], job["model"]) == ("done", "m@2")
    assert len(told) == 303
    events = runs.read_events(run)
    assert [event["current"] for event in events if event["metrics"]] == [1, 2, 3]
    tiles = [event["current"] for event in events if event["message"] == "tile"]
    assert tiles[-1] == 300
    assert len(tiles) < 50
    assert any(event["message"] == "Few images." for event in events)
    assert read_owner(run)["pid"]


def test_a_stopped_training_is_told_apart(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its model is saved, its state is stopped."""

    def work(_home: Path, run: runs.Run, *, hooks: Any, **_settings: object) -> ModelCard:
        runs.request_stop(run)
        assert hooks.is_stopping()
        return ModelCard(name="m")

    assert _train(home, monkeypatch, work)["state"] == "stopped"


def test_a_stop_before_the_first_step_makes_no_model(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job says so, names the model that was wanted, and has no result."""

    def work(_home: Path, run: runs.Run, *, hooks: Any, **_settings: object) -> None:
        runs.request_stop(run)
        hooks.end_early("Stopped before the first step.")

    monkeypatch.setattr("deepflash_service.workflows.train.run_training", work)
    run = runs.create_run(home, "training", options={"model": "wanted"})
    job = worker.run_job(home, run.id)
    assert (job["state"], job["model"], job["results"]) == ("stopped", "wanted", [])
    assert (job["message"], job["error"]) == ("Stopped before the first step.", None)


def _publish(home: Path, name: str) -> None:
    with models.stage_model(home) as folder:
        (folder / "member-1.weights.h5").write_bytes(name.encode())
        models.publish_model(home, folder, card=ModelCard(name=name))


def test_models_stay_loaded_until_others_are_used(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same version is loaded once, whatever it is called; the oldest of three is dropped."""
    loads: list[str] = []

    def load(_home: Path, reference: str, **_choice: object) -> LoadedModel:
        loads.append(reference)
        return LoadedModel(reference, ModelCard(name="x"), lambda image, _hooks: image)

    monkeypatch.setattr("deepflash_service.workflows.prediction.load_model", load)
    for name in ("a", "b", "c"):
        _publish(home, name)
    cache = ModelCache(home)
    for reference in ("a", "a@1", "b", "a", "c", "a", "b"):
        cache.load(reference)
    assert loads == ["a@1", "b@1", "c@1", "b@1"]


def test_the_mailbox_is_served_until_quit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs in hand are done and cleared, ended and unknown ones only cleared."""
    done: list[str] = []

    def work(_home: Path, run: runs.Run, *, hooks: object, **_settings: object) -> ModelCard:
        done.append(run.id)
        return ModelCard(name="m")

    monkeypatch.setattr("deepflash_service.workflows.train.run_training", work)
    box = boxes.create_mailbox(home, "training-1")
    posted = [runs.create_run(home, "training", options={}).id for _ in range(2)]
    worker.run_job(home, posted[0])
    for job in (*posted, "unknown"):
        boxes.post_job(box, job)
    boxes.request_quit(box)
    thread = threading.Thread(
        target=worker.serve_mailbox, args=(home, box), kwargs={"role": "training"}
    )
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert done == posted
    assert boxes.list_posted(box) == []
    assert boxes.read_worker(box)["role"] == "training"


def test_an_orphan_ends_by_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a service, an idle worker does not hold its memory for ever."""
    monkeypatch.setattr(worker, "_ORPHAN_SECONDS", 0.0)
    box = boxes.create_mailbox(home, "warm-1")
    worker.serve_mailbox(home, box, role="warm")
    assert not boxes.is_quit_requested(box)


@pytest.mark.parametrize(("state", "code"), [("done", 0), ("failed", 1)])
def test_a_single_job_can_be_run_by_a_batch_system(
    home: Path, monkeypatch: pytest.MonkeyPatch, state: str, code: int
) -> None:
    """The exit code tells whether the job ended well."""

    def work(_home: Path, _run: runs.Run, *, hooks: object, **_settings: object) -> ModelCard:
        if state == "failed":
            raise ComputeError("No. Try again.")
        return ModelCard(name="m")

    monkeypatch.setattr("deepflash_service.workflows.train.run_training", work)
    run = runs.create_run(home, "training", options={})
    assert worker.main(["--home", str(home), "--job", run.id]) == code


def test_a_training_that_ended_early_by_itself_says_why(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody stopped it; the model holds the best weights, and the sentence tells which."""

    def work(_home: Path, _run: runs.Run, *, hooks: Any, **_settings: object) -> ModelCard:
        hooks.end_early("The loss was no longer a number in epoch 7.")
        return ModelCard(name="m", advice="Fine-tuning is worth it.")

    job = _train(home, monkeypatch, work)
    assert (job["state"], job["model"], job["error"]) == ("stopped", "m@1", None)
    assert (
        job["message"]
        == "The loss was no longer a number in epoch 7. Saved m@1. Fine-tuning is worth it."
    )


def test_a_training_that_needed_fewer_epochs_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is complete all the same, and nobody takes it for a crash."""
    ending = "Stopped early after epoch 33 of 40."
    job = _train(home, monkeypatch, lambda *_a, **_s: ModelCard(name="m", ending=ending))
    assert (job["state"], job["message"]) == ("done", f"{ending} Saved m@1.")


@pytest.mark.parametrize(("kind", "state"), [("training", "interrupted"), ("evaluation", "failed")])
def test_a_full_disk_pauses_a_training(
    home: Path, monkeypatch: pytest.MonkeyPatch, *, kind: JobKind, state: str
) -> None:
    """It can go on when there is room; a short job is simply started again."""

    def work(*_arguments: object, **_options: object) -> None:
        details = {"needed_bytes": 7, "free_bytes": 1, "folder": "f"}
        raise SetupError("The disk is full.", code="disk_full", details=details)

    monkeypatch.setattr("deepflash_service.workflows.train.run_training", work)
    monkeypatch.setattr("deepflash_service.workflows.evaluate.run_evaluation", work)
    run = runs.create_run(home, kind, options={})
    job = worker.run_job(home, run.id)
    assert (job["state"], job["error"]["code"]) == (state, "disk_full")
    assert job["error"]["details"]["needed_bytes"] == 7
    assert job["finished"] is not None


@pytest.mark.parametrize(
    "fault", [SetupError("The disk is full.", code="disk_full"), MemoryError(), ValueError("x")]
)
def test_a_cancel_outranks_every_other_end(
    home: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """Who cancelled a job on a full disk wants its files gone, not a resumption."""

    def work(_home: Path, run: runs.Run, **_options: object) -> None:
        (run.results / "half.csv").write_text("x")
        runs.request_cancel(run)
        raise fault

    job = _train(home, monkeypatch, work)
    assert (job["state"], job["error"], job["results"]) == ("cancelled", None, [])


def test_the_time_between_checkpoints_comes_from_the_settings(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment decides, as for every setting."""
    monkeypatch.setenv("DEEPFLASH_CHECKPOINT_SECONDS", "7.5")
    told: list[float] = []

    def work(*_arguments: object, checkpoint_seconds: float, **_options: object) -> ModelCard:
        told.append(checkpoint_seconds)
        return ModelCard(name="m")

    assert _train(home, monkeypatch, work)["state"] == "done"
    assert told == [7.5]
