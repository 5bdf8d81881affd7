"""Train, segment, evaluate, share: the command line with a real, tiny network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepflash_service.store import models, runs
from deepflash_service.store.events import Event
from deepflash_service.store.images import write_image, write_mask

pytestmark = [pytest.mark.keras, pytest.mark.slow]


def deepflash(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "deepflash_service.cli", *map(str, arguments)]
    command += ["--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return a folder with data and a home in which a model was trained, and the JSON of that."""
    folder = tmp_path_factory.mktemp("cli")
    for number in range(2):
        rng = np.random.default_rng(number)
        mask = np.zeros((96, 80), bool)
        for row, column in rng.integers(8, 64, (6, 2)):
            mask[row : row + 9, column : column + 9] = True
        image = rng.normal(100, 10, mask.shape) + 150 * mask
        write_image(folder / "images" / f"i{number}.tif", image.astype(np.uint16))
        for expert in ("anna", "ben"):
            write_mask(folder / expert / f"i{number}_cFOS.tif", mask)
    done = deepflash(
        folder / "home", "train", "--images", folder / "images", "--masks", f"anna={folder}/anna",
        "--masks", f"ben={folder}/ben", "--model", "tiny", "--preset", "quick", "--epochs", 2,
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_training_tells_model_job_and_scores(trained: tuple[Path, dict[str, Any]]) -> None:
    """The object has the promised keys; scores come from the held-out image only."""
    folder, result = trained
    assert {"model", "version", "job", "seconds", "scores", "experts"} <= set(result)
    assert (result["model"], result["version"]) == ("tiny", 1)
    assert set(result["experts"]) == {"anna", "ben"}
    assert len(result["held_out"]) == 1
    stored = models.find_model(folder / "home", "tiny")
    models.verify_weights(stored)
    assert stored.card.scores is not None
    assert stored.card.scores.model_dump() == result["scores"]
    assert stored.card.consensus == "majority"
    assert stored.thumbnail is not None
    job = runs.read_job(runs.open_run(folder / "home", result["job"]))
    assert job["state"] == "done"
    assert job["model"] == "tiny@1"
    assert job["results"] == ["model.json", "preview.png"]


def test_the_model_segments_and_is_evaluated(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """Another process finds the model; stdout is one object, stderr stays empty."""
    folder, _ = trained
    done = deepflash(
        folder / "home", "segment", folder / "images", "--model", "tiny", "--output", tmp_path,
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert [one["error"] for one in result["images"]] == [None, None]
    done = deepflash(
        folder / "home", "evaluate", "--prediction", tmp_path, "--truth", folder / "anna",
        "--json",
    )  # fmt: skip
    assert set(json.loads(done.stdout)["pooled"]) >= {"f1", "dice"}


def test_the_model_passes_its_own_test_elsewhere(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """Exported, imported into an empty library and tested there."""
    folder, _ = trained
    packed = deepflash(folder / "home", "models", "export", "tiny", "--output", tmp_path, "--json")
    file = json.loads(packed.stdout)["file"]
    done = deepflash(tmp_path / "home", "models", "import", file, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"model": "tiny", "version": 1}


def test_an_interrupted_training_resumes(trained: tuple[Path, dict[str, Any]]) -> None:
    """Nothing that was done before the interruption is done again, and no second version made."""
    folder, result = trained
    home = folder / "home"
    run = runs.open_run(home, result["job"])
    runs.append_event(run, Event("interrupted", "The computer was switched off."))
    done = deepflash(home, "jobs", "resume", run.id, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "tiny@1"
    assert [card.version for card in models.list_models(home)["tiny"]] == [1]
    messages = [one["message"] for one in runs.read_events(run)]
    assert len([one for one in messages if one in {"epoch 1 of 2", "epoch 2 of 2"}]) == 2
