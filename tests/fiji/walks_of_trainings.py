"""Walks through the commands that train a model and tell of its job."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import tifffile

from tests.fiji.conftest import MODEL, await_that, draw_spots
from tests.fiji.stage import read_files
from tests.fiji.walks_of_annotations import make_experts
from tests.fiji.walks_of_segmentations import EMPTY_MANAGER

if TYPE_CHECKING:
    from tests.fiji.stage import Stage

STARTED = re.compile(r"training (\S+) started with \d images of \d experts")


def started_jobs(stage: Stage) -> list[str]:
    """Return the trainings that the Log tells of."""
    return STARTED.findall("\n".join(stage.log()))


def read_options(stage: Stage, job: str) -> dict[str, Any]:
    """Return the options of a job, but for its data set, which is a copy of its own."""
    text = (stage.home / "runs" / job / "job.json").read_text("utf-8")
    options: dict[str, Any] = json.loads(text)["options"]
    return {key: value for key, value in options.items() if key != "dataset"}


def await_done(stage: Stage, job: str) -> None:
    """Wait for a training and see it end well."""
    await_that(lambda: stage.service.job(job).has_ended, seconds=400)
    assert stage.service.job(job).state == "done"


def find_ended(stage: Stage) -> str:
    """Return the newest training if it ended well; else train for an epoch."""
    trainings = [job for job in stage.service.jobs() if job.kind == "training"]
    if trainings and trainings[0].state == "done":
        return trainings[0].id
    dataset = stage.service.create_dataset("spots")
    image = draw_spots(shape=(144, 144))
    stage.service.put_image(dataset, "6.tif", image)
    stage.service.put_annotation(dataset, "6.tif", image > 1000, expert="anna")
    started = stage.service.train(dataset, "followed", base=MODEL, preset="quick", epochs=1)
    await_done(stage, started.id)
    return started.id


def train(stage: Stage) -> None:
    """Both trainings have the same options; the first becomes a model."""
    command = "DFL Train..."
    filled = stage.choose(
        command, model="walked", base=MODEL, preset="quick", epochs="1", seed="5",
        consensus="majority", **make_experts(stage.place),
    )  # fmt: skip
    stage.imagej.do("window", "DeepFLaSH Training walked")
    line = stage.recorded(command, filled)
    (job,) = started_jobs(stage)
    await_done(stage, job)
    stage.imagej.do("close", "DeepFLaSH Training walked")
    stage.replay(line)
    again = started_jobs(stage)[-1]
    assert again != job
    assert read_options(stage, again) == read_options(stage, job)
    assert read_options(stage, job)["consensus"] == "majority"


def correct(stage: Stage) -> None:
    """Image, annotation and the options of the training are the same."""
    command = "DFL Correct and Retrain..."
    picture = stage.place / "cells.tif"
    tifffile.imwrite(picture, draw_spots(shape=(144, 144)), imagej=True)
    stage.imagej.do("macro", EMPTY_MANAGER)
    stage.imagej.do("open", str(picture))
    stage.imagej.do("macro", f'run("DFL Segment...", "model={MODEL} add_to_manager");')
    folders = [stage.place / "first corrections", stage.place / "more corrections"]
    filled = stage.choose(
        command, expert="anna", correction_folder=folders[0], allow_empty=False, overwrite=False,
        train=True, base=MODEL, model="mended", epochs="900", **{"class": "cFOS"},
    )  # fmt: skip
    stage.imagej.do("window", "DeepFLaSH Training mended")
    line = stage.recorded(command, filled)
    stage.imagej.do("close", "DeepFLaSH Training mended")
    stage.replay(line.replace(str(folders[0]), str(folders[1])))
    first, second = (read_files(folder) for folder in folders)
    assert first == second
    assert {"images/cells.tif", "annotations/anna/cells_RoiSet.zip"} <= set(first)
    job, again = started_jobs(stage)
    assert read_options(stage, again) == read_options(stage, job)
    assert read_options(stage, job)["epochs"] == 900


def monitor(stage: Stage) -> None:
    """How the training ended stands in the window, and in the Log of the replay."""
    job = find_ended(stage)
    model = stage.service.job(job).model or job
    title = f"DeepFLaSH Training {model}"
    shown = stage.open_window("DFL Training Monitor", title, until="is in the library")
    line = stage.recorded("DFL Training Monitor", {"job": job})
    stage.replay(line)
    (told,) = (row for row in stage.log() if f"training {job}: " in row)
    assert told.rpartition(f"{job}: ")[2] in shown.replace("\n", " ")


def tell_job(stage: Stage) -> None:
    """What is known of a job stands in a window, and in the Log of the replay."""
    command = "DFL Jobs..."
    job = find_ended(stage)
    filled = stage.choose(command, action="show", job=job)
    shown = stage.imagej.do("window", "DeepFLaSH Job")
    line = stage.recorded(command, filled)
    stage.imagej.do("close", "DeepFLaSH Job")
    stage.clear_log()
    stage.replay(line, tables="DeepFLaSH Jobs")
    told = stage.log()
    assert any(job in row for row in told)
    assert set(told) <= set(shown.splitlines())
